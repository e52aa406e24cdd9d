// Time as the client sees it, so that tests can bring their own.

/** Where the client takes the time from. */
export interface Clock {
  /** Milliseconds since 1970 by the device: it counts sleep, and may be wrong or jump. */
  now(): number;
  /** Milliseconds since some start: it never jumps, and may stand still while the device sleeps. */
  elapsed(): number;
  /** Waits; ends early, without an error, when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The device's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      function done() {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      }
      if (signal?.aborted) done();
      signal?.addEventListener("abort", done);
    }),
};

/** A moment by both clocks of a device. */
export interface Moment {
  now: number;
  elapsed: number;
}

/** This moment. */
export const moment = (clock: Clock): Moment => ({ now: clock.now(), elapsed: clock.elapsed() });

/**
 * How many milliseconds ago that was. The later of two clocks: one stands still while a laptop sleeps, the other
 * can be set back.
 */
export const since = (then: Moment, clock: Clock): number =>
  Math.max(clock.now() - then.now, clock.elapsed() - then.elapsed);

/** Aborts with any of `signals`. Abort it when they matter no more: it lets go of them. */
export function anyOf(...signals: (AbortSignal | undefined)[]): AbortController {
  const controller = new AbortController();
  const { signal } = controller;
  for (const other of signals) {
    if (other?.aborted) controller.abort();
    other?.addEventListener("abort", () => controller.abort(), { signal });
  }
  return controller;
}

/** The same, and after `ms`. */
export function within(clock: Clock, ms: number, ...signals: (AbortSignal | undefined)[]): AbortController {
  const controller = anyOf(...signals);
  clock.sleep(ms, controller.signal).then(() => controller.abort());
  return controller;
}
