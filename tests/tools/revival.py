#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""How long the service does not answer after a kill -9 of the program.

    revival.py SOCKET SUPERVISOR-ID KILLS

Prints, for each kill, how long the next request on the socket waited for its answer.
"""
import os
import signal
import sys
import time

from fcgi_peer import Closed, Peer


def program_of(supervisor):
    """Its child that listens on fd 0; none while it rests."""
    with open(f"/proc/{supervisor}/task/{supervisor}/children", encoding="ascii") as f:
        for pid in f.read().split():
            try:
                if os.path.basename(os.readlink(f"/proc/{pid}/exe")).startswith("hulykvs"):
                    return int(pid)
            except OSError:
                pass
    return None


def serves(path):
    try:
        with Peer(path, timeout=30) as p:
            return p.ask("GET", "/livez").body == b"ok"
    except (Closed, ConnectionError):
        return False


def main():
    path, supervisor, took = sys.argv[1], int(sys.argv[2]), []
    for _ in range(int(sys.argv[3])):
        pid, began = program_of(supervisor), time.monotonic()
        os.kill(pid, signal.SIGKILL)
        while not serves(path):
            assert time.monotonic() - began < 30, "the program does not come back"
        took.append(time.monotonic() - began)
        assert program_of(supervisor) not in (None, pid), "another answered"
    print("answered again after a kill -9 in", ", ".join(f"{t * 1000:.0f}" for t in took), "ms")


if __name__ == "__main__":
    main()
