#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""A mock: PostgreSQL that passes for CockroachDB, for hulykvs-migrate only.

A proxy on a unix socket in front of a real PostgreSQL.  It answers
version() as CockroachDB does, puts what only CockroachDB understands into
PostgreSQL's words, refuses what CockroachDB does not understand, and plays
its errors.  What it cannot show is whether CockroachDB itself takes the SQL.

    mock_cockroachdb.py LISTEN SERVER LOG [FAULT ...]

LISTEN and SERVER are socket paths.  LOG gets a line for every statement
that ran: its first line.  A FAULT is HOW:PATTERN; it happens once, to the
first statement that PATTERN (a regular expression) is found in:
    40001:…       is refused with this SQLSTATE and does not run
    after-40003:… runs, and is answered with this SQLSTATE
    cut:…         does not run; the connection is cut
    after-cut:…   runs, and the connection is cut instead of the answer
"""
import os
import re
import socket
import struct
import sys
import threading

NOT_COCKROACHDB = re.compile(
    r"advisory|\block table\b|\bdo \$|\bconcurrently\b|\bcollate\b|\bbegin\b|\bcommit\b"
    r"|\bpg_class\b|\bregclass\b|\bset_config\(|\bbytea\b", re.I)

IN_OTHER_WORDS = (
    (r"\bversion\(\)", "'CockroachDB CCL v24.1.0 (a mock)'::text"),
    (r"alter table \S+ alter column \S+ set on update now\(\)", "select 1"),
    (r"set sql_safe_updates = off", "select 1"),
    (r"\bstring\b", "text"),
    (r"\bbytes\b", "bytea"),
    (r"alter table (\S+) alter primary key using columns \((.*?)\)",
     r"alter table \1 drop constraint kvs_pkey, add constraint kvs_pkey primary key (\2),"
     r" add constraint kvs_namespace_key_key unique (namespace, key)"),
    (r"drop index if exists (\S+)@(\S+) cascade",
     r"alter table \1 drop constraint if exists \2"),
)


class Faults:
    """The faults that have not happened yet."""

    def __init__(self, words):
        self.lock = threading.Lock()
        self.left = [word.split(":", 1) for word in words]

    def take(self, sql):
        with self.lock:
            for i, (how, pattern) in enumerate(self.left):
                if re.search(pattern, sql):
                    del self.left[i]
                    return how
        return None


class Peer:
    """One side of a connection, message by message."""

    def __init__(self, sock):
        self.sock = sock
        self.stream = sock.makefile("rb")

    def exactly(self, n):
        data = self.stream.read(n)
        if len(data) != n:
            raise ConnectionError
        return data

    def startup(self):
        length = self.exactly(4)
        return length + self.exactly(struct.unpack("!I", length)[0] - 4)

    def message(self):
        kind = self.exactly(1)
        length = struct.unpack("!I", self.exactly(4))[0]
        return kind, self.exactly(length - 4)

    def send(self, kind, body):
        self.sock.sendall(kind + struct.pack("!I", len(body) + 4) + body)


def error(client, sqlstate):
    text = "SERROR\0VERROR\0C%s\0Mplayed by the mock\0\0" % sqlstate
    client.send(b"E", text.encode())
    client.send(b"Z", b"I")


def split(kind, body):
    """The SQL of a Query or Parse, and how to put another in its place."""
    if kind == b"Q":
        return body[:-1].decode(), lambda sql: sql.encode() + b"\0"
    name, sql, rest = body.split(b"\0", 2)
    return sql.decode(), lambda new: name + b"\0" + new.encode() + b"\0" + rest


def without_comments(sql):
    return "".join(line for line in sql.splitlines(True) if line.strip() and not line.startswith("--"))


class Connection:
    def __init__(self, client, server, faults, log):
        self.client, self.server, self.faults, self.log = client, server, faults, log

    def run(self):
        self.server.sock.sendall(self.client.startup())
        self.answer()
        while True:
            batch = [self.client.message()]
            while batch[-1][0] not in (b"Q", b"S", b"X"):
                batch.append(self.client.message())
            if batch[-1][0] == b"X":
                return
            self.turn(batch)

    def turn(self, batch):
        how, text = None, ""
        for i, (kind, body) in enumerate(batch):
            if kind in (b"Q", b"P"):
                sql, put = split(kind, body)
                sql = without_comments(sql)
                text = sql.partition("\n")[0]
                how = "42601" if NOT_COCKROACHDB.search(sql) else self.faults.take(sql)
                for pattern, words in IN_OTHER_WORDS:
                    sql = re.sub(pattern, words, sql)
                batch[i] = (kind, put(sql))
        if how == "cut":
            raise ConnectionError
        if how is not None and not how.startswith("after-"):
            self.log(how + " " + text)
            error(self.client, how)
            return
        for kind, body in batch:
            self.server.send(kind, body)
        self.log(text)
        self.answer(how)

    def answer(self, how=None):
        while True:
            kind, body = self.server.message()
            if how is None:
                self.client.send(kind, body)
            if kind == b"Z":
                break
        if how == "after-cut":
            raise ConnectionError
        if how is not None:
            error(self.client, how.removeprefix("after-"))


def serve(sock, server_path, faults, log):
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(server_path)
        Connection(Peer(sock), Peer(server), faults, log).run()
    except OSError:
        pass
    finally:
        for end in (sock, server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


def main(listen_path, server_path, log_path, *faults):
    left = Faults(faults)
    lock = threading.Lock()

    def log(line):
        with lock, open(log_path, "a", encoding="utf-8") as out:
            out.write(line + "\n")

    listener = socket.socket(socket.AF_UNIX)
    # Under another name first: whoever sees the socket can connect.
    listener.bind(listen_path + ".new")
    listener.listen(128)
    os.rename(listen_path + ".new", listen_path)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve, args=(sock, server_path, left, log), daemon=True).start()


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
