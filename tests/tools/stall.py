#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""A wire in front of PostgreSQL on which a write can get stuck, and go on when nobody waits for it any more.

    stall.py SOCKET SERVER-SOCKET DIRECTORY

Everything passes, but what the program sends with the word "stall-N-" in it is kept: then DIRECTORY/stalled.N is
made.  It goes on to the server when DIRECTORY/release.N is there, whether the program is still connected or not, and
DIRECTORY/ended.N is made when the server has answered.  Python standard library only.
"""
import os
import re
import socket
import sys
import threading
import time

WORD = re.compile(rb"stall-(\d+)-")
ANSWER_TIME = 30


class Wire:
    def __init__(self, client, server, directory):
        self.client, self.server, self.directory = client, server, directory
        self.answered = threading.Event()

    def make(self, name):
        with open(os.path.join(self.directory, name), "w", encoding="ascii"):
            pass

    def hold(self, number):
        self.make(f"stalled.{number}")
        while not os.path.exists(os.path.join(self.directory, f"release.{number}")):
            time.sleep(0.01)

    def to_server(self):
        number = None
        while data := self.receive(self.client):
            found = WORD.search(data)
            if found:
                number = found[1].decode()
                self.hold(number)
                self.answered.clear()
            self.server.sendall(data)
            if found:
                self.answered.wait(ANSWER_TIME)
                self.make(f"ended.{number}")
        try:
            self.server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def to_client(self):
        while data := self.receive(self.server):
            self.answered.set()
            try:
                self.client.sendall(data)
            except OSError:
                pass  # the program has left; the server shall not know
        self.answered.set()
        self.client.close()

    @staticmethod
    def receive(end):
        try:
            return end.recv(1 << 20)
        except OSError:
            return b""


def main():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    os.chmod(sys.argv[1], 0o777)
    listener.listen(64)
    while True:
        client, _ = listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(sys.argv[2])
        wire = Wire(client, server, sys.argv[3])
        for pump in (wire.to_server, wire.to_client):
            threading.Thread(target=pump, daemon=True).start()


if __name__ == "__main__":
    main()
