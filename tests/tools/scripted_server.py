#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""An HTTP server that answers one request after the other as it is told, for tests of clients.

    scripted_server.py PORT-FILE LOG WORD …

Each WORD is for one request; the last one is for all that follow:

    200:TEXT        an answer, after which the connection is closed (TEXT may be left out)
    keep:200:TEXT   the same, but the connection is kept
    value:TEXT      200 as a value has it
    close           the connection is closed without an answer
    cut             an answer breaks off in the middle
    slow:200:TEXT   after a tenth of a second
    wait            nothing is answered until the client goes away
    to:URL          a redirect

The port is written to PORT-FILE, and to LOG a line for each request: "connection METHOD PATH".
Python standard library only.
"""
import itertools
import os
import socket
import sys
import threading
import time


def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    while len(body) < int(fields.get("content-length", 0)):
        body += connection.recv(65536)
    return lines[0].rsplit(" ", 1)[0]


def answer(status, text, *fields):
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(text)}", *fields, "", text]
    return "\r\n".join(lines).encode()


def serve(connection, word):
    """Whether the connection is kept."""
    kind, _, text = word.partition(":")
    if kind == "slow":
        time.sleep(0.1)
        kind, _, text = text.partition(":")
    if kind == "keep":
        status, _, text = text.partition(":")
        connection.sendall(answer(status, text))
        return True
    if kind == "value":
        connection.sendall(answer(200, text, "Content-Type: application/octet-stream", "Connection: close"))
    elif kind == "to":
        connection.sendall(answer(307, "", "Location: " + text, "Connection: close"))
    elif kind == "cut":
        connection.sendall(answer(200, "x" * 100, "Content-Type: application/octet-stream")[:-90])
    elif kind == "wait":
        connection.recv(1)
    elif kind != "close":
        connection.sendall(answer(kind, text, "Connection: close"))
    return False


def converse(connection, number, lines, words):
    with connection:
        try:
            while (request := read_request(connection)) is not None:
                lines.write(f"{number} {request}\n")
                word = words.pop(0) if len(words) > 1 else words[0]
                if not serve(connection, word):
                    break
        except OSError:
            pass


def main():
    port_file, log, *words = sys.argv[1:]
    listener = socket.create_server(("127.0.0.1", 0))
    with open(log, "w", encoding="utf-8", buffering=1) as lines:
        with open(port_file + ".new", "w", encoding="utf-8") as f:
            f.write(str(listener.getsockname()[1]))
        os.rename(port_file + ".new", port_file)
        for number in itertools.count(1):
            connection, _ = listener.accept()
            # A thread for each: a connection that is kept must not keep others waiting.
            threading.Thread(target=converse, args=(connection, number, lines, words), daemon=True).start()


if __name__ == "__main__":
    main()
