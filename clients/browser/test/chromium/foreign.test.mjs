// What a foreign page makes a visitor's browser do: nothing that counts.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { ENCODINGS, embedAll, fetchAll, reachAll, startAttacker, submitForm } from "../harness/attacker.mjs";
import { openTab, startChromium } from "../harness/chromium.mjs";
import { somebody } from "../harness/relatch.mjs";
import { startWorld } from "../harness/world.mjs";

describe("a foreign page", () => {
  let world;
  let browser;
  let attacker;
  before(async () => {
    [world, browser, attacker] = await Promise.all([startWorld(), startChromium(), startAttacker()]);
  });
  after(() => Promise.all([browser?.close(), world?.stop(), attacker?.stop()]));

  let context;
  let app;
  let person;
  let mallory;
  beforeEach(async () => {
    context = await browser.newContext();
    app = await openTab(context, world.pages.address, { issuer: world.issuer });
    person = somebody();
    await app.evaluate((person) => window.client.register(person), person);
    mallory = somebody();
    await fetch(`${world.issuer}/auth/register`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(mallory),
    });
  });
  afterEach(() => context.close());

  /** All that could have changed: what is on record, who is logged in where, what the browser keeps. */
  const standing = async () => ({
    record: await world.relatch.command("audit", "list"),
    sessions: await world.relatch.command("session", "list", "--ended"),
    cookies: await context.cookies(),
  });

  /** Runs the attack in a page of each foreign origin, which must have reached the server, and sees that nothing came of it. */
  async function changesNothing(attack) {
    const before = await standing();
    for (const host of ["127.0.0.1", "attacker.localhost"]) {
      const earlier = world.proxy.seen.length;
      const page = await context.newPage();
      await page.goto(attacker.address(host));
      const read = await attack(page);
      assert.deepEqual(read, []);
      // Beacons may still be on their way when their page is gone.
      const sent = world.proxy.seen
        .slice(earlier)
        .filter(({ from }) => from?.startsWith(attacker.address(host)));
      assert.ok(sent.length > 0, "the server was never asked");
      for (const { method, path, said, status } of sent) {
        if (method !== "GET") assert.ok(status >= 400, `${method} ${path}: ${status}`);
        if (path !== "/openapi.json") assert.doesNotMatch(said, /access_token"|relatch_rt_/);
      }
      // Ports of one host are of one site: there the cookie comes along.
      const came = sent.some(({ withCookie }) => withCookie);
      assert.equal(came, host === "127.0.0.1", host);
      await page.close();
    }
    assert.deepEqual(await standing(), before);
    assert.deepEqual(await app.evaluate(() => window.states.map(({ status }) => status)), ["in"]);
    // And it turns as ever.
    const fresh = await openTab(context, world.pages.address, { issuer: world.issuer });
    assert.equal((await fresh.evaluate(() => window.client.user())).username, person.username);
  }

  /** What it would like to send, with what it knows. */
  const posts = () => [
    ["/auth/refresh", {}],
    ["/auth/logout", {}],
    ["/auth/login", { username: mallory.username, password: mallory.password, delivery: "cookie" }],
    ["/auth/register", { ...somebody(), delivery: "cookie" }],
    ["/auth/reauthenticate", { password: person.password }],
    ["/auth/password/change", { old_password: person.password, new_password: "chosen by somebody else" }],
    ["/auth/password/reset", { username: person.username, code: "0", new_password: "chosen by another" }],
    ["/introspect", { token: "x" }],
    ["/admin/v1/users", { username: "eve", email: "eve@example.com" }],
  ];
  const gets = ["/auth/me", "/auth/sessions", "/auth/events", "/auth/refresh", "/auth/logout", "/verify"];

  test("sends forms, in frames and as a navigation", () =>
    changesNothing(async (page) => {
      const forms = posts().flatMap(([path, fields]) =>
        ENCODINGS.map((encoding) => ({ url: world.issuer + path, fields, encoding })),
      );
      const read = await Promise.all(forms.map((form) => page.evaluate(submitForm, form)));
      const home = page.url();
      for (const form of forms.slice(0, 3 * ENCODINGS.length)) {
        const sent = page.evaluate(submitForm, { ...form, target: "_top" });
        const [answer] = await Promise.all([page.waitForNavigation(), sent]);
        assert.ok(answer.status() >= 400, `${form.url} as ${form.encoding}: ${answer.status()}`);
        await page.goto(home);
      }
      return read.filter(Boolean);
    }));

  test("fetches, with and without asking for leave", () =>
    changesNothing((page) => {
      const calls = [];
      for (const mode of ["cors", "no-cors"]) {
        for (const [path, fields] of posts()) {
          for (const type of ["application/json", ...ENCODINGS, undefined])
            calls.push({
              url: world.issuer + path,
              method: "POST",
              body: JSON.stringify(fields),
              type,
              mode,
            });
        }
        for (const path of gets) calls.push({ url: world.issuer + path, method: "GET", mode });
        for (const method of ["DELETE", "PUT", "PATCH"])
          calls.push({ url: `${world.issuer}/auth/sessions`, method, mode });
      }
      return page.evaluate(fetchAll, { calls });
    }));

  test("embeds, as images, scripts, styles and frames", () =>
    changesNothing((page) =>
      page.evaluate(embedAll, { urls: [...gets, "/docs"].map((path) => world.issuer + path) }),
    ));

  test("opens sockets, event streams and windows, and sends beacons", () =>
    changesNothing((page) =>
      page.evaluate(reachAll, { urls: [...gets, "/revocations"].map((path) => world.issuer + path) }),
    ));

  test("logs nobody in as its own user", async () => {
    await app.evaluate(() => window.client.logout());
    const before = await standing();
    const from = world.proxy.of("/auth/login").length;
    for (const host of ["127.0.0.1", "attacker.localhost"]) {
      const page = await context.newPage();
      await page.goto(attacker.address(host));
      const { username, password } = mallory;
      const url = `${world.issuer}/auth/login`;
      const fields = { username, password, delivery: "cookie" };
      const forms = ENCODINGS.map((encoding) => ({ url, fields, encoding }));
      await Promise.all(forms.map((form) => page.evaluate(submitForm, form)));
      const call = { url, method: "POST", body: JSON.stringify(fields) };
      const types = ["application/json", ...ENCODINGS];
      const calls = types.flatMap((type) => ["cors", "no-cors"].map((mode) => ({ ...call, type, mode })));
      assert.deepEqual(await page.evaluate(fetchAll, { calls }), []);
      await page.close();
    }
    // Not for want of asking: from each page three forms, and every fetch but the one that is JSON and wants to read.
    assert.equal(world.proxy.of("/auth/login").length - from, 2 * (3 + 7));
    assert.deepEqual(await standing(), before);
    const fresh = await openTab(context, world.pages.address, { issuer: world.issuer });
    assert.equal(await fresh.evaluate(() => window.client.user()), null);
  });

  test("frames no page of the server", async () => {
    for (const host of ["127.0.0.1", "attacker.localhost"]) {
      const page = await context.newPage();
      await page.goto(attacker.address(host));
      const urls = ["/docs", "/", "/auth/me", "/openapi.json"].map((path) => world.issuer + path);
      await page.evaluate(embedAll, { urls: [...urls, `${attacker.address(host)}/own`] });
      const framed = page.frames().map((frame) => frame.url());
      // Its own page can be framed; an error of the browser's is in the place of others.
      assert.ok(framed.includes(`${attacker.address(host)}/own`), framed.join(" "));
      assert.deepEqual(
        framed.filter((url) => url.startsWith(world.issuer)),
        [],
      );
      await page.close();
    }
  });
});
