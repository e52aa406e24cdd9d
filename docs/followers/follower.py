"""Follows the revocations of a Relatch server: Python 3.9 or later, standard library. The format is in ../revocation-feed.md.

Python's library cannot check Ed25519, so the snapshot is taken on the word of the connection: use https. To check its
signature as well, give the compact JWS to PyJWT or joserfc, with the issuer's keys, where `_snapshot` reads it.
"""
import base64, json, random, threading, time, urllib.request

QUIET = 10  # Heartbeats come every 2 seconds: after 10 without any, the connection is made anew.


class Revocations:
    def __init__(self, url, credential=None, issuer=None):
        self.url, self.issuer = url, issuer or url
        self.headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        self.ended, self.through, self.keys = {}, {}, {}
        self.last, self.heard, self.lock = None, float("-inf"), threading.Lock()

    def refuses(self, claims, kid=None):
        """Whether a token with a good signature by the key `kid` is refused all the same."""
        now, sid, gen = time.time(), claims.get("sid"), claims.get("gen")
        with self.lock:
            through, until = self.through.get(sid, (-1, 0))
            older = now < until and (gen is None or gen <= through)
            return older or now < self.ended.get(sid, 0) or now < self.keys.get(kid, 0)

    def stale_for(self):
        """For how many seconds nothing was heard. What follows from that is yours to say: 10 and more is stale."""
        return max(0, time.time() - self.heard)

    def follow(self, failed=lambda error: None):
        """Goes on for ever, in a thread of yours; tells `failed` why a connection ended."""
        pause = 0.5
        while True:
            before = self.heard
            try:
                self._connect()
            except Exception as error:
                failed(error)
            pause = 0.5 if self.heard > before else min(pause * 2, 30)
            time.sleep(random.uniform(0, pause))

    def _get(self, path, headers={}):
        return urllib.request.urlopen(urllib.request.Request(self.url + path, headers={**self.headers, **headers}), timeout=QUIET)

    def _connect(self):
        event = {}
        with self._get("/revocations", {"Last-Event-ID": self.last} if self.last else {}) as stream:
            for line in stream:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    event[name] = value
                elif event:
                    self._take(event)
                    event = {}

    def _take(self, event):
        if event.get("event") == "reset":
            return self._snapshot()
        if event.get("event") == "revoked":
            self._add(json.loads(event["data"]))
        if event.get("event") == "heartbeat":
            self.heard = max(self.heard, json.loads(event["data"])["at"])
        self.last = event.get("id") or self.last

    def _add(self, entry):
        now, exp, sid = time.time(), entry["exp"], entry.get("sid")
        with self.lock:
            if "kid" in entry:
                self.keys[entry["kid"]] = max(exp, self.keys.get(entry["kid"], 0))
            elif "gen" in entry:
                gen, end = self.through.get(sid, (-1, 0))
                self.through[sid] = (max(gen, entry["gen"]), max(end, exp))
            elif sid:
                self.ended[sid] = max(exp, self.ended.get(sid, 0))
            self.ended, self.keys = [{k: end for k, end in d.items() if now < end} for d in (self.ended, self.keys)]
            self.through = {k: (gen, end) for k, (gen, end) in self.through.items() if now < end}

    def _snapshot(self):
        with self._get("/revocations/snapshot") as answer:
            head, body = [json.loads(base64.urlsafe_b64decode(part + b"==")) for part in answer.read().split(b".")[:2]]
        if head["typ"] != "relatch-revocations+jwt" or body["iss"] != self.issuer or time.time() >= body["exp"]:
            raise ValueError("no good snapshot")
        for entry in body["revoked"]:
            self._add(entry)
        self.last = body["last"]
