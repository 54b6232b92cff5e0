#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""TERM while requests are in flight: all are answered by the program that has begun them, and what comes meanwhile
waits for the next one.

    drain.py SOCKET DATABASE-URL PROGRAM-ID PROGRAM-LOG

The database holds the requests up until the program has said that it drains.  In flight are reads, writes and
lists that wait for the database, writes whose body is half there, and a request that has been begun only.
"""
import os
import signal
import sys
import time
import uuid

import database_lock
import http_cases
from fcgi_peer import Peer, environment, pairs, record, stream, BEGIN, PARAMS

TOKEN = {"Authorization": "Bearer " + http_cases.tokens()["user"]}
OF_EACH = 16
VALUE = b"0123456789" * 100


def uri():
    return f"/api2/{http_cases.WS}/drain/{uuid.uuid4().hex}"


def kept(path):
    """A connection that the program has taken already."""
    p = Peer(path, timeout=30)
    assert p.ask("GET", "/status").body == b"ok"
    return p


def begin(p, method, where, body=None):
    p.begin()
    p.params(1, environment(method, where, None if body is None else len(body), TOKEN))


def waiting(path, method, where, body=None):
    p = kept(path)
    begin(p, method, where, body)
    p.stdin(1, body or b"")
    return p


def half(path, where):
    p = kept(path)
    begin(p, "PUT", where, VALUE)
    p.stdin(1, VALUE[:300], end=False)
    return p


def only_begun(path, where):
    p = kept(path)
    p.send(record(BEGIN, 1, b"\0\1\1\0\0\0\0\0") + stream(PARAMS, 1, pairs(environment("GET", where, None, TOKEN)))[:20])
    return p


def rest_of_begun(p, where):
    p.send(stream(PARAMS, 1, pairs(environment("GET", where, None, TOKEN)))[20:])
    p.stdin(1, b"")


def until(condition, what):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def is_draining(log):
    with open(log, "rb") as f:
        return b'msg="shutting down: finishing requests"' in f.read()


def main():
    path, database, program, log = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    flight, halves, written = [], [], []
    idle = [kept(path) for _ in range(OF_EACH)]
    with database_lock.Lock(database):
        for _ in range(OF_EACH):
            written.append(uri())
            flight.append((waiting(path, "PUT", written[-1], VALUE), 204))
            flight.append((waiting(path, "GET", uri()), 404))
            flight.append((waiting(path, "DELETE", uri()), 404))
            flight.append((waiting(path, "GET", f"/api2/{http_cases.WS}/drain"), 200))
            written.append(uri())
            halves.append(half(path, written[-1]))
        begun = only_begun(path, written[0])
        os.kill(program, signal.SIGTERM)
        until(lambda: is_draining(log), "the program does not say that it drains")
        assert all(p.closed() for p in idle), "an idle connection is not closed"
        late = Peer(path, timeout=30)
        begin(late, "GET", "/livez")
        late.stdin(1, b"")
        for p in halves:
            p.stdin(1, VALUE[300:])
        rest_of_begun(begun, written[0])
        os.kill(program, 0)  # it waits for what is in flight
    flight += [(p, 204) for p in halves] + [(begun, 200)]
    for p, expected in flight:
        got = p.read_answer().status
        assert got in ((200, 404) if p is begun else (expected,)), (got, expected)
        assert p.closed(), "a connection stays open"
    assert late.read_answer().body == b"ok", "what came later was not answered"
    with Peer(path, timeout=30) as p:
        for where in written:
            assert p.ask("GET", where, headers=TOKEN).body == VALUE, "a write is lost"
    print(f"drained: {len(flight)} requests in flight, all answered; 1 that came later by the next program")


if __name__ == "__main__":
    main()
