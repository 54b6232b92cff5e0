# SPDX-License-Identifier: EPL-2.0
"""Orders to pg_proxy.py and cockroachdb_simulator.py over their control sockets.

    control.py SOCKET JSON    sends one order, and prints the answer
"""
import json
import socket
import sys


class Control:
    """One order at a time; the answer is what JSON says."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rwb")

    def order(self, **order):
        self.file.write(json.dumps(order).encode() + b"\n")
        self.file.flush()
        return json.loads(self.file.readline())


if __name__ == "__main__":
    print(json.dumps(Control(sys.argv[1]).order(**json.loads(sys.argv[2]))))
