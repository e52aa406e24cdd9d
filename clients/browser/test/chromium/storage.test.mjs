// What a real browser keeps, who can read it, and what becomes of a session when it is gone.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { makeClient, openTab, startChromium } from "../harness/chromium.mjs";
import { somebody } from "../harness/relatch.mjs";
import { startWorld } from "../harness/world.mjs";

/** Everything that a script in the page can get hold of, as text; keys as far as they can be exported. */
const everythingAScriptCanRead = async () => {
  const found = [document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage)];
  const keys = [];
  for (const { name } of await indexedDB.databases()) {
    const database = await new Promise((resolve, reject) => {
      const request = indexedDB.open(name);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    for (const store of database.objectStoreNames) {
      const records = await new Promise((resolve) => {
        const request = database.transaction(store).objectStore(store).getAll();
        request.onsuccess = () => resolve(request.result);
      });
      for (const record of records) {
        found.push(JSON.stringify(record));
        if (record.key) keys.push(record.key.privateKey);
      }
    }
    database.close();
  }
  for (const key of keys) {
    for (const format of ["jwk", "pkcs8", "raw"]) {
      const exported = await crypto.subtle.exportKey(format, key).then(
        () => true,
        () => false,
      );
      if (exported) found.push(`a key as ${format}`);
    }
  }
  return { text: found.join("\n"), keys: keys.length };
};

describe("storage", () => {
  let world;
  let browser;
  before(async () => {
    [world, browser] = await Promise.all([startWorld({ "session.access_lifetime": "3s" }), startChromium()]);
  });
  after(async () => {
    await browser?.close();
    await world?.stop();
  });

  const login = async (page) => {
    const person = somebody();
    await page.evaluate((person) => window.client.register(person), person);
    return person;
  };
  const me = (page) =>
    page.evaluate(async (url) => (await window.client.fetch(url)).status, `${world.issuer}/auth/me`);
  const passed = () => new Promise((resolve) => setTimeout(resolve, 3100));

  test("in cookie mode no script can read a refresh token, anywhere, or export the key", async () => {
    const context = await browser.newContext();
    const page = await openTab(context, world.pages.address, { issuer: world.issuer });
    const before = world.proxy.seen.length;
    await login(page);
    await passed();
    assert.equal(await me(page), 200);
    const { text, keys } = await page.evaluate(everythingAScriptCanRead);
    const answers = world.proxy.seen
      .slice(before)
      .map(({ said }) => said)
      .join("\n");
    assert.match(answers, /"token_type":"DPoP"/);
    assert.doesNotMatch(text + answers, /relatch_rt_/);
    assert.doesNotMatch(text, /a key as/);
    assert.equal(keys, 1);
    await context.close();
  });

  test("in body mode the token outlives the page, and tabs share it", async () => {
    const context = await browser.newContext();
    const options = { issuer: world.issuer, delivery: "body" };
    const first = await openTab(context, world.pages.address, options);
    const { username } = await login(first);
    await passed();
    await first.reload();
    await makeClient(first, options);
    const second = await openTab(context, world.pages.address, options);
    for (const page of [first, second, first, second]) {
      await passed();
      assert.equal(await me(page), 200);
    }
    assert.equal((await second.evaluate(() => window.client.user())).username, username);
    await first.evaluate(() => window.client.logout());
    const { text } = await second.evaluate(everythingAScriptCanRead);
    assert.doesNotMatch(text, /relatch_rt_/);
    await context.close();
  });

  test("where IndexedDB is away, the session lives by its cookie alone", async () => {
    const context = await browser.newContext();
    await context.addInitScript(() => {
      IDBFactory.prototype.open = () => {
        throw new DOMException("denied", "SecurityError");
      };
    });
    const page = await openTab(context, world.pages.address, { issuer: world.issuer });
    const { username } = await login(page);
    await passed();
    assert.equal(await me(page), 200);
    await page.reload();
    await makeClient(page, { issuer: world.issuer });
    assert.equal((await page.evaluate(() => window.client.user())).username, username);
    await context.close();
  });

  test("when the cookie is cleared, the session is over and says so; a new login works", async () => {
    const context = await browser.newContext();
    const page = await openTab(context, world.pages.address, { issuer: world.issuer });
    const person = await login(page);
    await context.clearCookies();
    await passed();
    assert.equal(await page.evaluate(() => window.client.user()), null);
    assert.equal(await page.evaluate(() => window.client.state.ended.reason), "cookie_lost");
    await page.evaluate((person) => window.client.login(person), person);
    assert.equal(await me(page), 200);
    await context.close();
  });

  test("when the site's data is cleared while it is open, a new login works", async () => {
    const context = await browser.newContext();
    const page = await openTab(context, world.pages.address, { issuer: world.issuer });
    const person = await login(page);
    await page.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const request = indexedDB.deleteDatabase("relatch");
          request.onsuccess = resolve;
          request.onerror = request.onblocked = reject;
        }),
    );
    await passed();
    assert.equal(await page.evaluate(() => window.client.user()), null);
    await page.evaluate((person) => window.client.login(person), person);
    assert.equal(await me(page), 200);
    await context.close();
  });

  test("two issuers on one origin keep apart", async () => {
    const other = await startWorld({ "browser.origins": [world.pages.address] });
    const context = await browser.newContext();
    const page = await openTab(context, world.pages.address, { issuer: world.issuer, delivery: "body" });
    const second = await openTab(context, world.pages.address, { issuer: other.issuer, delivery: "body" });
    const here = await login(page);
    assert.equal(await second.evaluate(() => window.client.user()), null);
    const there = await login(second);
    await second.evaluate(() => window.client.user());
    assert.equal((await page.evaluate(() => window.client.user())).username, here.username);
    assert.equal((await second.evaluate(() => window.client.user())).username, there.username);
    await page.evaluate(() => window.client.logout());
    assert.equal(await second.evaluate(() => window.client.state.status), "in");
    await context.close();
    await other.stop();
  });

  test("a login in one tab breaks off the refresh of another", async () => {
    const context = await browser.newContext();
    const first = await openTab(context, world.pages.address, { issuer: world.issuer });
    const second = await openTab(context, world.pages.address, { issuer: world.issuer });
    await login(first);
    await second.waitForFunction(() => window.client.state.status === "in");
    await passed();
    world.proxy.plan(({ path }) =>
      path === "/auth/refresh" ? { fate: "stall-answer", ms: 2000 } : undefined,
    );
    await first.evaluate((url) => {
      window.calling = window.client.fetch(url).then((response) => response.json());
    }, `${world.issuer}/auth/me`);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { username } = await login(second);
    world.proxy.plan();
    // The answer that came too late is nowhere: the call went out for the new user.
    assert.equal((await first.evaluate(() => window.calling)).username, username);
    await passed();
    await passed();
    for (const page of [first, second]) {
      assert.equal((await page.evaluate(() => window.client.user())).username, username);
      assert.equal(await me(page), 200);
    }
    await context.close();
  });
});
