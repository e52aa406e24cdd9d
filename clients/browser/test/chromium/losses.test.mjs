// A bad network in a real browser.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openTab, startChromium } from "../harness/chromium.mjs";
import { callAgainAndAgain, everyThird } from "../harness/losses.mjs";
import { somebody } from "../harness/relatch.mjs";
import { startWorld } from "../harness/world.mjs";

describe("every third refresh goes wrong", () => {
  let world;
  let browser;
  before(async () => {
    [world, browser] = await Promise.all([startWorld({ "session.access_lifetime": "3s" }), startChromium()]);
  });
  after(async () => {
    await browser?.close();
    await world?.stop();
  });

  for (const [name, options] of [
    ["in a cookie", {}],
    ["in the body, bearer", { delivery: "body", bound: false }],
  ]) {
    test(`${name}: no call fails and nobody is logged out`, async () => {
      world.proxy.plan();
      const context = await browser.newContext();
      const page = await openTab(context, world.pages.address, { issuer: world.issuer, ...options });
      await page.evaluate((person) => window.client.register(person), somebody());
      // Shorter than the token's life, as bearer sessions need it.
      everyThird(world.proxy, { stall: 1500 });
      const url = `${world.issuer}/auth/me`;
      const result = await page.evaluate(callAgainAndAgain, { url, times: 9, pause: 2000 });
      assert.deepEqual(result.seen, { 200: 9 });
      assert.equal(result.status, "in");
      world.proxy.plan();
      await context.close();
    });
  }

  test("without a network nothing is lost, and with it everything goes on", async () => {
    const context = await browser.newContext();
    const page = await openTab(context, world.pages.address, { issuer: world.issuer });
    await page.evaluate((person) => window.client.register(person), somebody());
    await context.setOffline(true);
    await new Promise((resolve) => setTimeout(resolve, 3100));
    const url = `${world.issuer}/auth/me`;
    await page.evaluate((url) => {
      window.calling = window.client.fetch(url).then(({ status }) => status);
    }, url);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await context.setOffline(false);
    assert.equal(await page.evaluate(() => window.calling), 200);
    await context.close();
  });
});

describe("a laptop that slept", () => {
  test("past the idle limit is told so, in every tab", async () => {
    const settings = { "session.access_lifetime": "1s", "session.idle_lifetime": "2s" };
    const [world, browser] = await Promise.all([startWorld(settings), startChromium()]);
    try {
      const context = await browser.newContext();
      const first = await openTab(context, world.pages.address, { issuer: world.issuer });
      const second = await openTab(context, world.pages.address, { issuer: world.issuer });
      await first.evaluate((person) => window.client.register(person), somebody());
      await second.waitForFunction(() => window.client.state.status === "in");
      await new Promise((resolve) => setTimeout(resolve, 2600));
      // What a page does when it is seen again.
      await second.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
      for (const page of [first, second]) {
        await page.waitForFunction(() => window.client.state.status === "out");
        assert.equal(await page.evaluate(() => window.client.state.ended.reason), "idle");
      }
      const later = await openTab(context, world.pages.address, { issuer: world.issuer });
      assert.equal(await later.evaluate(() => window.client.user()), null);
    } finally {
      await browser.close();
      await world.stop();
    }
  });
});
