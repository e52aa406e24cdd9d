// The other tabs of this origin: what they are told, and that one of them acts at a time. Everything works without
// it, at the price of more requests.
import { type Clock, within } from "./clock.js";
import type { Ended } from "./error.js";
import type { Held } from "./held.js";
import type { Unlocked } from "./unlocked.js";

/** What one tab tells the others. */
export type Message =
  /** These are the newest tokens. */
  | { is: "held"; held: Held }
  /** That session is over. */
  | { is: "out"; sid: string; ended?: Ended | undefined }
  /** Somebody logs in, logs out or changes the password: break off refreshes. */
  | { is: "stop" }
  /** Without Web Locks: I'd refresh. The lowest number does; 0 is already at it. */
  | { is: "claim"; number: number }
  /** Without Web Locks: I am done. */
  | { is: "idle" };

/** A piece of work for one tab at a time. */
export interface Work<T> {
  task: () => Promise<T>;
  /** After this it is done all the same: a tab that a browser has frozen must not stop the others. */
  patience: number;
  /** Given, it is a refresh, which others may do as well: aborted while it waits, it rejects. */
  signal?: AbortSignal;
}

/** The other tabs. */
export interface Tabs {
  tell(message: Message): void;
  /** Does it while no other tab does any. */
  alone<T>(work: Work<T>): Promise<T>;
}

/** What a browser gives to that end, if it does. */
export interface Means {
  locks?: Pick<LockManager, "request"> | undefined;
  channel?: Pick<BroadcastChannel, "postMessage" | "onmessage"> | undefined;
}

/** The tabs with a client for the same issuer. */
export function createTabs(
  name: string,
  clock: Clock,
  { locks, channel }: Means,
  hear: (message: Message) => void,
): Tabs {
  let unlocked: Unlocked | undefined;
  const tell = (message: Message) => {
    try {
      channel?.postMessage(message);
    } catch {
      // A page that is being left.
    }
  };
  if (channel) {
    channel.onmessage = ({ data }: MessageEvent<Message>) => {
      unlocked?.hear(data);
      hear(data);
    };
  }

  async function lock<T>({ task, patience, signal }: Work<T>, manager: Pick<LockManager, "request">) {
    const waiting = within(clock, patience, signal);
    let entered: Promise<T> | undefined;
    try {
      return await manager.request(name, { signal: waiting.signal }, () => {
        entered = task();
        return entered;
      });
    } catch (error) {
      if (entered) throw error;
      signal?.throwIfAborted();
      return await task();
    } finally {
      waiting.abort();
    }
  }

  return {
    tell,
    async alone(work) {
      if (locks) return lock(work, locks);
      const { createUnlocked } = await import("./unlocked.js");
      unlocked ??= createUnlocked(clock, within, channel && tell);
      return unlocked.alone(work);
    },
  };
}
