// The server's side of the agreement, as far as schedules need it: the decision about a refresh token as
// docs/sessions-and-tokens.md has it, cookies, proofs and their nonces. The real server is met in test/server and
// test/chromium.
import { createHash } from "node:crypto";

const decode = (part) => JSON.parse(Buffer.from(part, "base64url"));
const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

export const ISSUER = "https://api.example.com";

export class FakeServer {
  sessions = new Map();
  proofs = new Set();
  passwords = new Map();
  nonce = undefined;
  counts = {};
  #ids = 0;

  constructor(clock, { access = 900, window = 30, idle = 5 * 86_400 } = {}) {
    Object.assign(this, { clock, access, window, idle });
  }

  /** Answers `{ method, path, headers, body, cookie }` by `{ status, headers, body, cookie }`. */
  handle(request) {
    const name = `${request.method} ${request.path}`;
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    const answer = this.#answer(name, request);
    const headers = { Date: new Date(this.clock.truth()).toUTCString(), ...answer.headers };
    if (answer.status >= 400) headers["Content-Type"] = "application/problem+json";
    return { ...answer, headers };
  }

  end(sid, reason) {
    const session = this.sessions.get(sid);
    session.ended ??= { reason, ended_at: new Date(this.clock.truth()).toISOString() };
  }

  #answer(name, request) {
    try {
      if (name === "POST /auth/login") return this.#login(request);
      if (name === "POST /auth/refresh") return this.#refresh(request);
      if (name === "POST /auth/logout") return this.#logout(request);
      return this.#called(name, request);
    } catch (problem) {
      if (problem.status) return problem;
      throw problem;
    }
  }

  #login({ headers, body, cookie }) {
    const jkt = this.#proof({ method: "POST", path: "/auth/login", headers });
    if (body.password !== (this.passwords.get(body.username) ?? "right"))
      throw refuse(401, "invalid_credentials");
    if (cookie) this.end(sidOf(cookie), "replaced");
    return this.#begin(body.username, body.delivery ?? "body", jkt);
  }

  #begin(sub, delivery, jkt) {
    const sid = `s${++this.#ids}`;
    this.sessions.set(sid, { sid, sub, delivery, jkt, generation: 0, turned: this.clock.truth() });
    const user = { id: sub, username: sub, email: `${sub}@example.com`, created_at: "2026-01-01T00:00:00Z" };
    return this.#tokens(this.sessions.get(sid), { user });
  }

  #tokens(session, more = {}) {
    const { sid, sub, delivery, jkt, generation } = session;
    const exp = this.clock.truth() + this.access * 1000;
    const access_token = `e.${encode({ sub, sid, exp, jkt, more: Math.random() })}.s`;
    const refresh = `rt:${sid}:${generation}`;
    const body = {
      access_token,
      token_type: jkt ? "DPoP" : "Bearer",
      expires_in: this.access,
      session_id: sid,
      ...more,
    };
    if (delivery === "cookie") return { status: 200, body, cookie: refresh };
    return { status: 200, body: { ...body, refresh_token: refresh } };
  }

  #refresh(request) {
    const token = request.cookie ?? request.body.refresh_token;
    if (!token) throw refuse(401, "no_session");
    const jkt = this.#proof(request);
    const session = this.sessions.get(sidOf(token));
    const now = this.clock.truth();
    if (!session) throw refuse(401, "session_unknown");
    if (now - session.turned > this.idle * 1000) this.end(session.sid, "idle");
    if (session.ended) throw refuse(401, "session_ended", session.ended);
    if (session.jkt && !jkt) throw refuse(401, "proof_required");
    if (session.jkt && session.jkt !== jkt) throw refuse(400, "invalid_dpop_proof");
    const presented = Number(token.split(":")[2]);
    if (presented >= session.generation) {
      session.generation = presented + 1;
      session.turned = now;
    } else if (!session.jkt) {
      const retry = presented === session.generation - 1 && now - session.turned <= this.window * 1000;
      if (!retry) {
        this.end(session.sid, "reuse");
        throw refuse(401, "session_ended", session.ended);
      }
    }
    return this.#tokens(session);
  }

  #logout(request) {
    const token = request.cookie ?? request.body.refresh_token;
    if (!token) throw refuse(401, "no_session");
    const jkt = this.#proof(request);
    const session = this.sessions.get(sidOf(token));
    if (session?.jkt && session.jkt !== jkt) throw refuse(400, "invalid_dpop_proof");
    if (session) this.end(session.sid, "logout");
    return { status: 200, body: { ended: true }, cookie: request.cookie ? null : undefined };
  }

  /** Routes with an access token. */
  #called(name, request) {
    const [scheme, token] = (request.headers.authorization ?? "").split(" ");
    if (!token) throw refuse(401, "invalid_token");
    const claims = decode(token.split(".")[1]);
    const session = this.sessions.get(claims.sid);
    if (claims.jkt && (scheme !== "DPoP" || this.#proof(request, token) !== claims.jkt))
      throw refuse(401, "proof_required");
    if (claims.exp <= this.clock.truth()) throw refuse(401, "invalid_token");
    if (session.ended) throw refuse(401, "session_ended", session.ended);
    if (name === "GET /auth/me") {
      return {
        status: 200,
        body: { id: claims.sub, username: claims.sub, email: "", created_at: "2026-01-01T00:00:00Z" },
      };
    }
    if (name === "POST /auth/password/change") {
      if (request.body.old_password !== (this.passwords.get(claims.sub) ?? "right"))
        throw refuse(401, "invalid_credentials");
      this.passwords.set(claims.sub, request.body.new_password);
      for (const other of this.sessions.values())
        if (other.sub === claims.sub) this.end(other.sid, "password_changed");
      return this.#begin(claims.sub, session.delivery, session.jkt);
    }
    if (name === "DELETE /auth/sessions") {
      for (const other of this.sessions.values())
        if (other.sub === claims.sub) this.end(other.sid, "logout_everywhere");
      return { status: 200, body: { ended: 1 } };
    }
    return { status: 200, body: { sub: claims.sub, sent: request.body } };
  }

  /** The thumbprint of a good proof; undefined without one. */
  #proof({ method, path, headers }, access) {
    if (!headers.dpop) return undefined;
    const [header, claims] = headers.dpop.split(".").slice(0, 2).map(decode);
    const status = access ? 401 : 400;
    const hash = access && createHash("sha256").update(access).digest("base64url");
    const clear =
      claims.htm === method &&
      claims.htu === ISSUER + path &&
      claims.ath === hash &&
      !this.proofs.has(claims.jti);
    if (!clear || Math.abs(claims.iat * 1000 - this.clock.truth()) > 60_000)
      throw refuse(status, "invalid_dpop_proof");
    if (this.nonce && claims.nonce !== this.nonce)
      throw { ...refuse(status, "use_dpop_nonce"), headers: { "DPoP-Nonce": this.nonce } };
    this.proofs.add(claims.jti);
    return header.jwk.x;
  }
}

const sidOf = (token) => token.split(":")[1];
const refuse = (status, code, more) => ({ status, body: { code, title: code, ...more } });
