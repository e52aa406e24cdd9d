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
  return createClientIn(options, browserMeans);
}

/** The same with other means than the browser's to speak with other tabs. */
export function createClientIn(options: ClientOptions, means: (issuer: string) => Means): Client {
  const { bound, clock = systemClock } = options;
  const cookie = options.delivery !== "body";
  const issuer = options.issuer.replace(/\/+$/, "");
  const fetch = options.fetch ?? ((...request) => globalThis.fetch(...request));
  const covered = (options.resources ?? [new URL(issuer).origin]).map((url) => new URL(url));
  const wire = createWire(issuer, clock, fetch);
  let begun: Session | undefined;

  function session(): Session {
    if (!begun) {
      const storage = options.storage ?? browserStorage(issuer, clock);
      begun = createSession({ wire, storage, clock, body: !cookie, bound, ...means(issuer) });
      listen(begun);
    }
    return begun;
  }

  async function authorizedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init);
    const url = new URL(request.url);
    return covered.some((resource) => covers(resource, url)) ? session().fetch(request) : fetch(request);
  }

  const ending = (path: string) => ({ method: "DELETE", path: `/auth/sessions${path}`, cookie });

  return {
    register: ({ email, ...rest }) => session().open("/auth/register", { email, ...wired(rest) }),
    login: (credentials) => session().open("/auth/login", wired(credentials)),
    logout: () => session().close(),
    logoutEverywhere: () => session().closeBy(ending("?keep=none")),
    changePassword: ({ oldPassword, newPassword }) =>
      session().exchange({
        method: "POST",
        path: "/auth/password/change",
        body: { old_password: oldPassword, new_password: newPassword },
        cookie,
      }),
    reauthenticate: ({ password }) =>
      session().exchange({ method: "POST", path: "/auth/reauthenticate", body: { password } }),
    sessions: {
      async list() {
        const call = { method: "GET", path: "/auth/sessions" };
        const { sessions } = await session().authorized<{ sessions: object[] }>(call);
        return sessions.map((told) => camel<Device>(told));
      },
      async end(id) {
        const own = (await session().user()) && session().view.held?.sid === id;
        await session()[own ? "closeBy" : "authorized"](ending(`/${encodeURIComponent(id)}`));
      },
      async endOthers() {
        await session().authorized(ending("?keep=current"));
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

const wired = ({ username, password, rememberMe, device }: Credentials) => ({
  username,
  password,
  remember_me: rememberMe,
  device_name: device,
});

/** Whether `url` lies under `resource`, by whole segments of the path. */
function covers(resource: URL, url: URL): boolean {
  const path = resource.pathname.replace(/\/$/, "");
  return resource.origin === url.origin && `${url.pathname}/`.startsWith(`${path}/`);
}

function browserMeans(issuer: string): Means {
  const channel = globalThis.BroadcastChannel && new BroadcastChannel(`relatch/1 ${issuer}`);
  // In Node a channel would keep the process alive.
  (channel as { unref?: () => void } | undefined)?.unref?.();
  return { locks: globalThis.navigator?.locks, channel };
}

function listen(session: Session) {
  const wake = () => {
    if (globalThis.document?.visibilityState !== "hidden") session.wake();
  };
  globalThis.document?.addEventListener("visibilitychange", wake);
  globalThis.addEventListener?.("online", wake);
}
