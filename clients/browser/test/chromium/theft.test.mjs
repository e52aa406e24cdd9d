// Refresh tokens stolen from a real browser: what they are worth, and what their owner is told.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startChromium } from "../harness/chromium.mjs";
import { commit, THEFTS } from "../harness/theft.mjs";

describe("a thief of a refresh token", { concurrency: 3 }, () => {
  let browser;
  before(async () => {
    browser = await startChromium();
  });
  after(() => browser?.close());

  for (const theft of THEFTS) {
    test(theft.name, async () => {
      const pace = { access: 1000, window: 1000, idle: 2000, away: 2000 };
      assert.deepEqual(await commit(theft, browser, pace), theft.expected);
    });
  }
});
