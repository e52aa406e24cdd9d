// A network on which every third refresh goes wrong, each time in another way.

/** What goes wrong in turn; stalls hold a copy back that arrives late. */
const fates = (stall) => [
  { fate: "lose-request" },
  { fate: "lose-answer" },
  { fate: "reset" },
  { fate: "stall", ms: stall },
  { fate: "stall-answer", ms: stall },
];

/** Every third refresh; `tally` counts what was done to them. */
export function everyThird(proxy, { stall, tally = {} }) {
  let refreshes = 0;
  const ways = fates(stall);
  proxy.plan(({ path }) => {
    if (path !== "/auth/refresh") return undefined;
    refreshes += 1;
    if (refreshes % 3) return undefined;
    const way = ways[(refreshes / 3) % ways.length];
    tally[way.fate] = (tally[way.fate] ?? 0) + 1;
    return way;
  });
}

/** In a page: so many calls, each after the token's life. */
export const callAgainAndAgain = async ({ url, times, pause }) => {
  const seen = {};
  for (let call = 0; call < times; call += 1) {
    let outcome;
    try {
      outcome = (await window.client.fetch(url)).status;
    } catch (error) {
      outcome = error.code ?? error.name;
    }
    seen[outcome] = (seen[outcome] ?? 0) + 1;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return { seen, status: window.client.state.status, states: window.states };
};
