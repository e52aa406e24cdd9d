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

/** Whether a token's life is over but for a twentieth, or 5 seconds: then it is not to be sent any more. */
export const stale = (held: Held, clock: Clock): boolean => ends(held, clock, 20, 5000);

/** Whether it is over but for a quarter, or a minute: then it is to be renewed while it is still used. */
export const ageing = (held: Held, clock: Clock): boolean => ends(held, clock, 4, 60_000);

const ends = ({ life, from }: Held, clock: Clock, part: number, most: number) =>
  life - since(from, clock) <= Math.min(life / part, most);

/** The claim `sub` of an access token; this isn't a check, which is up to who is sent the token. */
const subjectOf = (access: string): string =>
  JSON.parse(
    atob(
      access
        .replace(/^.*\.(.*)\..*$/, "$1")
        .replaceAll("-", "+")
        .replaceAll("_", "/"),
    ),
  ).sub;

/** What an answer brings. */
export function heldOf(answer: Tokens, key: CryptoKeyPair | undefined, from: Moment, turn: string): Held {
  const { access_token: access, token_type, expires_in, session_id: sid } = answer;
  const bound = token_type.toLowerCase() === "dpop" ? key : undefined;
  return { access, key: bound, sid, sub: subjectOf(access), from, life: expires_in * 1000, turn };
}
