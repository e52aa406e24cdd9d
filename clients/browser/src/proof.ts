// DPoP (RFC 9449): the key of this browser, and proofs that it is held.
import type { Clock } from "./clock.js";

/** What a proof says, and what servers taught us about how to say it. */
export interface Prover {
  /** A proof for one request; with `access` for one that carries an access token. */
  prove(key: CryptoKeyPair, method: string, url: string, access?: string): Promise<string>;
  /** Learns from an answer, to a request begun at `sent`: the server's nonce and, from our issuer, its clock. */
  learn(url: string, response: Response, sent: number): void;
  /** Whether the issuer's clock is known. */
  timed(): boolean;
}

const encoder = new TextEncoder();

const base64url = (bytes: ArrayBuffer | Uint8Array): string =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const json = (value: unknown): string => base64url(encoder.encode(JSON.stringify(value)));

/** A key whose private half no script can read: Ed25519, or P-256 where the browser doesn't know that. */
export async function makeKey(): Promise<CryptoKeyPair> {
  const make = (algorithm: EcKeyGenParams | Algorithm) =>
    crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]) as Promise<CryptoKeyPair>;
  return make({ name: "Ed25519" }).catch(() => make({ name: "ECDSA", namedCurve: "P-256" }));
}

/** One for each client: nonces by origin, and how far the issuer's clock is from ours. */
export function createProver(clock: Clock, issuer: string): Prover {
  const nonces = new Map<string, string>();
  const home = new URL(issuer).origin;
  let skew: number | undefined;
  return {
    async prove({ privateKey, publicKey }, method, url, access) {
      const target = new URL(url);
      const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
      // Ed25519 has no second coordinate.
      const header = { typ: "dpop+jwt", alg: y ? "ES256" : "EdDSA", jwk: { kty, crv, x, y } };
      const claims = {
        jti: crypto.randomUUID(),
        htm: method,
        htu: target.origin + target.pathname,
        iat: Math.floor((clock.now() + (skew ?? 0)) / 1000),
        ath: access && base64url(await crypto.subtle.digest("SHA-256", encoder.encode(access))),
        nonce: nonces.get(target.origin),
      };
      const signed = `${json(header)}.${json(claims)}`;
      const algorithm = { name: privateKey.algorithm.name, hash: "SHA-256" };
      const signature = await crypto.subtle.sign(algorithm, privateKey, encoder.encode(signed));
      return `${signed}.${base64url(signature)}`;
    },
    learn(url, response, sent) {
      const { origin } = new URL(url);
      const nonce = response.headers.get("DPoP-Nonce");
      if (nonce) nonces.set(origin, nonce);
      const date = origin === home && Date.parse(response.headers.get("Date") ?? "");
      // It was made between our sending and now, and says whole seconds: that bounds the skew, however slow the answer was.
      if (date) skew = Math.min(Math.max(skew ?? 0, date - clock.now()), date + 1000 - sent);
    },
    timed: () => skew !== undefined,
  };
}
