#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Holds every connection that the program accepts: half a request on each, and a new one for each that it closes.

    hold.py SOCKET CONNECTIONS

Prints "held" when so many are connected or wait to be accepted.  Goes on until it is ended.
"""
import select
import sys

from fcgi_peer import Peer


def begun(path):
    p = Peer(path, timeout=30)
    p.begin()
    return p


def main():
    path, n = sys.argv[1], int(sys.argv[2])
    peers = {p.s: p for p in (begun(path) for _ in range(n))}
    print("held", flush=True)
    while True:
        for s in select.select(list(peers), [], [])[0]:
            peers.pop(s).close()
            p = begun(path)
            peers[p.s] = p


if __name__ == "__main__":
    main()
