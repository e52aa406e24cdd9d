"""A notes API that knows nothing of tokens: who calls, nginx says in a header."""

import itertools
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

notes: dict[int, dict] = {}
ids = itertools.count(1)


class Notes(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        user = self.headers["X-Auth-User"]
        self.answer(200, [{"id": id, "text": note["text"]} for id, note in notes.items() if note["owner"] == user])

    def do_POST(self):
        draft = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        note = {"text": draft["text"], "owner": self.headers["X-Auth-User"]}
        id = next(ids)
        notes[id] = note
        self.answer(201, {"id": id, "text": note["text"]})

    def do_DELETE(self):
        id = int(self.path.rpartition("/")[2])
        # Somebody else's note is not there.
        if notes.get(id, {}).get("owner") != self.headers["X-Auth-User"]:
            return self.answer(404, {"status": 404})
        del notes[id]
        self.answer(204)

    def answer(self, status, body=None):
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


port = int(os.environ.get("PORT", "3003"))
server = ThreadingHTTPServer(("127.0.0.1", port), Notes)
print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
