#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Hosts that are no database.

    silent_hosts.py         two: the first takes connections and says nothing, the second closes them at once; prints
                            their ports on one line
    silent_hosts.py SOCKET  one that takes connections and says nothing, at a Unix socket

Serves until it is ended.  Python standard library only.
"""
import socket
import sys
import time


def main():
    if len(sys.argv) > 1:
        silent = socket.socket(socket.AF_UNIX)
        silent.bind(sys.argv[1])
        silent.listen(1000)
        while True:
            time.sleep(1000)
    silent, closing = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    print(silent.getsockname()[1], closing.getsockname()[1], flush=True)
    while True:
        closing.accept()[0].close()


if __name__ == "__main__":
    main()
