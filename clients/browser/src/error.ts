// What can go wrong, by stable codes: the server's own and the few that only a client can know.

/** The server's codes that a client meets most, and the client's own; `docs/errors.md` has all of the server's. */
export type ErrorCode =
  // The client's own.
  /** No answer came, however often it was asked. Whether the server acted is not known. */
  | "unreachable"
  /** An answer came that is not the server's: of a proxy between, or a captive portal. */
  | "unexpected_answer"
  /** It takes somebody who is logged in. */
  | "not_logged_in"
  /** `bound: true`, and this browser can't keep a key. */
  | "key_unavailable"
  /** Body mode: this browser did not keep the new token, so it isn't used. */
  | "storage_unavailable"
  // The server's.
  | "invalid_request"
  | "invalid_credentials"
  | "username_taken"
  | "user_disabled"
  | "registration_closed"
  | "reauthentication_required"
  | "session_ended"
  | "rate_limited"
  | "overloaded"
  | "unavailable"
  | "origin_not_allowed"
  | "https_required"
  | (string & {});

/** One fault of one field, as the server tells it with `invalid_request`. */
export interface FieldFault {
  /** The field's name in the request: `password`, `email`, `username`… */
  field: string;
  /** What is wrong with it: `too_short`, `too_common`, `invalid_format`… */
  code: string;
  /** The same for people. */
  detail?: string;
}

/** Why and when a session ended. */
export interface Ended {
  /**
   * The server's reason (`logout`, `logout_everywhere`, `ended_by_user`, `password_changed`, `reuse`, `idle`,
   * `expired`, `session_limit`, `user_disabled`, …), or the client's own: `cookie_lost` and `key_lost`, when the
   * browser no longer has what the session lived by.
   */
  reason: string;
  /** When, by the server's clock; by this device's for the client's own reasons. */
  at: Date;
}

/** What else is known about an error. */
export interface ErrorDetails {
  status?: number | undefined;
  detail?: string | undefined;
  errors?: FieldFault[] | undefined;
  retryAfter?: number | undefined;
  ended?: Ended | undefined;
  cause?: unknown;
}

/**
 * Every error that this package makes.
 *
 * ```ts
 * try {
 *   await client.login({ username, password });
 * } catch (error) {
 *   if (!(error instanceof RelatchError)) throw error;
 *   if (error.code === "invalid_credentials") show("Username or password is wrong.");
 *   else if (error.code === "rate_limited") show(`Try again in ${error.retryAfter} s.`);
 *   else if (error.code === "unreachable") show("The server can't be reached.");
 *   else show(error.message);
 * }
 * ```
 */
export class RelatchError extends Error {
  override name = "RelatchError";
  /** What happened; stable. */
  code: ErrorCode;
  /** The HTTP status, if there was an answer. */
  declare status?: number | undefined;
  /** More on this case, for people. */
  declare detail?: string | undefined;
  /** With `invalid_request`: each fault at its field. */
  declare errors?: FieldFault[] | undefined;
  /** With `rate_limited`, `overloaded` and `unavailable`: after how many seconds to try again. */
  declare retryAfter?: number | undefined;
  /** With `session_ended`: why and when. */
  declare ended?: Ended | undefined;

  constructor(code: ErrorCode, { cause, ...details }: ErrorDetails = {}) {
    super(details.detail ?? code, { cause });
    this.code = code;
    Object.assign(this, details);
  }
}
