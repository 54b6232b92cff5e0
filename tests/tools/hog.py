#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Takes every connection that PostgreSQL allows, until it is killed.

    hog.py POSTGRESQL-SOCKET

Says "full" when there are no more, and goes on trying.  Python standard library only.
"""
import socket
import struct
import sys
import time


def main(path):
    parameters = b"user\0postgres\0database\0postgres\0\0"
    held, said = [], False
    while True:
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        s.sendall(struct.pack("!II", len(parameters) + 8, 196608) + parameters)
        if s.recv(1) == b"R":
            held.append(s)
            continue
        s.close()
        if not said:
            print("full", len(held), flush=True)
            said = True
        time.sleep(0.01)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
