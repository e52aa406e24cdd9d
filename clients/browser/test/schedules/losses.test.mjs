// Lost requests, lost answers, resets, stalls, sleep and skewed clocks.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { FakeBrowser, seed, tameCrypto } from "./browser.mjs";

tameCrypto();
beforeEach(() => seed(2));

const ada = { username: "ada", password: "right" };
const NOTES = "https://api.example.com/notes";
const REFRESH = "POST /auth/refresh";

/** Every third refresh has bad luck, each time another one; stalls last `stall` ms, and their copies arrive late. */
const badLuck = (stall) => {
  let refreshes = 0;
  const fates = [{ lose: "request" }, { lose: "answer" }, { up: stall }, { down: stall }];
  return ({ path }) => {
    if (path !== "/auth/refresh") return {};
    refreshes += 1;
    return refreshes % 3 === 0 ? fates[Math.floor(Math.random() * fates.length)] : {};
  };
};

async function refreshMany(browser, tab, times) {
  for (let turn = 0; turn < times; turn += 1) {
    const response = await browser.clock.until(tab.fetch(NOTES));
    assert.equal(response.status, 200, `call ${turn}`);
    await browser.clock.pass(browser.server.access * 1000 * 0.97);
  }
  assert.equal(tab.state.status, "in");
}

async function begin(options, settings) {
  const browser = new FakeBrowser(settings);
  const tab = browser.tab(options);
  await browser.clock.until(tab.login(ada));
  return { browser, tab };
}

describe("every third refresh goes wrong", () => {
  for (const delivery of ["cookie", "body"]) {
    test(`bound, in the ${delivery}, with copies that arrive after 30 s: 500 refreshes, nobody logged out`, async () => {
      const { browser, tab } = await begin({ delivery }, { access: 20 });
      browser.network = badLuck(30_000);
      await refreshMany(browser, tab, 500);
    });

    test(`bearer, in the ${delivery}, with stalls shorter than the token's life: likewise`, async () => {
      const { browser, tab } = await begin({ delivery, bound: false }, { access: 20 });
      browser.network = badLuck(15_000);
      await refreshMany(browser, tab, 500);
    });
  }

  test("what got lost is repeated at once, with the same token", async () => {
    const { browser, tab } = await begin({ delivery: "body", bound: false }, { access: 20 });
    await browser.clock.pass(20_000);
    let first = true;
    browser.network = ({ path }) => {
      if (path !== "/auth/refresh" || !first) return {};
      first = false;
      return { lose: "answer" };
    };
    const before = browser.clock.truth();
    await browser.clock.until(tab.fetch(NOTES));
    assert.ok(browser.clock.truth() - before < 200);
    const tokens = browser.requests
      .filter(({ path }) => path === "/auth/refresh")
      .map(({ body }) => body.refresh_token);
    assert.equal(tokens.length, 2);
    assert.equal(tokens[0], tokens[1]);
  });
});

describe("no network", () => {
  test("a call waits for it while there is hope, and then says so", async () => {
    const { browser, tab } = await begin({}, { access: 20 });
    await browser.clock.pass(25_000);
    browser.network = () => ({ lose: "request" });
    const calling = tab.fetch(NOTES);
    await browser.clock.pass(20_000);
    browser.network = () => ({});
    assert.equal((await browser.clock.until(calling)).status, 200);

    await browser.clock.pass(25_000);
    browser.network = () => ({ lose: "request" });
    await assert.rejects(browser.clock.until(tab.fetch(NOTES)), { code: "unreachable" });
    assert.equal(tab.state.status, "in");
    browser.network = () => ({});
    assert.equal((await browser.clock.until(tab.fetch(NOTES))).status, 200);
  });

  test("a page that begins without it knows nothing, and finds out later", async () => {
    const { browser } = await begin({});
    browser.network = () => ({ lose: "request" });
    const later = browser.tab();
    await assert.rejects(browser.clock.until(later.user()), { code: "unreachable" });
    assert.equal(later.state.status, "unknown");
    browser.network = () => ({});
    assert.equal((await browser.clock.until(later.user())).username, "ada");
  });

  test("a call that is given up waits no longer", async () => {
    const { browser, tab } = await begin({}, { access: 20 });
    await browser.clock.pass(25_000);
    browser.network = () => ({ lose: "request" });
    const caller = new AbortController();
    const calling = tab.fetch(NOTES, { signal: caller.signal });
    calling.catch(() => {});
    await browser.clock.pass(1000);
    caller.abort();
    await browser.clock.pass(0);
    await assert.rejects(calling, { name: "AbortError" });
  });

  test("a portal's page or a proxy's error ends nothing", async () => {
    const { browser, tab } = await begin({}, { access: 20 });
    await browser.clock.pass(25_000);
    browser.network = ({ path }) =>
      path === "/auth/refresh"
        ? { answer: { status: 200, body: "<html>log in to the hotel</html>", headers: {} } }
        : {};
    const calling = tab.fetch(NOTES);
    await browser.clock.pass(5000);
    browser.network = ({ path }) =>
      path === "/auth/refresh" ? { answer: { status: 502, body: "<html>nginx</html>", headers: {} } } : {};
    await browser.clock.pass(5000);
    browser.network = () => ({});
    assert.equal((await browser.clock.until(calling)).status, 200);

    await browser.clock.pass(25_000);
    browser.network = () => ({ answer: { status: 403, body: "<html>blocked</html>", headers: {} } });
    await assert.rejects(browser.clock.until(tab.fetch(NOTES)), { code: "unexpected_answer", status: 403 });
    assert.equal(tab.state.status, "in");
  });

  test("a server that asks for patience gets it", async () => {
    const { browser, tab } = await begin({}, { access: 20 });
    await browser.clock.pass(25_000);
    const busy = { status: 503, body: { code: "overloaded" }, headers: { "Retry-After": "7" } };
    let times = 0;
    browser.network = ({ path }) => (path === "/auth/refresh" && times++ === 0 ? { answer: busy } : {});
    const before = browser.clock.truth();
    await browser.clock.until(tab.fetch(NOTES));
    assert.ok(browser.clock.truth() - before >= 7000);
  });
});

describe("sleep", () => {
  test("past the token and the window is not noticed by a bound session", async () => {
    const { browser, tab } = await begin({ delivery: "body" });
    await browser.clock.suspend(4 * 86_400_000);
    assert.equal((await browser.clock.until(tab.fetch(NOTES))).status, 200);
  });

  test("in the middle of a refresh neither", async () => {
    const { browser, tab } = await begin({});
    await browser.clock.pass(900_000);
    browser.network = () => ({ lose: "answer" });
    const calling = tab.fetch(NOTES);
    await browser.clock.pass(35);
    browser.network = () => ({});
    await browser.clock.suspend(3 * 86_400_000);
    assert.equal((await browser.clock.until(calling)).status, 200);
  });

  test("past the idle limit ends with its reason, in all tabs", async () => {
    const { browser, tab } = await begin({});
    const other = browser.tab();
    await browser.clock.until(other.user());
    await browser.clock.suspend(6 * 86_400_000);
    assert.equal(await browser.clock.until(tab.user()), null);
    await browser.clock.pass(10);
    for (const { state } of [tab, other]) {
      assert.equal(state.status, "out");
      assert.equal(state.ended.reason, "idle");
      assert.ok(state.ended.at instanceof Date);
    }
  });
});

describe("a wrong clock", () => {
  for (const minutes of [-600, -3, 3, 600]) {
    test(`of ${minutes} minutes hinders nobody`, async () => {
      const browser = new FakeBrowser({ access: 20 });
      browser.clock.skew = minutes * 60_000;
      const tab = browser.tab();
      await browser.clock.until(tab.login(ada));
      await refreshMany(browser, tab, 20);
    });
  }

  test("that is set while the app runs hinders nobody", async () => {
    const { browser, tab } = await begin({}, { access: 20 });
    for (const minutes of [90, -90, 0]) {
      browser.clock.skew = minutes * 60_000;
      await refreshMany(browser, tab, 3);
    }
  });
});

describe("nonces", () => {
  test("are learnt from refusals, at login, refresh and calls", async () => {
    const browser = new FakeBrowser({ access: 20 });
    browser.server.nonce = "first";
    const tab = browser.tab();
    await browser.clock.until(tab.login(ada));
    browser.server.nonce = "second";
    assert.equal((await browser.clock.until(tab.fetch(NOTES))).status, 200);
    await browser.clock.pass(25_000);
    browser.server.nonce = "third";
    assert.equal((await browser.clock.until(tab.fetch(NOTES))).status, 200);
    assert.equal(browser.count(REFRESH), 2);
  });
});
