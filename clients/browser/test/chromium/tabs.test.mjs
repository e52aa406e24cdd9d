// Ten tabs in a real browser: nobody is logged out, no call fails, and the token turns once for all of them.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startChromium } from "../harness/chromium.mjs";
import { workInTabs } from "../harness/tabs.mjs";
import { startWorld } from "../harness/world.mjs";

describe("ten tabs", () => {
  const lifetime = 4000;
  let world;
  let browser;
  before(async () => {
    [world, browser] = await Promise.all([startWorld({ "session.access_lifetime": "4s" }), startChromium()]);
  });
  after(async () => {
    await browser?.close();
    await world?.stop();
  });

  for (const locks of [true, false]) {
    test(`with${locks ? "" : "out"} Web Locks`, async () => {
      const result = await workInTabs(world, browser, { tabs: 10, ms: 13_000, every: 800, lifetime, locks });
      assert.deepEqual(Object.keys(result.outcomes), ["200"]);
      assert.equal(result.in, 10);
      // One a lifetime and not ten; without locks two tabs may meet now and then on slow machines.
      const most = locks ? result.due + 1 : result.due * 3;
      assert.ok(result.refreshes <= most, `${result.refreshes} refreshes where ${result.due} were due`);
    });
  }
});
