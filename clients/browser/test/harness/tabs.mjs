// Many tabs at work with one session: what their apps see, and what the server is asked.
import { openTab, withoutLocks } from "./chromium.mjs";
import { somebody } from "./relatch.mjs";

/** Calls the API every `every` ms for `ms`, from within a page; gives what came of it. */
const work = async ({ url, ms, every }) => {
  const seen = {};
  const calls = [];
  const call = async () => {
    let outcome;
    try {
      outcome = (await window.client.fetch(url)).status;
    } catch (error) {
      outcome = error.code ?? error.name;
    }
    seen[outcome] = (seen[outcome] ?? 0) + 1;
  };
  for (const end = performance.now() + ms; performance.now() < end; ) {
    calls.push(call());
    await new Promise((resolve) => setTimeout(resolve, every * (0.5 + Math.random())));
  }
  await Promise.all(calls);
  return { seen, status: window.client.state.status };
};

/**
 * Ten tabs, say, with calls all the time. The server's tokens must live for `lifetime` ms.
 *
 * @returns what the apps saw by outcome, how many tabs are logged in, how many refreshes there were and how many were due.
 */
export async function workInTabs(world, browser, { tabs, ms, every, lifetime, locks = true, options = {} }) {
  const context = await browser.newContext();
  if (!locks) await withoutLocks(context);
  const client = { issuer: world.issuer, ...options };
  const pages = [];
  for (let index = 0; index < tabs; index += 1)
    pages.push(await openTab(context, world.pages.address, client));
  await pages[0].evaluate((person) => window.client.register(person), somebody());
  await Promise.all(pages.map((page) => page.waitForFunction(() => window.client.state.status === "in")));
  const before = world.proxy.of("/auth/refresh").length;
  const begun = Date.now();
  const url = `${world.issuer}/auth/me`;
  const results = await Promise.all(pages.map((page) => page.evaluate(work, { url, ms, every })));
  const outcomes = {};
  for (const { seen } of results) {
    for (const [outcome, count] of Object.entries(seen)) outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  }
  await context.close();
  return {
    outcomes,
    in: results.filter(({ status }) => status === "in").length,
    refreshes: world.proxy.of("/auth/refresh").length - before,
    // A token is renewed when a quarter of its life is left.
    due: Math.ceil((Date.now() - begun) / (lifetime * 0.75)),
  };
}
