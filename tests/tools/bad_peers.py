#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Peers on the program's socket that say nothing, are slow, leave in the middle, or never leave, while other clients work.

    bad_peers.py SOCKET ROUNDS

The program needs a request timeout of few seconds.  Nothing of what was half sent may be stored, what was slow but
whole has to be, and half a request has to be ended by the program.  Prints what it did.
"""
import collections
import socket
import struct
import sys
import time
import uuid

import http_cases
from fcgi_peer import (BEGIN, PARAMS, STDIN, Closed, Peer, environment, pairs, record,
                       stream)

TOKEN = {"Authorization": "Bearer " + http_cases.tokens()["user"]}
VALUE = b"a value of some length " * 1000
PATH = ""


def uri():
    return f"/api2/{http_cases.WS}/bad-peers/{uuid.uuid4().hex}"


def bytes_of_put(where):
    return (record(BEGIN, 1, struct.pack("!HB5x", 1, 1)) +
            stream(PARAMS, 1, pairs(environment("PUT", where, len(VALUE), TOKEN))) + stream(STDIN, 1, VALUE))


def cut_at(share):
    def peer(p, where):
        whole = bytes_of_put(where)
        p.send(whole[:int(len(whole) * share)])
    return peer


def without_end(p, where):
    p.send(bytes_of_put(where)[:-8])


def aborted(p, where):
    p.send(bytes_of_put(where)[:-2000])
    p.abort()


def ended_early(p, where):
    p.begin()
    p.params(1, environment("PUT", where, len(VALUE), TOKEN))
    p.stdin(1, VALUE[:-1])


# Whoever is still there holds on until the end of the round; then it is for the program to have ended them.
HALF = {"half a record's head": lambda p, where: p.send(bytes_of_put(where)[:5]),
        "half the variables": lambda p, where: p.send(bytes_of_put(where)[:150]),
        "half the body": cut_at(0.5), "no end of the body": without_end}
OTHER = {"aborted": aborted, "body too short": ended_early}


def reset(p):
    p.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def stored(where):
    with Peer(PATH) as p:
        answer = p.ask("GET", where, headers=TOKEN)
    assert answer.status in (200, 404), answer.status
    return answer.body if answer.status == 200 else None


def never_reading(where):
    """Asks for far more than a socket holds, and takes none of it."""
    p = Peer(PATH)
    p.send(b"".join(record(BEGIN, 1, struct.pack("!HB5x", 1, 1)) +
                    stream(PARAMS, 1, pairs(environment("GET", where, None, TOKEN))) + record(STDIN, 1)
                    for _ in range(4)))
    return p


def slowly(peers):
    """Whole requests, in small pieces, all together taking longer than the request timeout."""
    whole = [(p, bytes_of_put(where)) for p, where in peers]
    size = max(len(data) for _, data in whole) // 30 + 1
    for i in range(30):
        for p, data in whole:
            p.send(data[i * size:(i + 1) * size])
        time.sleep(0.1)
    for p, where in peers:
        assert p.read_answer().status == 204, "a slow write failed"
        assert stored(where) == VALUE, "a slow write is not what was sent"


def play_round(large, count):
    half, lost = [], []
    silent = [Peer(PATH) for _ in range(20)]
    unread = [never_reading(large) for _ in range(5)]
    for name, send in {**HALF, **OTHER}.items():
        for n in range(10):
            p, where = Peer(PATH), uri()
            send(p, where)
            count[name] += 1
            lost.append(where)
            if n % 2 or name in OTHER:
                if n % 4 == 1:
                    reset(p)
                p.close()
            else:
                half.append(p)
    slow = [(Peer(PATH), uri()) for _ in range(10)]
    slowly(slow)
    count["slow"] += len(slow)
    for p in half:
        try:
            while True:
                assert p.read_answer().status >= 400, "half a request was carried out"
        except (Closed, ConnectionResetError):
            pass
    assert all(stored(where) is None for where in lost), "half a value was stored"
    for p in silent:  # never had to leave, and can still ask
        assert p.ask("GET", "/status").body == b"ok"
        p.close()
    for p in unread:
        p.close()
    count["silent"] += len(silent)
    count["never reading"] += len(unread)


def main():
    global PATH  # pylint: disable=global-statement
    PATH = sys.argv[1]
    count, large = collections.Counter(), uri()
    stay = []
    with Peer(PATH) as p:
        assert p.ask("PUT", large, b"x" * 2_000_000, TOKEN).status == 204
    for _ in range(30):
        stay.append(Peer(PATH))
        assert stay[-1].ask("GET", "/status").body == b"ok"
    for _ in range(int(sys.argv[2])):
        play_round(large, count)
    for p in stay:
        assert p.ask("GET", "/livez").body == b"ok"
    count["never closing"] = len(stay)
    print("peers:", ", ".join(f"{n} {what}" for what, n in count.items()))


if __name__ == "__main__":
    main()
