// Every third refresh goes wrong: its request or answer is lost, its connection reset, or a copy of it held back that
// arrives late. Bound sessions, with copies that arrive after 30 s; bearer ones, with stalls shorter than the access
// token's life.
import { openTab, startChromium } from "../test/harness/chromium.mjs";
import { callAgainAndAgain, everyThird } from "../test/harness/losses.mjs";
import { somebody } from "../test/harness/relatch.mjs";
import { startWorld } from "../test/harness/world.mjs";
import { options, report } from "./options.mjs";

const { refreshes, parallel, json } = options("Refreshes on a network that loses every third.", {
  refreshes: 500,
  parallel: 10,
});

const cases = [
  { name: "bound, in a cookie", options: {}, stall: 30_000 },
  { name: "bound, in the body", options: { delivery: "body" }, stall: 30_000 },
  { name: "bearer, in the body", options: { delivery: "body", bound: false }, stall: 2000 },
];

const results = [];
for (const { name, options: client, stall } of cases) {
  const world = await startWorld({ "session.access_lifetime": "3s" });
  const browser = await startChromium();
  const tally = {};
  try {
    // As many users as work side by side, each with a profile of his own.
    const pages = [];
    for (let user = 0; user < parallel; user += 1) {
      const page = await openTab(await browser.newContext(), world.pages.address, {
        issuer: world.issuer,
        ...client,
      });
      await page.evaluate((person) => window.client.register(person), somebody());
      pages.push(page);
    }
    everyThird(world.proxy, { stall, tally });
    const work = { url: `${world.issuer}/auth/me`, times: Math.ceil(refreshes / parallel), pause: 3000 };
    const outcomes = await Promise.all(pages.map((page) => page.evaluate(callAgainAndAgain, work)));
    const seen = {};
    for (const outcome of outcomes) {
      for (const [what, count] of Object.entries(outcome.seen)) seen[what] = (seen[what] ?? 0) + count;
    }
    const out = outcomes.filter(({ status }) => status !== "in").length;
    const asked = world.proxy.of("/auth/refresh").length;
    const passed = out === 0 && Object.keys(seen).join() === "200" && asked >= refreshes;
    results.push({ name, passed, "logged out": out, calls: seen, refreshes: asked, spoilt: tally });
  } finally {
    await browser.close();
    await world.stop();
  }
}
report(results, json);
