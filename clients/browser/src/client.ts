// The client that an app holds: it gives the session what the browser has, and nothing before it is used, so that
// it can be made while a server renders.
import { systemClock } from "./clock.js";
import { camel } from "./names.js";
import { createSession, type Session } from "./session.js";
import { browserStorage } from "./store.js";
import type { Means } from "./tabs.js";
import type { Client, ClientOptions, Credentials, Device, State, User } from "./types.js";
import { UNKNOWN } from "./view.js";
import { createWire } from "./wire.js";

/**
 * Makes the client of one issuer. Make one, where the app begins, and share it: it does nothing before it is used.
 *
 * ```ts
 * import { createClient } from "relatch";
 *
 * export const client = createClient({ issuer: "https://api.example.com" });
 *
 * if (await client.user()) showNotes();
 * else showLogin(client.state.ended);
 * ```
 */
export function createClient(options: ClientOptions): Client {
  const { bound, clock = systemClock } = options;
  const cookie = options.delivery !== "body";
  const issuer = trim(options.issuer);
  const fetch = options.fetch ?? ((...request) => globalThis.fetch(...request));
  // With a slash at its end, or `https://api.example` would cover `https://api.example.org`.
  const covered = (options.resources ?? [new URL(issuer).origin]).map((url) => `${trim(new URL(url).href)}/`);
  const wire = createWire(issuer, clock, fetch);
  let begun: Session | undefined;

  function session(): Session {
    if (!begun) {
      const storage = options.storage ?? browserStorage(issuer, clock);
      begun = createSession({
        wire,
        storage,
        clock,
        body: !cookie,
        bound,
        ...(options.means ?? (options.storage ? {} : browserMeans(issuer))),
      });
      listen(begun);
    }
    return begun;
  }

  async function authorizedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init);
    const [path] = request.url.split(/[?#]/);
    return covered.some((start) => `${path}/`.startsWith(start)) ? session().fetch(request) : fetch(request);
  }

  return {
    register: ({ email, ...rest }) =>
      session().open("/auth/register", { email, ...wired(rest), device_token: undefined }),
    login: (credentials) => session().open("/auth/login", wired(credentials)),
    logout: () => session().close(),
    logoutEverywhere: () => session().closeBy("DELETE", `${SESSIONS}?keep=none`),
    changePassword: ({ oldPassword, newPassword }) =>
      session().exchange("/auth/password/change", { old_password: oldPassword, new_password: newPassword }),
    reauthenticate: (proof) => session().exchange("/auth/reauthenticate", proof),
    sessions: {
      async list() {
        const { sessions } = await session().authorized<{ sessions: object[] }>("GET", SESSIONS);
        return sessions.map((told) => camel<Device>(told));
      },
      async end(id) {
        const own = (await session().user()) && session().view.held?.sid === id;
        await session()[own ? "closeBy" : "authorized"]("DELETE", `${SESSIONS}/${encodeURIComponent(id)}`);
      },
      async endOthers() {
        await session().authorized("DELETE", `${SESSIONS}?keep=current`);
      },
    },
    user: (): Promise<User | null> => session().user(),
    fetch: authorizedFetch,
    subscribe: (listener) => session().view.subscribe(listener),
    get state(): State {
      return begun ? begun.view.state : UNKNOWN;
    },
  };
}

const trim = (url: string) => url.replace(/\/+$/, "");

const SESSIONS = "/auth/sessions";

const wired = ({ username, password, rememberMe, device }: Credentials) => ({
  username,
  password,
  remember_me: rememberMe,
  device_name: device,
});

/** Tabs share what they keep, and only who shares that may hear the rest: on a server, clients are of different users. */
function browserMeans(issuer: string): Means {
  const { indexedDB, navigator, BroadcastChannel } = globalThis;
  if (!indexedDB) return {};
  return { locks: navigator.locks, channel: BroadcastChannel && new BroadcastChannel(`relatch/1 ${issuer}`) };
}

function listen(session: Session) {
  const wake = () => {
    if (globalThis.document?.visibilityState !== "hidden") session.wake();
  };
  globalThis.document?.addEventListener("visibilitychange", wake);
  globalThis.addEventListener?.("online", wake);
}
