// Time that passes only when nothing else can happen, so that hours take milliseconds.

const settle = async () => {
  // Requests and their bodies take several turns of the event loop.
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** A clock that tests wind. */
export class FakeClock {
  #time = Date.parse("2026-01-01T00:00:00Z");
  #slept = 0;
  #timers = new Map();
  #next = 0;
  /** How far the device's clock is from the truth. */
  skew = 0;

  /** The true time, which servers go by. */
  truth = () => this.#time;
  now = () => this.#time + this.skew;
  elapsed = () => this.#time - this.#slept;

  sleep = (ms, signal) =>
    new Promise((resolve) => {
      const id = this.#next++;
      const done = () => {
        this.#timers.delete(id);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      if (signal?.aborted) return resolve();
      signal?.addEventListener("abort", done);
      this.#timers.set(id, { at: this.#time + Math.max(0, ms), done });
    });

  /** The device sleeps: no timer rings, and the one clock stands still. */
  async suspend(ms) {
    this.#time += ms;
    this.#slept += ms;
    for (const timer of this.#timers.values()) timer.at += ms;
    await settle();
  }

  /** Lets so much time pass. */
  async pass(ms) {
    const end = this.#time + ms;
    await settle();
    for (;;) {
      const [next] = [...this.#timers.values()].sort((a, b) => a.at - b.at);
      if (!next || next.at > end) break;
      this.#time = Math.max(this.#time, next.at);
      next.done();
      await settle();
    }
    this.#time = end;
    await settle();
  }

  /** Lets time pass until `promise` is settled. */
  async until(promise) {
    let settled = false;
    const done = () => {
      settled = true;
    };
    promise.then(done, done);
    await settle();
    while (!settled) {
      const [next] = [...this.#timers.values()].sort((a, b) => a.at - b.at);
      if (!next) throw new Error("nothing will ever happen");
      await this.pass(Math.max(0, next.at - this.#time));
    }
    return promise;
  }
}
