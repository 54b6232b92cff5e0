#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""More connections than the program has descriptors for: it goes on, and serves as soon as there are fewer.

    crowd.py SOCKET CONNECTIONS

A crowd that asks for something and then stays is answered to the last one, since the program ends idle connections
when it needs their descriptors.  A crowd of which half says nothing is looked at for a few seconds, and leaves; prints how soon
after that the next request was answered.
"""
import select
import sys
import time
import uuid

import http_cases
from fcgi_peer import Closed, Peer, environment

TOKEN = {"Authorization": "Bearer " + http_cases.tokens()["user"]}


def gather(path, n, silent):
    """Every one of them, or every second one, asks for something."""
    crowd = []
    for i in range(n):
        p = Peer(path, timeout=30)
        if not silent or i % 2:
            p.begin()
            p.params(1, environment("GET", "/status"))
            p.stdin(1, b"")
        crowd.append(p)
    return crowd


def answered(crowd, seconds):
    """How many have their answer by then."""
    waiting, end = {p.s: p for p in crowd}, time.monotonic() + seconds
    n = 0
    while waiting and (left := end - time.monotonic()) > 0:
        for s in select.select(list(waiting), [], [], left)[0]:
            try:
                assert waiting.pop(s).read_answer().body == b"ok"
                n += 1
            except Closed:
                pass  # had nothing to say, or could not say it in time
    return n


def leave(crowd):
    for p in crowd:
        p.close()


def main():
    path, n = sys.argv[1], int(sys.argv[2])
    crowd = gather(path, n, False)
    served = answered(crowd, 30)
    assert served == n, f"{served} of {n} were answered"
    leave(crowd)
    crowd = gather(path, n, True)
    served = answered(crowd, 3)
    leave(crowd)
    left = time.monotonic()
    with Peer(path, timeout=30) as p:
        assert p.ask("GET", "/status").body == b"ok"
        again = time.monotonic() - left
    for i in range(100):
        where = f"/api2/{http_cases.WS}/crowd/{uuid.uuid4().hex}"
        with Peer(path, timeout=30) as p:
            assert p.ask("PUT", where, b"%d" % i, TOKEN).status == 204
            assert p.ask("GET", where, headers=TOKEN).body == b"%d" % i
    print(f"crowd of {n}: all answered; with {n - n // 2} that say nothing, {served} of {n // 2} answered in 3 s, "
          f"and the next request {again * 1000:.0f} ms after they had left")


if __name__ == "__main__":
    main()
