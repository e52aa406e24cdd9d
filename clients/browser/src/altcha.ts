// Proof of work by ALTCHA's protocol, version 2: loaded only when a server asks for it.

/** A challenge as the server sends it; what else is in it goes back untouched. */
export interface Challenge {
  parameters: {
    /** `PBKDF2/SHA-256`, or with another hash of the Web Crypto API. */
    algorithm: string;
    /** Iterations of PBKDF2 for each number that is tried. */
    cost: number;
    /** Bytes of the key. */
    keyLength: number;
    /** How the key is to begin, in hexadecimal. */
    keyPrefix: string;
    nonce: string;
    salt: string;
  };
  signature: string;
}

/** How many numbers are tried at once: the browser has threads for it, and the page may breathe in between. */
const BATCH = 16;

/**
 * Searches the number whose key begins as the challenge wants; gives what goes into `proof_of_work`.
 *
 * ```ts
 * import { solve } from "relatch/altcha";
 *
 * const proof_of_work = await solve(problem.challenge);
 * ```
 *
 * @throws RangeError when the challenge asks for an algorithm that is not known here.
 */
export async function solve(asked: unknown): Promise<string> {
  const challenge = asked as Challenge;
  const { algorithm, cost, keyLength, keyPrefix, nonce, salt } = challenge.parameters;
  const hash = /^PBKDF2\/(SHA-\d+)$/.exec(algorithm)?.[1];
  if (!hash) throw new RangeError(`Proof of work by ${algorithm} is not known here.`);
  const [start, seasoning] = [bytesOf(nonce), bytesOf(salt)];

  async function derive(counter: number): Promise<string> {
    const password = new Uint8Array(start.length + 4);
    password.set(start);
    new DataView(password.buffer).setUint32(start.length, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const parameters = { name: "PBKDF2", hash, salt: seasoning, iterations: cost };
    return hexadecimal(await crypto.subtle.deriveBits(parameters, key, keyLength * 8));
  }

  for (let first = 0; ; first += BATCH) {
    const keys = await Promise.all(Array.from({ length: BATCH }, (_, index) => derive(first + index)));
    const found = keys.findIndex((key) => key.startsWith(keyPrefix));
    if (found < 0) continue;
    const solution = { counter: first + found, derivedKey: keys[found] };
    return btoa(JSON.stringify({ challenge, solution }));
  }
}

const hexadecimal = (digest: ArrayBuffer): string =>
  Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");

const bytesOf = (digits: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
