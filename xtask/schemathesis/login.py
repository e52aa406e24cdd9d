"""Gives each route of the drill the credential that it wants, and reads the answers that are no JSON."""

import base64
import json
import os
import urllib.request

import schemathesis

ADDRESS = os.environ["RELATCH_ADDRESS"]
NAME, PASSWORD = os.environ["RELATCH_NAME"], os.environ["RELATCH_PASSWORD"]
SERVICE = base64.b64encode(os.environ["RELATCH_SERVICE"].encode()).decode()

# Routes of resource servers.
SERVICES = ("/introspect", "/revocations/snapshot")
# Routes of a refresh token, which may come in the body, too.
TURNING = ("/auth/refresh", "/auth/logout")


@schemathesis.auth(refresh_interval=1)
class Login:
    def get(self, case, context):
        body = json.dumps({"username": NAME, "password": PASSWORD}).encode()
        request = urllib.request.Request(ADDRESS + "/auth/login", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def set(self, case, tokens, context):
        # No generator makes a proof of possession that is one.
        case.headers.pop("DPoP", None)
        path = case.operation.path
        if path in SERVICES:
            case.headers["Authorization"] = "Basic " + SERVICE
        elif path not in TURNING:
            case.headers["Authorization"] = "Bearer " + tokens["access_token"]
        elif not isinstance(case.body, dict) or "refresh_token" not in case.body:
            case.headers["Authorization"] = "Bearer " + tokens["refresh_token"]


@schemathesis.deserializer("application/jwt", "application/token-introspection+jwt")
def text(context, response):
    return response.text
