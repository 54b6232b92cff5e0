#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""A strict simulator of CockroachDB: a proxy in front of a real PostgreSQL at SERIALIZABLE.

    cockroachdb_simulator.py LISTEN SERVER [NAME=VALUE | FAULT ...]

LISTEN is a unix socket (DIR/.s.PGSQL.PORT) or a port of 127.0.0.1, SERVER the unix socket of PostgreSQL, which must
let everybody in without a password.  It shows what CockroachDB's documentation says, and no more: whether
CockroachDB itself takes a statement, and how fast, only a CockroachDB can show (tests/on-cockroachdb).

What it does: version() is CockroachDB's; what CockroachDB refuses is refused with its SQLSTATE (cockroachdb_sql.py);
all up to a Sync is one implicit transaction, the next one begins when it has ended; one that could not be serialized is
tried again here, as long as its results are still in the buffer of 512 KiB; a schema change goes on when its client has
left, and no other change of that table may begin meanwhile; what a client had sent is carried out though it has left;
a message over 16 MiB ends the connection; who asks for cluster_logical_timestamp() gets the time of a copy of all tables,
which AS OF SYSTEM TIME reads then.
The simulator ends when the directory of LISTEN is gone.

A violation is what a program named hulykvs must not do though PostgreSQL lets it: more than one writing statement, or
a read beside one, in an implicit transaction; a schema change with anything else; BEGIN that is not the first up to its
Sync, BEGIN and its like in a Query; several statements in one Query; parameters of unknown types, in wrong numbers or
of wrong lengths.

    violations=FILE   each kind once, one JSON object a line; empty when all is well
    log=FILE          a line for each statement that ran: its first line; with its SQLSTATE in front if it was refused
    latency=MS        for each Execute                 commit=MS     more for each commit of a write
    change=MS         for each schema change           skew=MS       a session's clock is wrong by at most half of it
    retries=N (3)     of what could not be serialized
    safe_updates=on, read_committed=on, follower_reads=on   as a role may have it; of the two latter only what they refuse
    refuse=WHAT,…     collate: 22023 as before v23.1; limit_null: XX000 from the sixth Execute with LIMIT NULL on
    plain=on          passes for PostgreSQL: latencies and faults only
    processes=N       to use several processors; faults and sessions are then each process's own.  One process does what
                      the system calls allow: two thirds of its time are the four that each Sync needs

A FAULT is [N*]HOW:PATTERN: it happens to the first N (1) statements in which PATTERN (a regular expression, in the
text without comments, whatever the case) is found.  HOW is
    40001             refused with this SQLSTATE, and does not run; 57P01 ends the connection, too
    sync-40003        the same at the commit: the answer had come, and all is rolled back
    after-40003       runs and is committed, and is answered with this SQLSTATE
    late-40001        rows come, but behind 512 KiB of them this SQLSTATE
    cut, after-cut    the connection ends before it runs, or after it was committed
    stall8            nothing happens for 8 seconds, also when the client leaves meanwhile; then it runs

Orders come as lines of JSON on the unix socket LISTEN.control: {"set": ["latency=3", "40001:insert"]} as on the command
line, {"forget": true} the faults that have not happened, {"idle": true} as if the idle_in_session_timeout that a role may
have were over, which ends idle sessions without a message; the answer is {"faults", "happened", "sessions", "idle",
"ended", "stalled", "statements", "violations"}, "ended" being those that were ended so since the start.

Python standard library only.
"""
import asyncio
import collections
import ctypes
import json
import logging
import os
import re
import signal
import socket
import struct
import sys
import threading
import time

import cockroachdb_session
import cockroachdb_sql
import pgwire

SQLSTATE = re.compile(r"[0-9A-Z]{5}")


class Fault:
    def __init__(self, word):
        if ":" not in word:
            raise ValueError(f"no such option or fault: {word}")
        how, pattern = word.split(":", 1)
        times, star, how = how.rpartition("*")
        self.left = int(times) if star else 1
        self.pattern = re.compile(pattern, re.I | re.S)
        self.stall = float(how[5:]) if how.startswith("stall") else 0
        self.when, _, self.code = how.rpartition("-")
        if not (self.stall or self.when in ("", "sync", "after", "late")
                and (SQLSTATE.fullmatch(self.code) or self.code == "cut")):
            raise ValueError(f"no such fault: {word}")


class Options:
    """What the words say, and what of the faults is left."""

    def __init__(self, words):
        self.latency = self.commit = self.change = self.skew = 0
        self.retries, self.processes = 3, 1
        self.refuse, self.plain = set(), False
        self.safe_updates = self.read_committed = self.follower_reads = self.unlimited_idle = False
        self.log = self.violations = None
        self.faults, self.happened = [], 0
        for word in words:
            self.take(word)

    def take(self, word):
        name, equals, value = word.partition("=")
        if not equals or not hasattr(self, name) or name in ("faults", "happened", "take"):
            self.faults.append(Fault(word))
        elif name in ("log", "violations"):
            setattr(self, name, open(value, "a", buffering=1, encoding="utf-8"))
        elif name in ("safe_updates", "read_committed", "follower_reads", "plain"):
            setattr(self, name, value == "on")
        elif name == "refuse":
            self.refuse = set(value.split(","))
        elif name in ("retries", "processes"):
            setattr(self, name, int(value))
        else:
            setattr(self, name, float(value) / 1000)

    def fault_for(self, text):
        for fault in self.faults:
            if fault.pattern.search(text):
                fault.left -= 1
                self.happened += 1
                if not fault.left:
                    self.faults.remove(fault)
                return fault
        return None


class Node:
    """What all sessions have in common."""

    def __init__(self, server, options):
        self.path, self.options = server, options
        self.loop = asyncio.get_running_loop()
        self.sessions, self.statements, self.changing = set(), {}, set()
        self.times = set()
        self.errors, self.numbers = [], {}
        self.violations = collections.Counter()
        self.finished = self.ended = 0
        self.tasks = set()

    def connect(self, session):
        self.task(self.connect_now(session))

    async def connect_now(self, session):
        try:
            await self.loop.create_unix_connection(lambda: cockroachdb_session.ServerSide(session), self.path)
        except OSError:
            session.close()

    def task(self, coroutine):
        task = self.loop.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def statement(self, sql, session_id, skew, parameters):
        if cockroachdb_sql.TIME_NOW.search(sql):
            return cockroachdb_sql.Statement(sql, session_id, skew, self.keep_past(parameters))
        if cockroachdb_sql.AS_OF.search(sql):
            return cockroachdb_sql.Statement(sql, session_id, skew, times=self.times)
        key = (sql, skew) if "session_id" not in sql else (sql, session_id)
        found = self.statements.get(key)
        if found is None:
            found = self.statements[key] = cockroachdb_sql.Statement(sql, session_id, skew)
        return found

    def keep_past(self, parameters):
        """Keeps all tables as they are now.  The time, under which they are found."""
        now = f"{time.time_ns()}.0000000000"
        client = pgwire.Client(self.path, {name: parameters[name] for name in ("user", "database") if name in parameters})
        try:
            client.query(cockroachdb_sql.keep_past(now))
        finally:
            client.close()
        self.times.add(now)
        return now

    def error_number(self, code, text):
        key = code, text
        if key not in self.numbers:
            self.numbers[key] = len(self.errors)
            self.errors.append(key)
        return self.numbers[key]

    def log(self, line):
        if self.options.log is not None:
            self.options.log.write(line + "\n")

    def violation(self, rule, statement, application):
        self.violations[rule, statement] += 1
        if self.violations[rule, statement] == 1 and self.options.violations is not None:
            line = {"rule": rule, "statement": statement, "application": application}
            self.options.violations.write(json.dumps(line) + "\n")

    # Cancelling.

    def cancel(self, key):
        for session in self.sessions:
            if session.cancel_key == key:
                if session.waits:
                    self.cancel_on_server(session.server_key)
                elif session.timer is not None:
                    session.cancelled = True

    def cancel_on_server(self, key):
        def ask():

            with socket.socket(socket.AF_UNIX) as s:
                s.connect(self.path)
                s.sendall(struct.pack("!II", 16, pgwire.CANCEL_REQUEST) + key)
                s.recv(1)
        threading.Thread(target=ask, daemon=True).start()

    def end_idle(self, sessions):
        for session in sessions:
            if not session.switches["unlimited_idle"]:
                session.close()
                self.ended += 1

    def cancel_session(self, session_id):
        for session in list(self.sessions):
            if session.id == session_id:
                session.kill()

    # Schema changes.

    def change(self, session, statement):
        table = session.parameters.get("database"), statement.changes.split("@")[0]
        if table in self.changing:
            self.log(f"55000 {statement.first_line}")
            session.answer(pgwire.error("55000", "another schema change of this table is under way"))
            return
        self.log(statement.first_line)
        self.changing.add(table)
        self.task(self.change_now(session, statement, table))

    async def change_now(self, session, statement, table):
        try:
            await asyncio.sleep(self.options.change)
            result = await asyncio.to_thread(self.change_on_server, session.parameters, statement.sql)
        finally:
            self.changing.discard(table)
        if not session.closed:
            session.answer(result)
            session.work()

    def change_on_server(self, parameters, sql):
        """On a connection of its own, which nobody cuts."""
        wanted = {name: parameters[name] for name in ("user", "database") if name in parameters}
        try:
            client = pgwire.Client(self.path, wanted)
            try:
                client.query(sql)
            finally:
                client.close()
        except pgwire.Refused as e:
            return pgwire.error(e.code, e.text)
        except OSError as e:
            return pgwire.error("58C01", str(e))
        return pgwire.message(b"C", b" ".join(sql.upper().encode().split()[:2]) + b"\0")

    # Orders.

    def obey(self, order):
        for word in order.get("set", []):
            self.options.take(word)
        if "forget" in order:
            self.options.faults.clear()
        idle = [s for s in self.sessions if s.is_idle()]
        if "idle" in order:
            self.end_idle(idle)
        return {"faults": len(self.options.faults), "happened": self.options.happened, "sessions": len(self.sessions),
                "idle": len(idle), "ended": self.ended,
                "stalled": sum(s.stalled for s in self.sessions),
                "statements": self.finished,
                "violations": [[rule, statement, n] for (rule, statement), n in self.violations.items()]}

    async def control(self, reader, writer):
        while line := await reader.readline():
            writer.write(json.dumps(self.obey(json.loads(line))).encode() + b"\n")
            await writer.drain()
        writer.close()


def listening(listen):
    """A socket that is found under its name only when it can be connected to."""

    if listen.isdigit():
        return socket.create_server(("127.0.0.1", int(listen)), backlog=256)
    pgwire.renew(listen)
    made = socket.socket(socket.AF_UNIX)
    made.bind(listen + ".new")
    made.listen(256)
    os.rename(listen + ".new", listen)
    return made


async def serve(listener, server, options, control):
    node = Node(server, options)
    if control:
        pgwire.renew(control)
        await asyncio.start_unix_server(node.control, control)
    kind = node.loop.create_unix_server if listener.family.name == "AF_UNIX" else node.loop.create_server
    await kind(lambda: cockroachdb_session.Session(node), sock=listener)
    path = listener.getsockname()
    while not isinstance(path, str) or os.path.exists(os.path.dirname(path)):
        await asyncio.sleep(1)


def main(listen, server, *words):
    # What is written to a client that has just left is no violation; asyncio warns of it.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    options = Options(words)
    listener = listening(listen)
    first = True
    for _ in range(1, options.processes):
        if first and os.fork() == 0:
            first = False
            ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    try:
        asyncio.run(serve(listener, server, options, f"{listen}.control" if first and not listen.isdigit() else None))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
