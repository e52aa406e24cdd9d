// Access tokens of a Relatch server, checked with its public keys alone: middleware for Express.

import { createRemoteJWKSet, errors, jwtVerify } from "jose";

const ALGORITHMS = ["EdDSA", "ES256", "RS256"];
const LONGEST = 8 * 1024;
const CLAIMS = ["iss", "sub", "aud", "client_id", "exp", "iat", "jti"];

/**
 * Middleware that lets in requests with a good access token of `issuer` for `audience`; `request.claims` says whose.
 * The keys are fetched when the first token comes, kept for five minutes, and asked for again when a token names an unknown one,
 * every ten seconds at most.
 */
export function authenticate(issuer, audience) {
  const url = new URL(`${issuer}/.well-known/jwks.json`);
  const keys = createRemoteJWKSet(url, { cacheMaxAge: 300_000, cooldownDuration: 10_000, timeoutDuration: 5_000 });
  const options = { issuer, audience, algorithms: ALGORITHMS, typ: "at+jwt", requiredClaims: CLAIMS, clockTolerance: 5 };

  return async (request, response, next) => {
    const token = bearer(request.get("Authorization"));
    if (token === undefined) return refuse(response, 401, "Bearer");
    try {
      if (token.length > LONGEST) throw new errors.JWTInvalid("too long");
      const { payload } = await jwtVerify(token, keys, options);
      // What jose leaves to its caller.
      if (typeof payload.sub !== "string" || !Number.isSafeInteger(payload.exp)) throw new errors.JWTInvalid("wrong types");
      if (payload.iat > Date.now() / 1000 + options.clockTolerance) throw new errors.JWTInvalid("of the future");
      // A token that is bound to a key is worth nothing without a proof of that key, which nobody here looks at.
      if (payload.cnf !== undefined) throw new errors.JWTInvalid("bound to a key");
      request.claims = payload;
    } catch (error) {
      // That keys cannot be had is no fault of the caller's.
      if (isOutage(error)) return refuse(response, 503);
      return refuse(response, 401, 'Bearer error="invalid_token"');
    }
    next();
  };
}

/** Middleware behind `authenticate`: the caller must have this permission, `resource:action`, or `resource:*`. */
export function permit(permission) {
  const all = `${permission.split(":", 1)[0]}:*`;
  return (request, response, next) => {
    const held = request.claims.permissions;
    if (Array.isArray(held) && (held.includes(permission) || held.includes(all))) return next();
    refuse(response, 403, `Bearer error="insufficient_scope", scope="${permission}"`);
  };
}

function bearer(header) {
  return /^bearer +([\w.~+/-]+=*)$/i.exec(header ?? "")?.[1];
}

function isOutage(error) {
  return error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError) || error.code === "ERR_JOSE_GENERIC";
}

function refuse(response, status, challenge) {
  if (challenge) response.set("WWW-Authenticate", challenge);
  response.status(status).json({ status });
}
