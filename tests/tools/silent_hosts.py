#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Two hosts that are no database: the first takes connections and says nothing, the second closes them at once.

    silent_hosts.py

Prints their ports on one line, and serves until it is ended.  Python standard library only.
"""
import socket


def main():
    silent, closing = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    print(silent.getsockname()[1], closing.getsockname()[1], flush=True)
    while True:
        closing.accept()[0].close()


if __name__ == "__main__":
    main()
