// Many tabs and one session.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { FakeBrowser, seed, tameCrypto } from "./browser.mjs";

tameCrypto();
beforeEach(() => seed(1));

const ada = { username: "ada", password: "right" };
const NOTES = "https://api.example.com/notes";

/** How often a token of 2 seconds is renewed in 80, a quarter of its life ahead. */
const TURNS = 80 / 1.5;

/** So many tabs that call an API now and then; gives the statuses that their apps saw. */
async function work(browser, tabs, { rounds, every }) {
  const seen = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const tab of tabs) {
      browser.clock.sleep(Math.random() * every).then(async () => {
        try {
          seen.push((await tab.fetch(NOTES)).status);
        } catch (error) {
          seen.push(error.code ?? error.name);
        }
      });
    }
    await browser.clock.pass(every);
  }
  await browser.clock.pass(60_000);
  return seen;
}

const ways = [
  ["in a cookie, bound", { delivery: "cookie" }],
  ["in a cookie, bearer", { delivery: "cookie", bound: false }],
  ["in the body, bound", { delivery: "body" }],
  ["in the body, bearer", { delivery: "body", bound: false }],
];

for (const [way, options] of ways) {
  describe(way, () => {
    test("ten tabs turn the token once an expiry", async () => {
      const browser = new FakeBrowser({ access: 2 });
      const tabs = Array.from({ length: 10 }, () => browser.tab(options));
      await browser.clock.until(tabs[0].login(ada));
      const seen = await work(browser, tabs, { rounds: 200, every: 400 });
      assert.deepEqual(new Set(seen), new Set([200]));
      const refreshes = browser.count("POST /auth/refresh");
      assert.ok(refreshes <= TURNS * 1.1, `${refreshes} refreshes where ${TURNS} are due`);
      assert.ok(tabs.every((tab) => tab.state.status === "in"));
    });

    test("ten tabs without locks do so nearly always", async () => {
      const browser = new FakeBrowser({ access: 2 });
      const tabs = Array.from({ length: 10 }, () => browser.tab({ ...options, locks: false }));
      await browser.clock.until(tabs[0].login(ada));
      const seen = await work(browser, tabs, { rounds: 200, every: 400 });
      assert.deepEqual(new Set(seen), new Set([200]));
      const refreshes = browser.count("POST /auth/refresh");
      assert.ok(refreshes <= TURNS * 1.4, `${refreshes} refreshes where ${TURNS} are due`);
      assert.ok(tabs.every((tab) => tab.state.status === "in"));
    });

    test("ten tabs that can't speak with each other log nobody out", async () => {
      const browser = new FakeBrowser({ access: 2 });
      const tabs = Array.from({ length: 10 }, () =>
        browser.tab({ ...options, locks: false, channel: false }),
      );
      await browser.clock.until(tabs[0].login(ada));
      const seen = await work(browser, tabs, { rounds: 50, every: 400 });
      assert.deepEqual(new Set(seen), new Set([200]));
      assert.ok(tabs.every((tab) => tab.state.status === "in"));
    });
  });
}
