#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""A password with a special character in the middle, in every form of a connection string: no piece of it is told.

    string_canary.py DIRECTORY

DIRECTORY has hulykvs and hulykvs-migrate.  Each string is given to --check-config, --print-config, to a service that
starts and finds no database, to a probe (/readyz on the operators' address, in CGI) and to hulykvs-migrate.  Prints
how many strings were refused and taken, and each output that has a piece of the password; ends with 1 if there is one.
Python standard library only.
"""
import concurrent.futures
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

LEFT, RIGHT = "canaryleft", "canaryright"
SPECIAL = list("/?#@:%&=+;,[]{}()<>|\\\"'`^~!$* ") + ["\t", "%zz", "%2", "://", "@@", "''", "\\'", "é"]
FORMS = [
    "postgresql://role:{}@127.0.0.1:1/db",
    "postgres://role:{}@127.0.0.1:1,127.0.0.1:2/db?connect_timeout=2",
    "postgresql://127.0.0.1:1/db?user=role&password={}",
    "postgresql://role@127.0.0.1:1/db?password={}&connect_timeout=2",
    "host=127.0.0.1 port=1 user=role password={} dbname=db",
    "host=127.0.0.1 port=1 user=role dbname=db password='{}'",
    "host=127.0.0.1 port=1 user=role dbname=db password={}",
]
PROGRAM = MIGRATE = DIRECTORY = ""


def run(text, *words, **more):
    environment = {"HULY_DB_CONNECTION": text, "HULY_REQUEST_TIMEOUT": "2", "HULY_LOG_LEVEL": "debug", **more}
    done = subprocess.run(words, env=environment, cwd=DIRECTORY, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def service(text):
    """What a service says until it has found no database, and until it ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        program = subprocess.Popen([PROGRAM], env={"HULY_DB_CONNECTION": text, "HULY_LOG_LEVEL": "debug"}, cwd=DIRECTORY,
                                   stdin=listener, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said, end = b"", time.monotonic() + 30
    while b"database unavailable" not in said and time.monotonic() < end:
        if select.select([program.stderr], [], [], 1)[0]:
            piece = os.read(program.stderr.fileno(), 65536)
            if not piece:
                break
            said += piece
    if program.poll() is None:
        program.send_signal(signal.SIGTERM)
    said += program.communicate(timeout=30)[1]
    return program.returncode, said.decode("utf-8", "replace")


def try_string(text):
    """Whether it was taken, and what was said, by what was run."""
    outputs = {"--check-config": run(text, PROGRAM, "--check-config"), "--print-config": run(text, PROGRAM, "--print-config"),
               "migrate": run(text, MIGRATE, "status"), "migrate up": run(text, MIGRATE, "--wait", "0"),
               "start": service(text),
               "probe": run(text, PROGRAM, GATEWAY_INTERFACE="CGI/1.1", SERVER_PROTOCOL="HTTP/1.1", REQUEST_METHOD="GET",
                            REQUEST_URI="/readyz?verbose", HULYKVS_OPERATOR="1")}
    return outputs["--check-config"][0] == 0, outputs


def main():
    global PROGRAM, MIGRATE, DIRECTORY
    PROGRAM, MIGRATE = (os.path.abspath(os.path.join(sys.argv[1], name)) for name in ("hulykvs", "hulykvs-migrate"))
    strings = [form.format(LEFT + special + RIGHT) for form in FORMS for special in SPECIAL]
    taken, told = 0, 0
    with tempfile.TemporaryDirectory() as DIRECTORY, concurrent.futures.ThreadPoolExecutor(24) as pool:
        for text, (ok, outputs) in zip(strings, pool.map(try_string, strings)):
            taken += ok
            for name, (code, output) in outputs.items():
                if LEFT in output or RIGHT in output:
                    told += 1
                    print(f"TOLD by {name} ({code}) for {text!r}: {output}")
                if ok and name == "start" and "database unavailable" not in output:
                    told += 1
                    print(f"no outage told for {text!r}: {code} {output}")
    print(f"strings={len(strings)} refused={len(strings) - taken} taken={taken} told={told}")
    return told > 0 or taken == 0 or taken == len(strings)


if __name__ == "__main__":
    sys.exit(main())
