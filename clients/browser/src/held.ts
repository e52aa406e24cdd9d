// What a tab holds in memory of a session: the access token and how long it is good.
import { type Clock, type Moment, since } from "./clock.js";
import type { User } from "./types.js";
import type { Credential } from "./wire.js";

/** An access token in memory, as tabs hand it to each other. */
export interface Held extends Credential {
  sid: string;
  /** Whose it is: the token's `sub`. */
  sub: string;
  /** When it was asked for. */
  from: Moment;
  /** How many milliseconds it is good from then. */
  life: number;
  /** Which refresh brought it. */
  turn: string;
  user?: User | undefined;
}

/** The tokens of an answer. */
export interface Tokens {
  access_token: string;
  token_type: string;
  expires_in: number;
  session_id: string;
  refresh_token?: string;
  device_token?: string;
  user?: object;
}

/** How far an access token is through its life. */
export type Age = "fresh" | "ageing" | "stale";

/** `ageing` is to be renewed while it is still used; `stale` is not to be sent any more. */
export function ageOf(held: Held, clock: Clock): Age {
  const left = held.life - since(held.from, clock);
  if (left <= Math.min(5000, held.life / 20)) return "stale";
  return left <= Math.min(60_000, held.life / 4) ? "ageing" : "fresh";
}

/** The claim `sub` of an access token; this isn't a check, which is up to who is sent the token. */
function subjectOf(access: string): string {
  try {
    const payload = access.split(".")[1] ?? "";
    return JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))).sub;
  } catch {
    return "";
  }
}

/** What an answer brings. */
export function heldOf(answer: Tokens, key: CryptoKeyPair | undefined, from: Moment, turn: string): Held {
  const { access_token: access, token_type, expires_in, session_id: sid } = answer;
  const bound = token_type.toLowerCase() === "dpop" ? key : undefined;
  return { access, key: bound, sid, sub: subjectOf(access), from, life: expires_in * 1000, turn };
}
