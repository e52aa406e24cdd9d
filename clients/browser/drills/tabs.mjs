// Ten tabs with shortened lifetimes for as long as one likes: nobody is logged out, no call fails, and the token turns
// once for all of them; then the same without Web Locks.
import { startChromium } from "../test/harness/chromium.mjs";
import { workInTabs } from "../test/harness/tabs.mjs";
import { startWorld } from "../test/harness/world.mjs";
import { options, report } from "./options.mjs";

const { tabs, minutes, json } = options("Tabs at work with one session, with Web Locks and without.", {
  tabs: 10,
  minutes: 60,
});
const lifetime = 2000;
const world = await startWorld({ "session.access_lifetime": "2s" });
const browser = await startChromium();
const results = [];
try {
  for (const locks of [true, false]) {
    const result = await workInTabs(world, browser, {
      tabs,
      ms: minutes * 60_000,
      every: 500,
      lifetime,
      locks,
    });
    const failed = Object.keys(result.outcomes).filter((outcome) => outcome !== "200");
    // A tab in need may be early or late by a call; without locks, tabs that meet now and then both ask.
    const most = result.due * (locks ? 1.1 : 2) + 2;
    const passed = failed.length === 0 && result.in === tabs && result.refreshes <= most;
    results.push({ name: locks ? "with Web Locks" : "without Web Locks", passed, ...result });
    world.proxy.seen.length = 0;
  }
} finally {
  await browser.close();
  await world.stop();
}
report(results, json);
