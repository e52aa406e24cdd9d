// The session of one issuer in one tab: how it begins, goes on with other tokens and ends, and requests with its
// access token. It must not know of documents, IndexedDB or HTTP beyond the wire.
import { type Moment, moment } from "./clock.js";
import { RelatchError } from "./error.js";
import { ageing, type Held, heldOf, stale, type Tokens } from "./held.js";
import { camel } from "./names.js";
import { makeKey } from "./proof.js";
import { createRefresh } from "./refresh.js";
import { createTabs } from "./tabs.js";
import type { User } from "./types.js";
import { createView, type View } from "./view.js";
import { type Call, refusal } from "./wire.js";
import { remains, same, turning, unstored, vacant, type World } from "./world.js";

/** The session of one issuer in one tab. */
export interface Session {
  view: View;
  /** Sends it with the access token, if somebody is logged in. */
  fetch(request: Request): Promise<Response>;
  /** A request to the issuer that wants the access token. */
  authorized<T>(method: string, path: string): Promise<T>;
  /** Begins a session. */
  open(path: string, fields: object): Promise<User>;
  /** Goes on with the tokens that such a request brings, which no refresh may cross. */
  exchange(path: string, body: object): Promise<void>;
  /** Ends it here, then at the server; false when the server could not be told yet. */
  close(): Promise<boolean>;
  /** Ends it by such a request. */
  closeBy(method: string, path: string): Promise<void>;
  user(): Promise<User | null>;
  /** The page is seen again, or the network is back. */
  wake(): void;
}

/** How long a login or logout waits for refreshes to break off. */
const BREAK = 5_000;

/** A session that nobody has used yet. */
export function createSession(world: World): Session {
  const { wire, storage, clock, body, bound } = world;
  const view = createView(clock);
  const tabs = createTabs(`relatch/1 ${wire.issuer}`, clock, world, (message) => {
    if (message.is === "stop") refresh.interrupt();
    view.hear(message);
  });
  const refresh = createRefresh(world, view, tabs);
  let asking: Promise<User | null> | undefined;

  /** Runs `task` while no tab refreshes; those under way are broken off and begin again after it. */
  function exclusively<T>(task: () => Promise<T>): Promise<T> {
    const turn = tabs.alone({ task, patience: BREAK });
    // Not before this stands in line: what is broken off begins again, and has to come after it.
    refresh.interrupt();
    tabs.tell({ is: "stop" });
    return turn;
  }

  /** Renews for who is alone already. */
  const turn = () => refresh.turn(view.held, view.held?.turn);

  /** The key to bind a new session to, kept before it is used: an answer that gets lost may have begun the session. */
  async function keyToBind(): Promise<CryptoKeyPair | undefined> {
    if (bound === false) return undefined;
    let cause: unknown;
    try {
      const made = (await storage.change(same)).key ?? (await makeKey());
      const now = await storage.change((old) => ({ ...old, key: old.key ?? made }));
      // A cookie outlives the page, so its key must, too.
      if (body || storage.durable()) return now.key;
    } catch (error) {
      // Without a secure context there are no keys, and not every storage takes them.
      cause = error;
    }
    if (bound) throw new RelatchError("key_unavailable", { cause });
    return undefined;
  }

  function open(path: string, fields: object): Promise<User> {
    return exclusively(async () => {
      const key = await keyToBind();
      const before = await storage.change((old) => ({ ...old, sid: old.sid ?? "" }));
      const from = moment(clock);
      try {
        const ours = { delivery: body ? undefined : "cookie", device_token: before.device, ...fields };
        const call = { method: "POST", path, body: ours, key, cookie: !body };
        await adopt(await working(call), key, from);
      } catch (error) {
        // Refused: nothing has begun. Where the answer got lost, something may have.
        if ((error as RelatchError).status)
          await storage.change((old) => (old.sid === "" ? remains(old) : old));
        throw error;
      }
      if (before.token) wire.call(turning(world, "/auth/logout", before)).catch(() => {});
      return view.state.user as User;
    });
  }

  /** Sends it, with proof of work if that is asked for. */
  async function working(call: Call): Promise<Tokens> {
    try {
      return await wire.call<Tokens>(call);
    } catch (error) {
      const { code, cause } = error as RelatchError;
      if (code !== "proof_of_work_required") throw error;
      const { solve } = await import("./altcha.js");
      const proof_of_work = await solve(cause);
      return wire.call<Tokens>({ ...call, body: { ...call.body, proof_of_work } });
    }
  }

  /** Goes on with these tokens, of a new session or of the same. */
  async function adopt(answer: Tokens, key: CryptoKeyPair | undefined, from: Moment) {
    const { session_id: sid, refresh_token: token, device_token: device, user } = answer;
    const name = String(Math.random());
    try {
      await storage.change((old) => ({
        ...old,
        sid,
        turn: name,
        token: token ?? old.token,
        device: device ?? old.device,
        leaving: false,
      }));
    } catch (error) {
      if (body) throw unstored(error);
    }
    view.hold(heldOf(answer, key, from, name), user && camel<User>(user));
    refresh.announce();
  }

  function exchange(path: string, body: object): Promise<void> {
    return exclusively(async () => {
      const from = moment(clock);
      await adopt(await authorized<Tokens>("POST", path, turn, body), view.held?.key, from);
    });
  }

  const farewell = (reason: string) => ({ reason, at: new Date(clock.now()) });

  function close(): Promise<boolean> {
    return exclusively(async () => {
      const record = await storage.change((old) => ({ ...old, leaving: true }));
      refresh.depart(record.sid, undefined, farewell("logout"));
      return vacant(world, record) || refresh.farewell(record);
    });
  }

  function closeBy(method: string, path: string): Promise<void> {
    return exclusively(async () => {
      await authorized(method, path, turn);
      await storage.change(remains);
      refresh.depart(undefined, undefined, farewell("logout_everywhere"));
    });
  }

  async function ready(renew = refresh.now): Promise<Held | undefined> {
    if (view.state.status === "out") return undefined;
    if (!view.held || stale(view.held, clock)) await renew();
    // Ahead of need: nobody waits for it, and whoever needs it later asks again.
    else if (ageing(view.held, clock)) renew().catch(() => {});
    return view.held;
  }

  /** A newer token than `used`, which was refused; undefined when there is none for the same user. */
  async function replacement(used: Held, renew: () => Promise<void>): Promise<Held | undefined> {
    if (view.held?.access === used.access) await renew();
    const held = await ready(renew);
    return held?.sub === used.sub ? held : undefined;
  }

  async function send(request: Request, renew = refresh.now): Promise<Response> {
    let token = await ready(renew);
    let refused = "";
    for (;;) {
      const response = await wire.send(request.clone(), token);
      const why = token && response.status === 401 && (await refusal(response));
      // Once for each cause: the server has not acted on what it refused with 401.
      if (!token || !why || refused.includes(why)) return response;
      // A token that ended on its way says nothing of the next one.
      if (!stale(token, clock)) refused += why;
      if (why === "proof") continue;
      token = await replacement(token, renew);
      if (!token) return response;
    }
  }

  async function authorized<T>(
    method: string,
    path: string,
    renew = refresh.now,
    fields?: object,
  ): Promise<T> {
    const via = async (request: Request) => {
      const response = (await ready(renew)) && (await send(request, renew));
      if (view.held && response) return response;
      const { ended } = view.state;
      throw new RelatchError(ended ? "session_ended" : "not_logged_in", { ended });
    };
    return wire.call<T>({
      method,
      path,
      body: fields,
      cookie: !body && method !== "GET",
      via,
    });
  }

  async function who(): Promise<User | null> {
    try {
      const token = await ready();
      if (!token) return null;
      if (view.state.user?.id === token.sub) return view.state.user;
      const user = camel<User>(await authorized<object>("GET", "/auth/me"));
      if (!view.held) return null;
      view.hold(view.held, user);
      refresh.announce();
    } catch (error) {
      if (view.state.status !== "out") throw error;
    }
    return view.state.user ?? null;
  }

  return {
    view,
    fetch: (request) =>
      new Promise((resolve, reject) => {
        const { signal } = request;
        // Whoever gives up waits for no refresh either.
        signal.addEventListener("abort", () => reject(signal.reason));
        send(request).then(resolve, reject);
      }),
    authorized: (method, path) => authorized(method, path),
    open,
    exchange,
    close,
    closeBy,
    user() {
      asking ??= who().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    wake: refresh.wake,
  };
}
