// The refresh: one at a time in a tab, one for all tabs together, repeated until it is answered. It owns what an
// answer does to the record and when a session is over.
import { anyOf, moment, since } from "./clock.js";
import type { Ended, RelatchError } from "./error.js";
import { type Held, heldOf, stale, type Tokens } from "./held.js";
import type { StoredRecord } from "./store.js";
import type { Tabs } from "./tabs.js";
import type { View } from "./view.js";
import { REFUSED } from "./wire.js";
import { passing, remains, same, turning, unstored, vacant, type World } from "./world.js";

/** The refreshes of a tab. */
export interface Refresh {
  /** Sees to it that the tab holds the newest tokens, or none. Rejects when that can't be found out. */
  now(): Promise<void>;
  /** The same for who is alone already. */
  turn(old?: Held, known?: string, signal?: AbortSignal): Promise<void>;
  /** Breaks off what is under way; it begins again. */
  interrupt(): void;
  /** Repeats at once what waits to be repeated. */
  wake(): void;
  /** Forgets the session in all tabs; `told` is what the others show. */
  depart(sid: string | undefined, ended?: Ended, told?: Ended): void;
  /** Tells the server that the session is over. The record stays until it knows; false if it couldn't be reached. */
  farewell(record: StoredRecord, signal?: AbortSignal): Promise<boolean>;
  /** Tells the other tabs what this one holds. */
  announce(): void;
}

/** How long a refresh goes on trying. */
const PATIENCE = 30_000;
/** How long it waits for another tab. */
const OTHERS = 15_000;
/** How long tokens of another tab may be on their way. */
const ARRIVAL = 300;
/** How often a logout is tried before it is left for later. */
const FAREWELLS = 2;

/** The codes that say that a session is over. */
const OVER = [...REFUSED, "no_session", "proof_required"];

/** For one tab. */
export function createRefresh(world: World, view: View, tabs: Tabs): Refresh {
  const { wire, storage, clock, body } = world;
  let running: Promise<void> | undefined;
  let stop = new AbortController();
  let woken = new AbortController();

  function now(): Promise<void> {
    running ??= renew().finally(() => {
      running = undefined;
    });
    return running;
  }

  async function renew() {
    const old = view.held;
    const known = old ? old.turn : (await storage.change(same)).turn;
    for (;;) {
      const { signal } = stop;
      try {
        return await tabs.alone({ task: () => turn(old, known, signal), patience: OTHERS, signal });
      } catch (error) {
        // Broken off for a login or logout: let that stand in line before, then look what came of it.
        if (!signal.aborted) throw error;
        await nap(ARRIVAL);
      }
    }
  }

  /** Turns the refresh token, unless another tab has since `known`. */
  async function turn(old?: Held, known?: string, signal?: AbortSignal): Promise<void> {
    const begun = moment(clock);
    let seen = known;
    for (let tries = 0; ; tries += 1) {
      signal?.throwIfAborted();
      const record = await storage.change(same);
      await arrival(record.turn, seen);
      seen = record.turn;
      if (await needless(record, old, signal)) return;
      try {
        if (await attempt(record, signal)) return;
      } catch (error) {
        // Time alone says little: the device may have slept.
        if (!passing(error) || (tries > 3 && since(begun, clock) > PATIENCE)) throw error;
        await pause(error, tries, signal);
      }
    }
  }

  /** Whether another tab has turned it, or nobody is logged in. */
  async function needless(record: StoredRecord, old?: Held, signal?: AbortSignal): Promise<boolean> {
    const { held } = view;
    if (held && held !== old && !stale(held, clock)) return true;
    if (record.leaving) await farewell(record, signal);
    else if (!vacant(world, record)) return false;
    view.leave();
    return true;
  }

  /** One request for the successor. False when the session is another one by now. */
  async function attempt(record: StoredRecord, signal?: AbortSignal): Promise<boolean> {
    const from = moment(clock);
    try {
      const answer = await wire.call<Tokens>(turning(world, "/auth/refresh", record, signal));
      const name = await keep(record, answer);
      if (name === undefined) return false;
      view.hold(heldOf(answer, record.key, from, name));
      announce();
      return true;
    } catch (error) {
      const { code = "" } = error as RelatchError;
      // A proof that is refused though its clock is right is by another key than the session's.
      if (!OVER.includes(code) && !(code === "invalid_dpop_proof" && wire.timed())) throw error;
      return bury(record, error as RelatchError);
    }
  }

  const unchanged = (old: StoredRecord, record: StoredRecord) =>
    old.sid === record.sid && old.token === record.token;

  /** Stores an answer if the token that was sent is still the one held. Gives the turn's name; nothing if it isn't. */
  async function keep(record: StoredRecord, answer: Tokens): Promise<string | undefined> {
    const { session_id: sid, refresh_token: token } = answer;
    const name = String(Math.random());
    try {
      const now = await storage.change((old) =>
        unchanged(old, record) && !old.leaving ? { ...old, sid, turn: name, token } : old,
      );
      if (now.turn === name) return name;
      // Another tab may have stored the very same successor before us: it is the only one there is.
      const successor = body ? now.token === token : now.sid === sid;
      return successor && !now.leaving ? now.turn : undefined;
    } catch (error) {
      // A cookie has turned by itself.
      if (body) throw unstored(error);
      return name;
    }
  }

  /** Forgets a session that is over. False when another one has begun meanwhile. */
  async function bury(record: StoredRecord, error: RelatchError): Promise<boolean> {
    const now = await storage.change((old) => (unchanged(old, record) ? remains(old) : old));
    if (now.sid !== undefined) return false;
    const reason = error.code.includes("proof") ? "key_lost" : "cookie_lost";
    const missed = view.state.status === "in" ? { reason, at: new Date(clock.now()) } : undefined;
    depart(record.sid, error.ended ?? missed);
    return true;
  }

  function depart(sid: string | undefined, ended?: Ended, told = ended) {
    const gone = view.held?.sid ?? sid;
    view.leave(ended);
    if (gone) tabs.tell({ is: "out", sid: gone, ended: told });
  }

  async function farewell(record: StoredRecord, signal?: AbortSignal): Promise<boolean> {
    for (let tries = 0; ; tries += 1) {
      try {
        await wire.call(turning(world, "/auth/logout", record, signal));
        break;
      } catch (error) {
        signal?.throwIfAborted();
        if (!passing(error)) break;
        if (tries > FAREWELLS) return false;
        await pause(error, tries, signal);
      }
    }
    await storage.change((old) => (old.leaving && unchanged(old, record) ? remains(old) : old));
    return true;
  }

  /** The first repetition of what got lost comes at once, for its window is short; then ever more slowly. */
  async function pause({ status, retryAfter = 0 }: RelatchError, tries: number, signal?: AbortSignal) {
    const backoff = tries || status ? Math.min(8000, 250 * 2 ** tries) * (0.5 + Math.random() / 2) : 0;
    await nap(Math.max(backoff, Math.min(retryAfter, 30) * 1000), signal, woken.signal);
  }

  async function nap(ms: number, ...signals: (AbortSignal | undefined)[]) {
    const waking = anyOf(...signals);
    await clock.sleep(ms, waking.signal);
    waking.abort();
  }

  /** Waits for the tokens of another tab that has turned since, which may be on their way. */
  async function arrival(turned?: string, seen?: string) {
    const begun = moment(clock);
    while (turned !== seen && view.held?.turn !== turned && since(begun, clock) < ARRIVAL) {
      await nap(ARRIVAL, view.arrived.signal);
    }
  }

  const announce = () => tabs.tell({ is: "held", held: view.held as Held });

  return {
    now,
    turn,
    interrupt() {
      stop.abort();
      stop = new AbortController();
    },
    wake() {
      woken.abort();
      woken = new AbortController();
      if (view.held && stale(view.held, clock)) now().catch(() => {});
    },
    depart,
    farewell,
    announce,
  };
}
