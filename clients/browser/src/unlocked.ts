// One tab at a time where the browser has no Web Locks: tabs announce themselves and the lowest number goes first.
// It spares requests and guarantees nothing, which nothing relies on. Loaded only where it is needed.
import type { Clock, within as Within } from "./clock.js";
import type { Message, Work } from "./tabs.js";

/** Work of one tab at a time, as far as tabs can agree. */
export interface Unlocked {
  alone<T>(work: Work<T>): Promise<T>;
  hear(message: Message): void;
}

/** How long tabs listen to each other's claims. */
const ELECTION = 40;
/** How long a tab waits for the one that goes first. */
const TURN = 3000;
/** How long refreshes rest while somebody logs in elsewhere. */
const REST = 10_000;

/**
 * With `tell`, other tabs are asked; without it, only this tab's own work is kept in order. `within` is handed in, for
 * bundlers would split what a lazily loaded part shares with the core off both.
 */
export function createUnlocked(
  clock: Clock,
  within: typeof Within,
  tell: ((message: Message) => void) | undefined,
): Unlocked {
  /** When the others are done, at the latest. */
  let busy = 0;
  /** Our own claim; 0 while we are at work. */
  let claim: number | undefined;
  let released = new AbortController();
  let last: Promise<unknown> = Promise.resolve();

  function rest(ms: number) {
    busy = clock.elapsed() + ms;
  }

  function heed(theirs: number) {
    if (claim === undefined || theirs < claim) rest(TURN);
    else if (claim === 0 && theirs) tell?.({ is: "claim", number: 0 });
  }

  /** Lets one of the tabs that want to refresh go first, and waits for it. */
  async function takeTurns(signal: AbortSignal) {
    claim = 1 - Math.random();
    tell?.({ is: "claim", number: claim });
    await clock.sleep(ELECTION, signal);
    for (let left = busy - clock.elapsed(); left > 0; left = busy - clock.elapsed()) {
      claim = undefined;
      const waiting = within(clock, left, signal, released.signal);
      await clock.sleep(left, waiting.signal);
      waiting.abort();
      signal.throwIfAborted();
    }
    signal.throwIfAborted();
    claim = 0;
  }

  async function run<T>({ task, signal }: Work<T>): Promise<T> {
    try {
      if (signal && tell) await takeTurns(signal);
      return await task();
    } finally {
      claim = undefined;
      tell?.({ is: "idle" });
    }
  }

  /** After what was begun before in this tab. */
  async function queue<T>(before: Promise<unknown>, work: Work<T>): Promise<T> {
    const waiting = within(clock, work.patience, work.signal);
    await Promise.race([before, clock.sleep(work.patience, waiting.signal)]);
    waiting.abort();
    work.signal?.throwIfAborted();
    return run(work);
  }

  return {
    alone(work) {
      const running = queue(last, work);
      last = running.catch(() => {});
      return running;
    },
    hear(message) {
      if (message.is === "claim") heed(message.number);
      else if (message.is === "stop") rest(REST);
      else {
        busy = 0;
        released.abort();
        released = new AbortController();
      }
    },
  };
}
