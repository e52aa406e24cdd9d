// What the session's parts share: what the app wishes, and what there is to work with.
import type { Clock } from "./clock.js";
import { RelatchError } from "./error.js";
import type { Storage, StoredRecord } from "./store.js";
import type { Means } from "./tabs.js";
import type { Call, Wire } from "./wire.js";

/** What a session lives in. */
export interface World extends Means {
  wire: Wire;
  storage: Storage;
  clock: Clock;
  /** Whether the refresh token is ours to keep; else it is in a cookie. */
  body: boolean;
  bound: boolean | undefined;
}

/** How long one answer about a refresh token is waited for. */
const ANSWER = 10_000;

/** Changes nothing. */
export const same = (record: StoredRecord): StoredRecord => record;

/** What stays when the session is over: how this device is known. */
export const remains = ({ device }: StoredRecord): StoredRecord => ({ device });

/** Whether nobody can be logged in. Where nothing is kept, only the server knows. */
export const vacant = ({ storage, body }: World, { sid }: StoredRecord): boolean =>
  sid === undefined && (body || storage.durable());

/** A request with the refresh token, wherever that is. */
export const turning = (
  { body }: World,
  path: string,
  { token, key }: StoredRecord,
  signal?: AbortSignal,
): Call => ({
  method: "POST",
  path,
  body: body ? { refresh_token: token } : {},
  key,
  cookie: !body,
  patience: ANSWER,
  signal,
});

/** Whether to send the same again may help. */
export function passing(error: unknown): error is RelatchError {
  if (!(error instanceof RelatchError)) return false;
  const { code, status = 0 } = error;
  return code === "unreachable" || [200, 408, 429].includes(status) || status >= 500;
}

/** A token that is not kept must not be used. */
export const unstored = (cause: unknown): RelatchError => new RelatchError("storage_unavailable", { cause });
