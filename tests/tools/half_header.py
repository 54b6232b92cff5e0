#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Begins a request header and goes on with a byte every tenth of a second (trickle), or with none (silent).

    half_header.py HOST PORT (trickle | silent)

Ends with 0 when the server closes the connection or answers, with 1 when it has not after 30 seconds.
Python standard library only.
"""
import select
import socket
import sys
import time


def main():
    s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
    s.sendall(b"GET /status HTTP/1.1\r\nHost: x\r\nX-Long: ")
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if select.select([s], [], [], 0.1)[0]:
            return 0
        if sys.argv[3] == "trickle":
            try:
                s.send(b"x")
            except OSError:
                return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
