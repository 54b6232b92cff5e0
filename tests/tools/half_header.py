#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Begins a request header and goes on with a byte now and then (trickle), or with none (silent).

    half_header.py HOST PORT (trickle | silent)
        A byte every tenth of a second.  Ends with 0 when the server closes the connection or answers, with 1 when it
        has not after 30 seconds.
    half_header.py HOST PORT crowd N SECONDS
        N clients from 127.0.0.1, a byte every four seconds each, and one from 127.0.0.2 that asks for /status each
        second.  Prints how many of the N are still connected and how many of the requests were answered within two
        seconds; ends with 0 where the last request was.

Python standard library only.
"""
import resource
import select
import socket
import sys
import time

HEAD = b"GET /status HTTP/1.1\r\nHost: x\r\nX-Long: "


def alone(address, kind):
    s = socket.create_connection(address)
    s.sendall(HEAD)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if select.select([s], [], [], 0.1)[0]:
            return 0
        if kind == "trickle":
            try:
                s.send(b"x")
            except OSError:
                return 0
    return 1


def is_answered(address):
    try:
        with socket.create_connection(address, 2, ("127.0.0.2", 0)) as s:
            s.sendall(b"GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return s.recv(100).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def goes_on(s):
    """Sends a byte; false: the server has closed the connection."""
    try:
        if select_read(s):
            return False
        s.send(b"x")
        return True
    except OSError:
        return False


def select_read(s):
    poll = select.poll()
    poll.register(s, select.POLLIN)
    return bool(poll.poll(0))


def begin(address):
    s = socket.socket()
    s.settimeout(2)
    try:
        s.connect(address)
        s.sendall(HEAD)
    except OSError:
        s.close()
        return None
    return s


def crowd(address, n, seconds):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients = [s for s in (begin(address) for _ in range(n)) if s]
    answers = []
    for second in range(seconds):
        due = time.monotonic() + 1
        clients = [s for i, s in enumerate(clients) if i % 4 != second % 4 or goes_on(s)]
        answers.append(is_answered(address))
        time.sleep(max(0, due - time.monotonic()))
    print(f"clients={n} connected={len(clients)} requests={len(answers)} answered={sum(answers)}", flush=True)
    return not answers[-1]


def main():
    address = (sys.argv[1], int(sys.argv[2]))
    if sys.argv[3] == "crowd":
        return crowd(address, int(sys.argv[4]), int(sys.argv[5]))
    return alone(address, sys.argv[3])


if __name__ == "__main__":
    sys.exit(main())
