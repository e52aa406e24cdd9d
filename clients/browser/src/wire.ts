// Requests to the issuer and what its answers mean. It knows nothing of sessions and tabs.
import { type Clock, within } from "./clock.js";
import { type FieldFault, RelatchError } from "./error.js";
import { createProver, type Prover } from "./proof.js";

/** An access token, and how it goes into a request. */
export interface Credential {
  access: string;
  /** The key that the token is bound to, if it is. */
  key?: CryptoKeyPair | undefined;
}

/** One request to the issuer. */
export interface Call {
  method: string;
  path: string;
  body?: object | undefined;
  /** Proves possession of this key. */
  key?: CryptoKeyPair | undefined;
  /** Sends it by other means, which add the access token. */
  via?: (request: Request) => Promise<Response>;
  /** Lets the browser send and set the cookie. */
  cookie?: boolean;
  /** Milliseconds without an answer after which it counts as lost. */
  patience?: number;
  signal?: AbortSignal | undefined;
}

/** What the issuer says in an error. */
interface Problem {
  code?: string;
  detail?: string;
  errors?: FieldFault[];
  reason?: string;
  ended_at?: string;
  challenge?: unknown;
}

/** The issuer at the other end of the wire. */
export interface Wire {
  /** The issuer's address without a slash at its end. */
  issuer: string;
  /** Sends it and gives the JSON that was answered. Repeats it only where the server refused a proof before acting. */
  call<T>(call: Call): Promise<T>;
  /** Whether the server's clock is known. */
  timed(): boolean;
  /** Sends one request with a token, as it is. */
  send(request: Request, credential?: Partial<Credential>): Promise<Response>;
}

/** Why a request with a token was refused with 401, as far as a new token or proof can mend it. */
export type Refusal = "token" | "proof";

/** The codes that say that a token is good no more. */
export const REFUSED: string[] = ["invalid_token", "session_ended", "session_unknown"];
const PROOF = ["use_dpop_nonce", "invalid_dpop_proof"];

/** How to reach `issuer`. */
export function createWire(issuer: string, clock: Clock, fetch: typeof globalThis.fetch): Wire {
  const prover: Prover = createProver(clock, issuer);

  async function send(request: Request, { access, key }: Partial<Credential> = {}): Promise<Response> {
    const { headers, method, url } = request;
    if (access) headers.set("Authorization", `${key ? "DPoP" : "Bearer"} ${access}`);
    if (key) headers.set("DPoP", await prover.prove(key, method, url, access));
    const sent = clock.now();
    const response = await fetch(request);
    prover.learn(url, response, sent);
    return response;
  }

  function requestOf({ method, path, body, cookie }: Call, signal: AbortSignal): Request {
    return new Request(issuer + path, {
      method,
      // The routes with the cookie ask for this type even where there is no body: no form can send it.
      headers: { "Content-Type": "application/json" },
      // Of nothing it makes nothing.
      body: JSON.stringify(body),
      credentials: cookie ? "include" : "omit",
      signal,
    });
  }

  /** One try: the answer in JSON, or an error. */
  async function attempt<T>(call: Call): Promise<T> {
    const waiting = within(clock, call.patience ?? 30_000, call.signal);
    try {
      const { via = (request) => send(request, { key: call.key }) } = call;
      const response = await via(requestOf(call, waiting.signal));
      return answerOf(response, await response.text());
    } catch (error) {
      if (error instanceof RelatchError || call.signal?.aborted) throw error;
      throw new RelatchError("unreachable", { cause: error });
    } finally {
      waiting.abort();
    }
  }

  return {
    issuer,
    send,
    timed: prover.timed,
    async call(call) {
      // A nonce may be stale and the clock wrong, too; both are learnt from the refusal.
      for (let refused = 0; ; refused += 1) {
        try {
          return await attempt(call);
        } catch (error) {
          if (refused > 1 || !PROOF.includes((error as RelatchError).code)) throw error;
        }
      }
    },
  };
}

/** Why this answer says 401. Undefined when neither a new token nor a new proof would help. */
export async function refusal(response: Response): Promise<Refusal | undefined> {
  const type = response.headers.get("Content-Type") ?? "";
  const told = type.includes("problem+json")
    ? parse<Problem>(await response.clone().text())?.code
    : undefined;
  const code = told ?? /error="([^"]+)"/.exec(response.headers.get("WWW-Authenticate") ?? "")?.[1];
  if (!code || REFUSED.includes(code)) return "token";
  return PROOF.includes(code) ? "proof" : undefined;
}

/** What the answer says, or the error that it is. */
function answerOf<T>({ status, ok, headers }: Response, text: string): T {
  const told = parse<Problem>(text);
  if (ok && told) return told as T;
  const retryAfter = Number(headers.get("Retry-After")) || undefined;
  // Without a code it isn't the server's: of a proxy between, a captive portal, an old page in a cache.
  const { code = "unexpected_answer", detail, errors, reason, ended_at, challenge: cause } = told ?? {};
  const ended = reason ? { reason, at: new Date(ended_at as string) } : undefined;
  throw new RelatchError(code, { status, detail, errors, retryAfter, ended, cause });
}

function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
