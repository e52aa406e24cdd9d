// A sibling host of the API's, in somebody else's hands, by HTTPS: cookies that it tosses, and where links lead.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { openTab, startChromium } from "../harness/chromium.mjs";
import { somebody } from "../harness/relatch.mjs";
import { startSiblings } from "../harness/siblings.mjs";

describe("a sibling host", () => {
  let world;
  let browser;
  let context;
  before(async () => {
    world = await startSiblings();
    browser = await startChromium();
  });
  after(() => Promise.all([browser?.close(), world?.stop()]));
  beforeEach(async () => {
    // Nobody trusts the authority of a certificate for development.
    context = await browser.newContext({ ignoreHTTPSErrors: true });
  });
  afterEach(() => context.close());

  const open = () => openTab(context, world.pages.address, { issuer: world.issuer });
  const sentToApi = async () => (await context.cookies(world.issuer)).map(({ name }) => name);

  /** Every way to set a cookie that the API might take for its own. */
  const tosses = (token) =>
    ["__Host-relatch_refresh", "__host-relatch_refresh", "relatch_refresh_dev", "relatch_refresh"].flatMap(
      (name) => [
        `${name}=${token}; Domain=${world.site}; Path=/; Secure`,
        `${name}=${token}; Domain=${world.site}; Path=/auth/refresh; Secure; HttpOnly`,
        `${name}=${token}; Domain=api.${world.site}; Path=/; Secure`,
        `=${name}=${token}; Domain=${world.site}; Path=/; Secure`,
      ],
    );

  /** A visit at the sibling, which tosses by header and by script. */
  async function visit(token) {
    const cookies = [`tossed=1; Domain=${world.site}; Path=/; Secure`, ...tosses(token)];
    world.toss(...cookies);
    const page = await context.newPage();
    await page.goto(world.sibling);
    await page.evaluate((cookies) => {
      // biome-ignore lint/suspicious/noDocumentCookie: the cookie store takes none that are malformed.
      for (const cookie of cookies) document.cookie = cookie;
    }, cookies);
    await page.close();
    // What it may set for the site does get to the API.
    const names = await sentToApi();
    assert.ok(names.includes("tossed"), names.join());
    assert.ok(names.includes("relatch_refresh_dev"), names.join());
  }

  /** The token of a session of the attacker's own. */
  async function ownToken() {
    const elsewhere = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await openTab(elsewhere, world.pages.address, { issuer: world.issuer, bound: false });
    await page.evaluate((person) => window.client.register(person), somebody());
    const cookies = await elsewhere.cookies(world.issuer);
    await elsewhere.close();
    return cookies.find(({ name }) => name === "__Host-relatch_refresh").value;
  }

  test("tosses cookies, and a session goes on by its own", async () => {
    const app = await open();
    const person = somebody();
    await app.evaluate((person) => window.client.register(person), person);
    await visit(await ownToken());
    const fresh = await open();
    assert.equal((await fresh.evaluate(() => window.client.user())).username, person.username);
    assert.equal(await app.evaluate(() => window.client.state.status), "in");
    assert.equal(await app.evaluate(() => window.client.logout()), true);
  });

  test("tosses the cookie of its own session, and nobody is in it", async () => {
    await visit(await ownToken());
    const app = await open();
    // As a client would ask that keeps nothing, and whose session no key binds.
    const answer = await app.evaluate(async (url) => {
      const headers = { "Content-Type": "application/json" };
      const init = { method: "POST", credentials: "include", headers, body: "{}" };
      const response = await fetch(url, init);
      return { status: response.status, code: (await response.json()).code };
    }, `${world.issuer}/auth/refresh`);
    assert.deepEqual(answer, { status: 401, code: "no_session" });
    assert.equal(await app.evaluate(() => window.client.user()), null);
  });

  test("gets nobody sent to it by a link to the API", async () => {
    const { host } = new URL(world.sibling);
    const to = encodeURIComponent(world.sibling);
    const paths = [
      `//${host}/`,
      `/\\${host}/`,
      `/%5c${host}/`,
      `/.${host}/`,
      `/@${host}/`,
      `/%0d%0aLocation:%20${to}`,
      `/docs//${host}/..`,
      ...["next", "redirect_uri", "return_to", "url"].map((name) => `/docs?${name}=${to}`),
      `/auth/login?next=${to}`,
      `/auth/logout?post_logout_redirect_uri=${to}`,
    ];
    const page = await context.newPage();
    const asked = world.asked.length;
    for (const base of [world.plain, world.issuer]) {
      for (const path of paths) {
        await page.goto(base + path);
        assert.equal(new URL(page.url()).origin, world.issuer, base + path);
      }
    }
    assert.deepEqual(world.asked.slice(asked), []);
  });
});
