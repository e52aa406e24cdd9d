// What a user of the package sees: options, states and what the server tells of users and devices.
import type { Clock } from "./clock.js";
import type { Ended } from "./error.js";
import type { Storage } from "./store.js";
import type { Means } from "./tabs.js";

/** A user, as the server tells. */
export interface User {
  id: string;
  username: string;
  email: string;
  createdAt: Date;
}

/** One of the user's sessions: a login on a device. */
export interface Device {
  /** The session's id, for `client.sessions.end`. */
  id: string;
  /** What the device called itself. */
  device: string;
  createdAt: Date;
  lastUsedAt: Date;
  /** When it ends if it is not used again. */
  expiresAt: Date;
  rememberMe: boolean;
  /** Whether it is this one. */
  current: boolean;
}

/**
 * Whether somebody is logged in. A new object at every change, and never changed itself, so that it fits
 * `useSyncExternalStore` and the like.
 */
export interface State {
  /** `unknown` until the first use asks the server. */
  readonly status: "unknown" | "in" | "out";
  /** Who, once `client.user()` or a login has told. */
  readonly user?: User | undefined;
  /** With `out`: why, unless nobody was logged in or the user logged out in this very tab. */
  readonly ended?: Ended | undefined;
}

/** How a client is made. */
export interface ClientOptions {
  /**
   * The address of the Relatch server, exactly as its `issuer.url` says.
   *
   * ```ts
   * const client = createClient({ issuer: "https://api.example.com" });
   * ```
   */
  issuer: string;
  /**
   * Where the refresh token lives. `cookie` (the default): in a cookie that no script can read; the app's origin
   * must be in the server's `browser.origins`. `body`: in this origin's IndexedDB, for apps whose server is on
   * another site, or in a webview without cookies.
   */
  delivery?: "cookie" | "body";
  /**
   * Whether sessions are bound to a key that can't leave this browser (DPoP, RFC 9449). Left out: wherever the browser can
   * keep one. `true`: log in so or not at all. `false`: never.
   */
  bound?: boolean;
  /**
   * The addresses that get the access token: each URL that begins with one of these, by whole path segments. Default:
   * all of the issuer's origin.
   *
   * ```ts
   * resources: ["https://api.example.com", "https://files.example.com/v1"]
   * ```
   */
  resources?: string[];
  /** A place for the record in place of IndexedDB. */
  storage?: Storage;
  /** A `fetch` in place of the global one. */
  fetch?: typeof globalThis.fetch;
  /** A clock in place of the device's, for tests. */
  clock?: Clock;
  /** Other locks and channels between tabs than the browser's, for tests. */
  means?: Means;
}

/** What a login takes. */
export interface Credentials {
  username: string;
  password: string;
  /** A session that lasts for months of rest in place of days, and outlives the closing of the browser. */
  rememberMe?: boolean;
  /** What the list of devices shows, as in `"Firefox on Linux"`. */
  device?: string;
}

/** What a registration takes. */
export interface Registration extends Credentials {
  email: string;
}

/** The client of one issuer; {@link createClient} makes it. */
export interface Client {
  /** Makes an account and logs it in. */
  register(registration: Registration): Promise<User>;
  /**
   * Logs in, in all tabs. Whoever was logged in before in this browser is so no more.
   *
   * ```ts
   * const user = await client.login({ username: "ada", password, rememberMe: true });
   * ```
   */
  login(credentials: Credentials): Promise<User>;
  /**
   * Logs out, in all tabs and at once. Without a connection the server is told as soon as there is one; `false` says
   * that this is still to come.
   */
  logout(): Promise<boolean>;
  /** Ends every session of the user, this one too. Wants a recent login: see {@link Client.reauthenticate}. */
  logoutEverywhere(): Promise<void>;
  /** Changes the password. Every other session of the user ends; this one goes on. */
  changePassword(passwords: { oldPassword: string; newPassword: string }): Promise<void>;
  /**
   * Proves the password again, for what wants a recent login.
   *
   * ```ts
   * try {
   *   await client.sessions.endOthers();
   * } catch (error) {
   *   if (error.code !== "reauthentication_required") throw error;
   *   await client.reauthenticate({ password: await ask("Your password, please") });
   *   await client.sessions.endOthers();
   * }
   * ```
   */
  reauthenticate(proof: { password: string }): Promise<void>;
  /** The user's devices. Ending one, or all others, wants a recent login. */
  sessions: {
    list(): Promise<Device[]>;
    end(id: string): Promise<void>;
    endOthers(): Promise<void>;
  };
  /** Who is logged in; `null` for nobody. The first call finds out, by one request. */
  user(): Promise<User | null>;
  /**
   * `fetch` for somebody who is logged in: requests to `resources` get the access token, and a proof where the session is bound.
   * All others, and all while nobody is logged in, go out as they are. A token is renewed before it ends; a request that
   * was refused for its token all the same is sent once more with a new one. Nothing else is ever repeated.
   *
   * ```ts
   * const response = await client.fetch("https://api.example.com/notes", {
   *   method: "POST",
   *   headers: { "Content-Type": "application/json" },
   *   body: JSON.stringify({ text }),
   * });
   * ```
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /** Calls `listener` at each change of {@link Client.state}, whichever tab made it; gives what ends that. */
  subscribe(listener: (state: State) => void): () => void;
  /** The state now. */
  readonly state: State;
}
