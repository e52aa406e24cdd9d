// A browser of the mind: tabs that share storage, locks, channels and cookies, on a network that tests direct.
import { createClient } from "../../dist/index.js";
import { FakeClock } from "./clock.mjs";
import { FakeServer, ISSUER } from "./server.mjs";

/** The same numbers every time. */
export function seed(number) {
  let state = number;
  Math.random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A profile of a browser, in front of a server. */
export class FakeBrowser {
  clock = new FakeClock();
  cookie = null;
  record = {};
  durable = true;
  channels = new Set();
  held = null;
  waiting = [];
  /** What becomes of a request: `{ up, down, lose }` in ms and `"request"` or `"answer"`. */
  network = () => ({});
  requests = [];

  constructor(settings = {}) {
    this.server = new FakeServer(this.clock, settings);
  }

  /** A new tab's client. */
  tab({ locks = true, channel = true, ...options } = {}) {
    const means = {
      locks: locks ? this.#locks() : undefined,
      channel: channel ? this.#channel() : undefined,
    };
    return createClient({
      issuer: ISSUER,
      clock: this.clock,
      storage: this.#storage(),
      fetch: (request) => this.#fetch(request),
      means,
      ...options,
    });
  }

  /** What the server counted of a route. */
  count = (route) => this.server.counts[route] ?? 0;

  #storage() {
    return {
      change: async (change) => {
        await this.clock.sleep(1);
        if (this.broken) throw new DOMException("full", "QuotaExceededError");
        this.record = structuredClone(change(this.record));
        return this.record;
      },
      durable: () => this.durable,
    };
  }

  #channel() {
    const channel = {
      onmessage: null,
      postMessage: (data) => {
        const copy = structuredClone(data);
        for (const other of this.channels) {
          if (other !== channel)
            this.clock.sleep(2).then(() => !other.frozen && other.onmessage?.({ data: copy }));
        }
      },
    };
    this.channels.add(channel);
    return channel;
  }

  #locks() {
    const next = () => {
      this.held = this.waiting.shift() ?? null;
      this.held?.enter();
    };
    return {
      request: (_name, { signal }, task) =>
        new Promise((resolve, reject) => {
          const entry = {
            enter: () => Promise.resolve().then(task).then(resolve, reject).finally(next),
          };
          if (!this.held) {
            this.held = entry;
            return entry.enter();
          }
          this.waiting.push(entry);
          signal.addEventListener("abort", () => {
            const at = this.waiting.indexOf(entry);
            if (at < 0) return;
            this.waiting.splice(at, 1);
            reject(new DOMException("aborted", "AbortError"));
          });
        }),
    };
  }

  /** One request over the network, which goes on whether anybody waits or not. */
  async #fetch(request) {
    const { method, signal } = request;
    const path = new URL(request.url).pathname;
    const text = await request.text();
    const body = text ? JSON.parse(text) : {};
    const headers = Object.fromEntries(request.headers);
    const cookie = request.credentials === "include" ? this.cookie : undefined;
    const entry = { method, path, headers, body, cookie };
    this.requests.push(entry);
    const { up = 20, down = 20, lose, answer: forged } = this.network(entry) ?? {};
    const travel = async () => {
      await this.clock.sleep(up);
      if (lose === "request") throw new TypeError("network");
      const answer = forged ?? this.server.handle(entry);
      await this.clock.sleep(down);
      if (lose === "answer") throw new TypeError("network");
      return answer;
    };
    const given = new Promise((_, reject) => {
      const give = () => reject(new DOMException("aborted", "AbortError"));
      if (signal.aborted) give();
      signal.addEventListener("abort", give);
    });
    const answer = await Promise.race([travel(), given]);
    if (signal.aborted) throw new DOMException("aborted", "AbortError");
    if (answer.cookie !== undefined && request.credentials === "include") this.cookie = answer.cookie;
    const said = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
    return new Response(said, { status: answer.status, headers: answer.headers });
  }
}

/** Turns WebCrypto's threads, which a fake clock can't wait for, into promises. */
export function tameCrypto() {
  const keys = new Map();
  let made = 0;
  const subtle = {
    generateKey: async () => {
      const id = `key${++made}`;
      const pair = { privateKey: { id, algorithm: { name: "Ed25519" } }, publicKey: { id } };
      keys.set(id, pair);
      return pair;
    },
    exportKey: async (_format, { id }) => ({ kty: "OKP", crv: "Ed25519", x: id }),
    sign: async () => new ArrayBuffer(64),
    digest: async (_name, bytes) => {
      const { createHash } = await import("node:crypto");
      return new Uint8Array(createHash("sha256").update(bytes).digest()).buffer;
    },
  };
  let ids = 0;
  Object.defineProperty(globalThis, "crypto", {
    value: { subtle, randomUUID: () => `id${++ids}` },
    configurable: true,
  });
}
