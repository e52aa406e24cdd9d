// What this tab holds and shows of the session, and what it hears of it from the others.
import type { Clock } from "./clock.js";
import type { Ended } from "./error.js";
import type { Held } from "./held.js";
import type { Message } from "./tabs.js";
import type { State, User } from "./types.js";

/** The session as one tab sees it. */
export interface View {
  /** The newest access token; undefined while nobody is logged in, as far as this tab knows. */
  held: Held | undefined;
  state: State;
  /** Aborts when newer tokens come. */
  arrived: AbortController;
  subscribe(listener: (state: State) => void): () => void;
  /** Goes on with these tokens. */
  hold(next: Held, user?: User): void;
  /** Nobody is logged in any more, or never was. */
  leave(ended?: Ended): void;
  hear(message: Message): void;
}

export const UNKNOWN: State = { status: "unknown" };

/** A tab that knows nothing yet. */
export function createView(clock: Clock): View {
  const listeners = new Set<(state: State) => void>();

  function show(next: State) {
    view.state = next;
    // Each for itself: one listener's fault is neither ours nor the others'.
    for (const listener of listeners) queueMicrotask(() => listener(next));
  }

  const view: View = {
    held: undefined,
    state: UNKNOWN,
    arrived: new AbortController(),
    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    hold(next, told) {
      const { status, user: before } = view.state;
      const user = told ?? (before?.id === next.sub ? before : next.user);
      view.held = { ...next, user };
      if (status !== "in" || user !== before) show({ status: "in", user });
      view.arrived.abort();
      view.arrived = new AbortController();
    },
    leave(ended) {
      view.held = undefined;
      if (view.state.status !== "out" || ended) show({ status: "out", ended });
    },
    hear(message) {
      const { held } = view;
      if (message.is === "out" && held?.sid === message.sid) view.leave(message.ended);
      if (message.is !== "held") return;
      const { now } = message.held.from;
      if (held && now < held.from.now) return;
      // The clock that doesn't jump is another one in every tab, and a frozen tab hears late.
      const from = { now, elapsed: clock.elapsed() - Math.max(0, clock.now() - now) };
      view.hold({ ...message.held, from });
    },
  };
  return view;
}
