// Logins, logouts and changes of the password, with refreshes in flight, and why sessions end.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { FakeBrowser, seed, tameCrypto } from "./browser.mjs";

tameCrypto();
beforeEach(() => seed(3));

const ada = { username: "ada", password: "right" };
const bob = { username: "bob", password: "right" };
const NOTES = "https://api.example.com/notes";
const refreshing = ({ path }) => path === "/auth/refresh";

async function begin(options, settings, count = 2) {
  const browser = new FakeBrowser(settings);
  const tabs = Array.from({ length: count }, () => browser.tab(options));
  for (const tab of tabs) tab.subscribe(() => {});
  await browser.clock.until(tabs[0].login(ada));
  await browser.clock.pass(10);
  return { browser, tabs };
}

for (const locks of [true, false]) {
  for (const delivery of ["cookie", "body"]) {
    describe(`with${locks ? "" : "out"} locks, in the ${delivery}`, () => {
      const options = { locks, delivery };

      test("a login breaks off refreshes of all tabs, and their late answers change nothing", async () => {
        const { browser, tabs } = await begin(options, { access: 20 });
        await browser.clock.pass(25_000);
        browser.network = (entry) => (refreshing(entry) ? { down: 3000 } : {});
        const calls = tabs.map((tab) => tab.fetch(NOTES));
        await browser.clock.pass(500);
        const user = await browser.clock.until(tabs[1].login(bob));
        assert.equal(user.username, "bob");
        browser.network = () => ({});
        for (const call of calls) await browser.clock.until(call);
        await browser.clock.pass(30_000);
        for (const tab of tabs) {
          assert.equal((await browser.clock.until(tab.user())).username, "bob");
          const { sub } = await (await browser.clock.until(tab.fetch(NOTES))).json();
          assert.equal(sub, "bob");
        }
      });

      test("a login that fails leaves the session as it was", async () => {
        const { browser, tabs } = await begin(options, { access: 20 });
        await browser.clock.pass(25_000);
        browser.network = (entry) => (refreshing(entry) ? { down: 3000 } : {});
        const call = tabs[0].fetch(NOTES);
        await browser.clock.pass(500);
        browser.network = () => ({});
        const login = tabs[1].login({ ...bob, password: "wrong" });
        await assert.rejects(browser.clock.until(login), { code: "invalid_credentials", status: 401 });
        assert.equal((await browser.clock.until(call)).status, 200);
        assert.equal(tabs[1].state.user.username, "ada");
      });

      test("a logout breaks off refreshes, and nobody is in afterwards", async () => {
        const { browser, tabs } = await begin(options, { access: 20 });
        await browser.clock.pass(25_000);
        browser.network = (entry) => (refreshing(entry) ? { down: 3000 } : {});
        const call = tabs[0].fetch(NOTES);
        await browser.clock.pass(500);
        browser.network = () => ({});
        assert.equal(await browser.clock.until(tabs[1].logout()), true);
        assert.equal((await browser.clock.until(call)).status, 401);
        await browser.clock.pass(15_000);
        assert.deepEqual(
          tabs.map(({ state }) => [state.status, state.ended?.reason]),
          [
            ["out", "logout"],
            ["out", undefined],
          ],
        );
        assert.equal(browser.record.token, undefined);
        assert.equal(browser.record.key, undefined);
        const later = browser.tab(options);
        assert.equal(await browser.clock.until(later.user()), null);
      });

      test("a change of the password is followed by all tabs", async () => {
        const { browser, tabs } = await begin(options, { access: 20 });
        await browser.clock.pass(25_000);
        const call = tabs[0].fetch(NOTES);
        await browser.clock.pass(10);
        const change = { oldPassword: "right", newPassword: "new" };
        await browser.clock.until(tabs[1].changePassword(change));
        assert.equal((await browser.clock.until(call)).status, 200);
        await browser.clock.pass(25_000);
        for (const tab of tabs) assert.equal((await browser.clock.until(tab.fetch(NOTES))).status, 200);
        assert.ok(tabs.every(({ state }) => state.user.username === "ada"));
      });
    });
  }
}

describe("a password", () => {
  test("that is wrong is tried once, and no token is renewed for it", async () => {
    const { browser, tabs } = await begin({});
    const change = tabs[0].changePassword({ oldPassword: "wrong", newPassword: "new" });
    await assert.rejects(browser.clock.until(change), { code: "invalid_credentials" });
    assert.equal(browser.count("POST /auth/password/change"), 1);
    assert.equal(browser.count("POST /auth/refresh"), 0);
    assert.equal(tabs[0].state.status, "in");
  });

  test("is sent nowhere while nobody is logged in", async () => {
    const browser = new FakeBrowser();
    const change = browser.tab().changePassword({ oldPassword: "right", newPassword: "new" });
    await assert.rejects(browser.clock.until(change), { code: "not_logged_in" });
    assert.deepEqual(browser.requests, []);
  });
});

describe("logging out", () => {
  test("without a network is at once here, and made up for there", async () => {
    for (const delivery of ["cookie", "body"]) {
      const { browser, tabs } = await begin({ delivery });
      browser.network = () => ({ lose: "request" });
      assert.equal(await browser.clock.until(tabs[0].logout()), false);
      await browser.clock.pass(10);
      assert.ok(tabs.every(({ state }) => state.status === "out"));
      browser.network = () => ({});
      const later = browser.tab({ delivery });
      assert.equal(await browser.clock.until(later.user()), null);
      assert.ok([...browser.server.sessions.values()].every(({ ended }) => ended?.reason === "logout"));
    }
  });

  test("everywhere ends it here, too, and others show why", async () => {
    const { browser, tabs } = await begin({});
    await browser.clock.until(tabs[0].logoutEverywhere());
    await browser.clock.pass(10);
    assert.equal(tabs[0].state.status, "out");
    assert.equal(tabs[1].state.ended.reason, "logout_everywhere");
  });
});

describe("why a session ended", () => {
  test("is what the server says, once a call is made", async () => {
    const { browser, tabs } = await begin({});
    browser.server.end("s1", "password_changed");
    const response = await browser.clock.until(tabs[0].fetch(NOTES));
    assert.equal(response.status, 401);
    await browser.clock.pass(10);
    for (const { state } of tabs) assert.equal(state.ended.reason, "password_changed");
    await assert.rejects(browser.clock.until(tabs[0].sessions.list()), {
      code: "session_ended",
      ended: tabs[0].state.ended,
    });
  });

  test("is told after a reload, too", async () => {
    const { browser } = await begin({});
    browser.server.end("s1", "ended_by_user");
    const later = browser.tab();
    assert.equal(await browser.clock.until(later.user()), null);
    assert.equal(later.state.ended.reason, "ended_by_user");
  });

  test("is a lost cookie where that was cleared, and nothing where the browser was closed", async () => {
    const { browser, tabs } = await begin({}, { access: 20 });
    browser.cookie = null;
    await browser.clock.pass(25_000);
    assert.equal(await browser.clock.until(tabs[0].user()), null);
    assert.equal(tabs[0].state.ended.reason, "cookie_lost");

    const { browser: closed } = await begin({});
    closed.cookie = null;
    const later = closed.tab();
    assert.equal(await closed.clock.until(later.user()), null);
    assert.equal(later.state.ended, undefined);
  });

  test("is a lost key where the cookie is another app's session", async () => {
    const { browser, tabs } = await begin({}, { access: 20 });
    browser.record = {
      ...browser.record,
      key: { privateKey: { id: "x", algorithm: { name: "Ed25519" } }, publicKey: { id: "x" } },
    };
    await browser.clock.pass(25_000);
    assert.equal(await browser.clock.until(tabs[0].user()), null);
    assert.equal(tabs[0].state.ended.reason, "key_lost");
  });

  test("is nothing where all storage was cleared: nobody is logged in, and the next login works", async () => {
    const { browser, tabs } = await begin({}, { access: 20 });
    browser.record = {};
    await browser.clock.pass(25_000);
    assert.equal(await browser.clock.until(tabs[0].user()), null);
    assert.equal(tabs[0].state.status, "out");
    await browser.clock.until(tabs[0].login(ada));
    assert.equal((await browser.clock.until(tabs[0].fetch(NOTES))).status, 200);
    assert.equal(browser.server.sessions.get("s1").ended.reason, "replaced");
  });
});

describe("a request", () => {
  test("that was refused for its token is sent once more, and no other is", async () => {
    const { browser, tabs } = await begin({}, { access: 900 });
    // Revoked up to now, as when roles bite at once; the next token is good.
    let refused = 0;
    const refusal = {
      status: 401,
      body: { code: "invalid_token" },
      headers: { "Content-Type": "application/problem+json" },
    };
    browser.network = ({ path }) => (path === "/notes" && refused++ === 0 ? { answer: refusal } : {});
    const send = () => tabs[0].fetch(NOTES, { method: "POST", body: JSON.stringify({ text: "milk" }) });
    const response = await browser.clock.until(send());
    assert.deepEqual(await response.json(), { sub: "ada", sent: { text: "milk" } });
    assert.equal(browser.requests.filter(({ path }) => path === "/notes").length, 2);

    for (const fate of [{ lose: "answer" }, { answer: { status: 503, body: "", headers: {} } }]) {
      browser.requests.length = 0;
      browser.network = ({ path }) => (path === "/notes" ? fate : {});
      await browser.clock.until(send().catch(() => {}));
      assert.equal(browser.requests.filter(({ path }) => path === "/notes").length, 1);
    }
  });

  test("that wants a recent login is the app's to deal with", async () => {
    const { browser, tabs } = await begin({});
    const headers = { "WWW-Authenticate": 'Bearer error="insufficient_user_authentication", max_age=600' };
    browser.network = ({ path }) => (path === "/notes" ? { answer: { status: 401, body: "", headers } } : {});
    assert.equal((await browser.clock.until(tabs[0].fetch(NOTES))).status, 401);
    assert.equal(browser.count("POST /auth/refresh"), 0);
  });

  test("of one user is never repeated as another", async () => {
    const { browser, tabs } = await begin({ channel: false }, { access: 900 });
    // This tab hears nothing of the other's login, and its session ends by it.
    await browser.clock.until(tabs[1].login(bob));
    const response = await browser.clock.until(tabs[0].fetch(NOTES, { method: "POST", body: "{}" }));
    assert.equal(response.status, 401);
    assert.ok(browser.requests.filter(({ path }) => path === "/notes").length === 1);
  });

  test("to anybody else carries no token", async () => {
    const { browser, tabs } = await begin({ resources: ["https://api.example.com/v1"] });
    for (const url of [
      "https://api.example.com/v10",
      "https://api.example.com/notes",
      "https://api.example.com.evil.example/v1",
    ]) {
      await browser.clock.until(tabs[0].fetch(url));
      assert.equal(browser.requests.at(-1).headers.authorization, undefined, url);
    }
    for (const path of ["/v1", "/v1/notes", "/v1?q=1"]) {
      await browser.clock.until(tabs[0].fetch(`https://api.example.com${path}`));
      assert.match(browser.requests.at(-1).headers.authorization, /^DPoP /, path);
    }
  });
});

describe("a browser", () => {
  test("that keeps nothing gets a session without a key, in the cookie", async () => {
    const browser = new FakeBrowser({ access: 20 });
    browser.durable = false;
    const tab = browser.tab();
    await browser.clock.until(tab.login(ada));
    assert.equal(browser.server.sessions.get("s1").jkt, undefined);
    browser.record = {};
    const later = browser.tab();
    assert.equal((await browser.clock.until(later.user())).username, "ada");
    await assert.rejects(browser.clock.until(browser.tab({ bound: true }).login(ada)), {
      code: "key_unavailable",
    });
  });

  test("that nobody has logged in with asks nobody", async () => {
    const browser = new FakeBrowser();
    assert.equal(await browser.clock.until(browser.tab().user()), null);
    assert.deepEqual(browser.requests, []);
  });

  test("that can't store the successor does not use it, and tries again", async () => {
    const { browser, tabs } = await begin({ delivery: "body", bound: false }, { access: 20 }, 1);
    await browser.clock.pass(25_000);
    browser.network = (entry) => {
      browser.broken = refreshing(entry);
      return {};
    };
    await assert.rejects(browser.clock.until(tabs[0].fetch(NOTES)), { code: "storage_unavailable" });
    browser.broken = false;
    browser.network = () => ({});
    assert.equal((await browser.clock.until(tabs[0].fetch(NOTES))).status, 200);
  });

  test("whose tab holds the lock for ever does not stop the others", async () => {
    const { browser, tabs } = await begin({}, { access: 20 });
    browser.held = { enter() {} };
    await browser.clock.pass(25_000);
    assert.equal((await browser.clock.until(tabs[1].fetch(NOTES))).status, 200);
  });

  test("whose frozen tab wakes up goes on with what the others have", async () => {
    const { browser, tabs } = await begin({}, { access: 20 });
    const [frozen] = browser.channels;
    frozen.frozen = true;
    await browser.clock.pass(25_000);
    await browser.clock.until(tabs[1].fetch(NOTES));
    frozen.frozen = false;
    await browser.clock.pass(60_000);
    assert.equal((await browser.clock.until(tabs[0].fetch(NOTES))).status, 200);
  });
});
