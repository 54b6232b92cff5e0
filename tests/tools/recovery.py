#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""How soon the service works again after the database does.

    recovery.py BASE-URL POSTGRESQL-SOCKET

Started while the database is away.  Tries to log in to the database, to write and to read through the service,
each every few milliseconds, and prints how many milliseconds after the first login the first write and the
first read succeeded.  Python standard library only.
"""
import socket
import struct
import sys
import threading
import time

import http1

PATIENCE = 60


def logs_in(path):
    """Whether the database takes a session: its answer begins with AuthenticationOk, not with an error."""
    parameters = b"user\0postgres\0database\0postgres\0\0"
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        try:
            s.connect(path)
            s.sendall(struct.pack("!II", len(parameters) + 8, 196608) + parameters)
            return s.recv(1) == b"R"
        except OSError:
            return False


def succeeds(connection, method):
    body = b"x" if method == "PUT" else None
    try:
        return connection.ask(method, f"/api2/{http1.WS}/recovery/key", body).status in (200, 204, 404)
    except (http1.NotAsked, http1.NoAnswer):
        return False


def until(trial, *args):
    deadline = time.monotonic() + PATIENCE
    while not trial(*args):
        if time.monotonic() > deadline:
            raise SystemExit("it does not recover")
        time.sleep(0.005)
    return time.monotonic()


def main(base, path):
    when = {}

    def watch(what, *trial):
        when[what] = until(*trial)

    watchers = [threading.Thread(target=watch, args=("database", logs_in, path))]
    for method in ("PUT", "GET"):
        watchers.append(threading.Thread(target=watch, args=(method, succeeds, http1.Connection(base, http1.token()), method)))
    for w in watchers:
        w.start()
    for w in watchers:
        w.join()
    if len(when) < 3:
        return 1
    after = {what: max(0, round(1000 * (when[what] - when["database"]))) for what in ("PUT", "GET")}
    print(f"first write after {after['PUT']} ms, first read after {after['GET']} ms")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
