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
export const same = (record: StoredRecord | undefined): StoredRecord | undefined => record;

/** What stays when the session is over: how this device is known. */
export const remains = (record: StoredRecord | undefined): StoredRecord | undefined =>
  record?.device ? { device: record.device } : undefined;

/** Whether nobody can be logged in. Where nothing is kept, only the server knows. */
export const vacant = ({ storage, body }: World, record: StoredRecord | undefined): boolean =>
  record?.sid === undefined && (body || storage.durable());

/** A request with the refresh token, wherever that is. */
export const turning = (
  { body }: World,
  path: string,
  record: StoredRecord | undefined,
  signal?: AbortSignal,
): Call => ({
  method: "POST",
  path,
  body: body ? { refresh_token: record?.token } : {},
  key: record?.key,
  cookie: !body,
  patience: ANSWER,
  signal,
});

/** Whether to send the same again may help. */
export function passing(error: unknown): error is RelatchError {
  if (!(error instanceof RelatchError)) return false;
  const { status } = error;
  return !status || status === 200 || status === 408 || status === 429 || status >= 500;
}

/** A token that is not kept must not be used. */
export const unstored = (cause: unknown): RelatchError =>
  new RelatchError("storage_unavailable", "The browser could not keep the new token.", { cause });
