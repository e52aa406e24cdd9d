"""Starts a server with an empty database and lets Schemathesis send it what openapi.json allows, and what it does not."""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

SETTINGS = """
[server]
listen = "127.0.0.1:0"
[attempts]
enabled = false
[password]
allow_weak = true
memory = "1 MiB"
passes = 1
"""

NAME, PASSWORD = "root", "a password of the drill"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--json")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "relatch.toml").write_text(SETTINGS)
        place = ["--config", f"{folder}/relatch.toml", "--data", f"{folder}/data"]
        log = open(Path(folder) / "log", "wb")
        server = subprocess.Popen([told.server, "serve", *place], stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            address = next(filter(None, map(listening, server.stdout)))
            # More than one, for some orders are about whoever gives them.
            for name in (NAME, "spare"):
                create = [told.server, "admin", "create", name, "--email", f"{name}@example.com", *place]
                subprocess.run(create, input=PASSWORD, text=True, check=True, stdout=subprocess.DEVNULL)
            add = [told.server, "resource-server", "add", "drill", "--json", *place]
            added = json.loads(subprocess.run(add, check=True, stdout=subprocess.PIPE).stdout)
            code, cases = attack(address, f"drill:{added['credential']}", told.cases, folder)
        finally:
            server.terminate()
            server.wait()
        faults = faults_in((Path(folder) / "log").read_text())
    for line in faults:
        print("in the log:", line)
    passed = code == 0 and not faults and cases >= told.cases
    print(f"{cases} cases, {'no finding' if passed else 'FAILED'}")
    if told.json:
        Path(told.json).write_text(json.dumps({"cases": cases, "passed": passed}) + "\n")
    sys.exit(0 if passed else 1)


def listening(line):
    found = re.search(r"listening on (http://\S+)", line)
    return found and found.group(1)


def attack(address, service, cases, folder):
    environment = {
        **os.environ,
        "RELATCH_ADDRESS": address,
        "RELATCH_NAME": NAME,
        "RELATCH_PASSWORD": PASSWORD,
        "RELATCH_SERVICE": service,
        "SCHEMATHESIS_HOOKS": str(HERE / "login.py"),
    }
    schemathesis = Path(sys.executable).parent / "schemathesis"
    command = [schemathesis, "--config-file", HERE / "schemathesis.toml", "run", f"{address}/openapi.json"]
    # A stream of events has no end, and the snapshot is a token and no JSON: neither can be a case.
    command += ["--exclude-path", "/revocations", "--exclude-path", "/revocations/snapshot"]
    command += ["--continue-on-failure", "--request-timeout", "10"]
    # An `Authorization` that is none at all is 400 by RFC 6750 §3.1, which that check does not know.
    command += ["--checks", "all", "--exclude-checks", "ignored_auth", "--max-examples", str(max(1, cases // 30))]
    command += ["--report", "ndjson", "--report-dir", folder]
    with subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True) as run:
        told = ""
        for line in run.stdout:
            print(line, end="")
            told += line
    found = re.search(r"(\d+) generated", told.replace(",", ""))
    return run.returncode, int(found.group(1)) if found else 0


def faults_in(log):
    lines = log.splitlines()
    return [line for line in lines if '"level":"ERROR"' in line or "panic" in line]


main()
