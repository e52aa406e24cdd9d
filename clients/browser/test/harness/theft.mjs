// Thieves of refresh tokens, each with a victim in a real browser: what becomes of both. Tokens are in the body mode's
// IndexedDB, for there a thief gets at them; `pace` says how long things take.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createProver, makeKey } from "../../dist/proof.js";
import { openTab, startProfile } from "./chromium.mjs";
import { somebody } from "./relatch.mjs";
import { startWorld } from "./world.mjs";

/**
 * How long, in ms: an access token is good (`access`), a spent refresh token is taken for a retry (`window`), a session
 * may rest (`idle`), a thief goes on trying while nobody else is there (`away`).
 *
 * @typedef {{ access: number, window: number, idle: number, away: number }} Pace
 */

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** So much longer than a limit, so that the server agrees that it is over. */
const past = (ms) => pause(ms + 300);

/** Somebody who registers in a tab of this profile, and a copy of what the client keeps, as hostile script takes it. */
async function robbed(context, { issuer, pages }, bound) {
  const page = await openTab(context, pages.address, { issuer, delivery: "body", bound });
  const person = somebody();
  await page.evaluate((person) => window.client.register(person), person);
  const { sid, token } = await page.evaluate(async () => {
    const done = (request) =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const database = await done(indexedDB.open("relatch"));
    const [record] = await done(database.transaction("sessions").objectStore("sessions").getAll());
    database.close();
    return record;
  });
  return { page, person, sid, token };
}

/** A thief elsewhere: presents the token, with a proof by his own `key` if he has one, and keeps what he gets. */
function thief({ issuer }, token) {
  const url = `${issuer}/auth/refresh`;
  const prover = createProver({ now: Date.now }, issuer);
  return async (key) => {
    const headers = { "Content-Type": "application/json" };
    if (key) headers.DPoP = await prover.prove(key, "POST", url);
    const answer = await fetch(url, {
      method: "POST",
      headers,
      body: JSON.stringify({ refresh_token: token }),
    });
    const { refresh_token: next, reason, code } = await answer.json();
    token = next ?? token;
    return next ? "lets him in" : (reason ?? code);
  };
}

/** One call of the victim's app: its status, what the app has been shown by then, and why the session ended if it did. */
const goOn = (page, { issuer }) =>
  page.evaluate(async (url) => {
    const { status } = await window.client.fetch(url);
    const shown = window.states.map(({ status }) => status);
    return { status, shown, told: window.client.state.ended?.reason ?? null };
  }, `${issuer}/auth/me`);

/** What the record says of a session, the first event first. */
async function recordOf({ relatch }, sid) {
  const { events } = await relatch.command("audit", "list", "--session", sid);
  return events.map(({ event }) => event).reverse();
}

/** Presents what was stolen again and again for so long; gives each answer that there was, once. */
async function tryFor(ms, attempts) {
  const answers = new Set();
  for (const end = Date.now() + ms; Date.now() < end; await pause(250)) {
    for (const attempt of attempts) answers.add(await attempt());
  }
  return [...answers].sort();
}

/** With a tab in a profile that is gone afterwards. */
async function inContext(browser, act) {
  const context = await browser.newContext();
  try {
    return await act(context);
  } finally {
    await context.close();
  }
}

/** Somebody who is robbed, and closes the browser; `act` gets what was stolen, and what opens the browser again. */
async function whileClosed(world, bound, act) {
  const folder = await mkdtemp(join(tmpdir(), "profile-"));
  let context = await startProfile(folder);
  try {
    const { page: _, ...rest } = await robbed(context, world, bound);
    await context.close();
    const comeBack = async () => {
      context = await startProfile(folder);
      return openTab(context, world.pages.address, { issuer: world.issuer, delivery: "body", bound });
    };
    return await act({ ...rest, comeBack });
  } finally {
    await context.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Each theft: who is robbed of what, what happens then, and what must come of it. */
export const THEFTS = [
  {
    name: "a bearer token, used before its owner: the owner's next refresh ends both, and tells him",
    run: (world, browser, pace) =>
      inContext(browser, async (context) => {
        const { page, token } = await robbed(context, world, false);
        const present = thief(world, token);
        const first = await present();
        await past(Math.max(pace.access, pace.window));
        const owner = await goOn(page, world);
        return { first, owner, later: await present() };
      }),
    expected: {
      first: "lets him in",
      owner: { status: 401, shown: ["in", "out"], told: "reuse" },
      later: "reuse",
    },
  },
  {
    name: "a bearer token, used after its owner: the thief's refresh ends both, and the owner is told",
    run: (world, browser, pace) =>
      inContext(browser, async (context) => {
        const { page, token } = await robbed(context, world, false);
        await past(pace.access);
        const before = (await goOn(page, world)).status;
        await past(Math.max(pace.access, pace.window));
        const late = await thief(world, token)();
        return { before, late, owner: await goOn(page, world) };
      }),
    expected: {
      before: 200,
      late: "reuse",
      owner: { status: 401, shown: ["in", "out"], told: "reuse" },
    },
  },
  {
    name: "a bound token: worth nothing before its owner, after him or late, and he notices nothing",
    run: (world, browser, pace) =>
      inContext(browser, async (context) => {
        const { page, token, sid } = await robbed(context, world, true);
        const present = thief(world, token);
        const key = await makeKey();
        const attempts = async () => [await present(), await present(key)];
        const before = await attempts();
        await past(pace.access);
        await goOn(page, world);
        const after = await attempts();
        await past(Math.max(pace.access, pace.window));
        const late = await attempts();
        return { before, after, late, owner: await goOn(page, world), record: await recordOf(world, sid) };
      }),
    expected: {
      before: ["proof_required", "invalid_dpop_proof"],
      after: ["proof_required", "invalid_dpop_proof"],
      late: ["proof_required", "invalid_dpop_proof"],
      owner: { status: 200, shown: ["in"], told: null },
      record: ["user.registered"],
    },
  },
  {
    name: "a bound token, while its owner is away: worth nothing, and he comes back to his session",
    run: (world, _, { access, away }) =>
      whileClosed(world, true, async ({ token, comeBack }) => {
        const present = thief(world, token);
        const key = await makeKey();
        await past(access);
        const answers = await tryFor(away, [present, () => present(key)]);
        return { answers, owner: await goOn(await comeBack(), world) };
      }),
    expected: {
      answers: ["invalid_dpop_proof", "proof_required"],
      owner: { status: 200, shown: ["in"], told: null },
    },
  },
  {
    name: "a bearer token, while its owner is away: the thief stays in until the owner comes back, who is told",
    run: (world, _, { access, window, away }) =>
      whileClosed(world, false, async ({ token, comeBack }) => {
        const present = thief(world, token);
        await past(access);
        const answers = await tryFor(Math.max(away, window + 300), [present]);
        const owner = await goOn(await comeBack(), world);
        return { answers, owner, later: await present() };
      }),
    expected: {
      answers: ["lets him in"],
      owner: { status: 401, shown: ["out"], told: "reuse" },
      later: "reuse",
    },
  },
  {
    name: "a bearer token, used when it has rested for too long: worth nothing",
    rests: true,
    run: (world, browser, { idle }) =>
      inContext(browser, async (context) => {
        const { token } = await robbed(context, world, false);
        await context.close();
        await past(idle * (17 / 16));
        return { late: await thief(world, token)() };
      }),
    expected: { late: "idle" },
  },
  {
    name: "a bearer token whose owner sees the session in the list of devices and ends it: worth nothing any more",
    run: (world, browser) =>
      inContext(browser, async (context) => {
        const { person, token, sid } = await robbed(context, world, false);
        const present = thief(world, token);
        const before = await present();
        const listed = await inContext(browser, async (elsewhere) => {
          const page = await openTab(elsewhere, world.pages.address, { issuer: world.issuer });
          return page.evaluate(
            async ({ person: { username, password }, sid }) => {
              await window.client.login({ username, password });
              const devices = await window.client.sessions.list();
              await window.client.sessions.end(sid);
              return devices.map(({ id, current }) => (current ? "this" : id === sid && "the other"));
            },
            { person, sid },
          );
        });
        return { before, listed: listed.sort(), later: await present() };
      }),
    expected: { before: "lets him in", listed: ["the other", "this"], later: "ended_by_user" },
  },
  {
    name: "a bearer token whose session the operator ends: worth nothing any more",
    run: (world, browser) =>
      inContext(browser, async (context) => {
        const { page, token, sid } = await robbed(context, world, false);
        const present = thief(world, token);
        const before = await present();
        await world.relatch.command("session", "end", sid);
        return { before, later: await present(), owner: (await goOn(page, world)).status };
      }),
    expected: { before: "lets him in", later: "ended_by_administrator", owner: 401 },
  },
];

/** What becomes of a theft: to be compared with what is `expected` of it. */
export async function commit({ run, rests }, browser, pace) {
  const world = await startWorld({
    "session.access_lifetime": `${pace.access}ms`,
    "session.retry_window": `${pace.window}ms`,
    ...(rests ? { "session.idle_lifetime": `${pace.idle}ms` } : {}),
  });
  try {
    return await run(world, browser, pace);
  } finally {
    await world.stop();
  }
}
