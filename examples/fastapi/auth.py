"""Access tokens of a Relatch server, checked with its public keys alone: dependencies for FastAPI."""

import json
import threading
import time
import urllib.request

import jwt
from fastapi import Depends, HTTPException, Request

ALGORITHMS = ["EdDSA", "ES256", "RS256"]
LONGEST = 8 * 1024
CLAIMS = ["iss", "sub", "aud", "client_id", "exp", "iat", "jti"]


class Keys:
    """The issuer's keys: kept for five minutes, and asked for again when a token names an unknown one, every ten seconds at most."""

    def __init__(self, issuer: str, fresh: float = 300, pause: float = 10):
        self.url = f"{issuer}/.well-known/jwks.json"
        self.fresh, self.pause = fresh, pause
        self.keys: dict[str, jwt.PyJWK] = {}
        self.fetched, self.asked = None, None
        self.lock = threading.Lock()

    def find(self, kid: str) -> jwt.PyJWK | None:
        with self.lock:
            now = time.monotonic()
            old = self.fetched is None or now - self.fetched > self.fresh
            if (old or kid not in self.keys) and (self.asked is None or now - self.asked > self.pause):
                self.asked = now
                self.fetch(now)
            if self.fetched is None:
                raise OSError("there are no keys yet")
            return self.keys.get(kid)

    def fetch(self, now: float) -> None:
        try:
            with urllib.request.urlopen(self.url, timeout=5) as answer:
                found = json.loads(answer.read(512 * 1024))["keys"]
            self.keys = {key["kid"]: jwt.PyJWK(key) for key in found}
            self.fetched = now
        except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError):
            # The keys of before go on while the issuer is away.
            pass


class Authenticate:
    """Lets in requests with a good access token of `issuer` for `audience`; what it gives are the claims."""

    def __init__(self, issuer: str, audience: str):
        self.issuer, self.audience = issuer, audience
        self.keys = Keys(issuer)

    def __call__(self, request: Request) -> dict:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise refusal(401, "Bearer")
        try:
            return self.check(token.strip())
        except jwt.PyJWTError as error:
            raise refusal(401, 'Bearer error="invalid_token"') from error
        except OSError as error:
            # That keys cannot be had is no fault of the caller's.
            raise refusal(503) from error

    def check(self, token: str) -> dict:
        if len(token) > LONGEST:
            raise jwt.InvalidTokenError("too long")
        header = jwt.get_unverified_header(token)
        typ, kid = header.get("typ"), header.get("kid")
        if not isinstance(typ, str) or typ.lower() not in ("at+jwt", "application/at+jwt"):
            raise jwt.InvalidTokenError("no access token")
        key = self.keys.find(kid) if isinstance(kid, str) and "crit" not in header else None
        if key is None or header.get("alg") not in ALGORITHMS:
            raise jwt.InvalidTokenError("no key for it")
        claims = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            issuer=self.issuer,
            audience=self.audience,
            leeway=5,
            options={"require": CLAIMS},
        )
        # A token that is bound to a key is worth nothing without a proof of that key, which nobody here looks at.
        if "cnf" in claims:
            raise jwt.InvalidTokenError("bound to a key")
        return claims


def permit(authenticate: Authenticate, permission: str):
    """The claims of a caller who has this permission, `resource:action`, or `resource:*`."""
    resource = permission.partition(":")[0]

    def check(claims: dict = Depends(authenticate)) -> dict:
        held = claims.get("permissions")
        if not isinstance(held, list):
            held = []
        if permission in held or f"{resource}:*" in held:
            return claims
        raise refusal(403, f'Bearer error="insufficient_scope", scope="{permission}"')

    return check


def refusal(status: int, challenge: str | None = None) -> HTTPException:
    headers = {"WWW-Authenticate": challenge} if challenge else None
    return HTTPException(status, headers=headers)
