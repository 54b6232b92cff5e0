#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Two FastCGI programs behind one web server; one of them carries requests out and then ends without an answer.

    upstream.py BASE-URL DYING-SOCKET SOUND-SOCKET ROUNDS [LOCATION ...]

Each request has a URI of its own, and is counted by whoever gets it whole.  A write has to be counted once at most,
whatever becomes of its answer; a read has to be answered.  Some have a key that the web server decodes to the path of
such a LOCATION of its configuration.  Python standard library only.
"""
import collections
import socket
import struct
import sys
import threading
import urllib.parse
import uuid

import http1
from fcgi_peer import BEGIN, END, PARAMS, STDIN, STDOUT, record, stream

WRITES = ("PUT", "POST", "DELETE", "PATCH", "BREW")
READS = ("GET", "HEAD")
DEATHS = ("closes", "resets", "half a header", "half a record")


def read(connection, n):
    data = b""
    while len(data) < n:
        got = connection.recv(n - len(data))
        if not got:
            raise EOFError
        data += got
    return data


def variables(data):
    out, at = {}, 0

    def number():
        nonlocal at
        n, at = data[at], at + 1
        if n >= 128:
            n, at = struct.unpack("!I", data[at - 1:at + 3])[0] & 0x7FFFFFFF, at + 3
        return n

    while at < len(data):
        name, value = number(), number()
        out[data[at:at + name].decode()] = data[at + name:at + name + value].decode("latin-1")
        at += name + value
    return out


def read_request(connection):
    """(variables, whether the connection is to be kept)"""
    kept, params = False, b""
    while True:
        _, kind, _, size, padding = struct.unpack("!BBHHBx", read(connection, 8))
        content = read(connection, size)
        read(connection, padding)
        if kind == BEGIN:
            kept = content[2] & 1 == 1
        elif kind == PARAMS:
            params += content
        elif kind == STDIN and not content:
            return variables(params), kept


class Upstream:
    def __init__(self, path, deaths):
        self.deaths, self.count, self.lock = deaths, collections.Counter(), threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(512)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            try:
                while self.serve_one(connection):
                    pass
            except (EOFError, OSError):
                pass

    def serve_one(self, connection):
        env, kept = read_request(connection)
        if env.get("HULYKVS_AUTHORIZER") == "1":  # asked before a large body is taken; the request itself follows
            connection.sendall(stream(STDOUT, 1, b"Status: 200 OK\r\nContent-Length: 0\r\n\r\n") + record(END, 1, b"\0" * 8))
            return kept
        with self.lock:
            self.count[env["REQUEST_METHOD"], env["REQUEST_URI"]] += 1
            number = sum(self.count.values())
        if self.deaths:
            self.die(connection, self.deaths[number % len(self.deaths)])
            return False
        head = b"Status: 200 OK\r\nContent-Length: 2\r\n\r\n"
        connection.sendall(stream(STDOUT, 1, head + (b"" if env["REQUEST_METHOD"] == "HEAD" else b"ok")) +
                           record(END, 1, b"\0" * 8))
        return kept

    @staticmethod
    def die(connection, how):
        if how == "resets":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how == "half a header":
            connection.sendall(record(STDOUT, 1, b"Status: 204 No Con"))
        elif how == "half a record":
            connection.sendall(record(STDOUT, 1, b"Status: 204 No Content\r\n\r\n")[:13])


def client(base, rounds, locations, results):
    keys = [""] + ["..%2F..%2F..%2F" + urllib.parse.quote(name.lstrip("/"), safe="") for name in locations]
    with http1.Connection(base, None) as connection:
        for n in range(rounds):
            for method in WRITES + READS:
                path = f"/api2/upstream/{uuid.uuid4().hex}/{keys[n % len(keys)]}?{uuid.uuid4().hex}"
                body = b"x" * (n % 5 * 20000) if method in ("PUT", "POST", "PATCH") else None
                results.append((method, path, connection.ask(method, path, body).status))


def main():
    base, rounds = sys.argv[1], int(sys.argv[4])
    dying, sound = Upstream(sys.argv[2], DEATHS), Upstream(sys.argv[3], None)
    results, threads = [], []
    for _ in range(8):
        threads.append(threading.Thread(target=client, args=(base, rounds, sys.argv[5:], results)))
        threads[-1].start()
    for t in threads:
        t.join()
    count, wrong = collections.Counter(), []
    for method, path, status in results:
        seen = dying.count[method, path] + sound.count[method, path]
        kind = "reads" if method in READS else "writes"
        count[kind] += 1
        count[f"{kind} that were cut"] += dying.count[method, path]
        count[f"{kind} carried out twice"] += seen > 1
        expected = (200,) if kind == "reads" or not dying.count[method, path] else (502,)
        if status not in expected or (kind == "writes" and seen != 1):
            wrong.append(f"{method}: answered {status}, carried out {seen} times")
    print("; ".join(f"{what} {n}" for what, n in sorted(count.items())))
    if len(results) != 8 * rounds * len(WRITES + READS):
        wrong.append("some were not asked")
    if not count["reads that were cut"] or not count["writes that were cut"]:
        wrong.append("nothing was cut: this tested nothing")
    print(*wrong[:20], sep="\n", end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
