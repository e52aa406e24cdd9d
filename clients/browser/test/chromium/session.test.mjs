// One session in real tabs, from login to its end.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openTab, startChromium } from "../harness/chromium.mjs";
import { somebody } from "../harness/relatch.mjs";
import { startWorld } from "../harness/world.mjs";

describe("a session", () => {
  let world;
  let browser;
  before(async () => {
    [world, browser] = await Promise.all([startWorld(), startChromium()]);
  });
  after(async () => {
    await browser?.close();
    await world?.stop();
  });

  test("begins in all tabs, outlives a reload and ends in all of them", async () => {
    const context = await browser.newContext();
    const options = { issuer: world.issuer };
    const first = await openTab(context, world.pages.address, options);
    const second = await openTab(context, world.pages.address, options);
    const person = somebody();
    const user = await first.evaluate((person) => window.client.register(person), person);
    assert.equal(user.username, person.username);
    await second.waitForFunction(() => window.client.state.status === "in");
    assert.equal(await second.evaluate(() => window.client.state.user.email), person.email);

    const third = await openTab(context, world.pages.address, options);
    assert.equal((await third.evaluate(() => window.client.user())).username, person.username);

    assert.equal(await first.evaluate(() => window.client.logout()), true);
    await second.waitForFunction(() => window.client.state.status === "out");
    assert.equal(await second.evaluate(() => window.client.state.ended.reason), "logout");
    const fourth = await openTab(context, world.pages.address, options);
    assert.equal(await fourth.evaluate(() => window.client.user()), null);
    await context.close();
  });
});
