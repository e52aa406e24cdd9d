// Refresh tokens stolen from a real browser, at longer lifetimes than the tests have: the server's own retry window,
// and thieves who go on trying for as long as one likes.

import { isDeepStrictEqual } from "node:util";
import { startChromium } from "../test/harness/chromium.mjs";
import { commit, THEFTS } from "../test/harness/theft.mjs";
import { options, report } from "./options.mjs";

const { minutes, window, json } = options(
  "Thieves of refresh tokens, before and after the owner and without him.",
  {
    minutes: 10,
    window: 30,
  },
);

const pace = { access: 5000, window: window * 1000, idle: minutes * 60_000, away: minutes * 60_000 };
const browser = await startChromium();
const results = [];
try {
  // They wait for most of their time, so that they may do it together.
  const all = THEFTS.map(async (theft) => {
    const found = await commit(theft, browser, pace).catch((error) => ({ error: error.message }));
    return { name: theft.name, passed: isDeepStrictEqual(found, theft.expected), ...found };
  });
  results.push(...(await Promise.all(all)));
} finally {
  await browser.close();
}
report(results, json);
