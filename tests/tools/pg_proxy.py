#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""A proxy between the program and PostgreSQL that knows the protocol and breaks it where it is told to.

    pg_proxy.py LISTEN-SOCKET SERVER-SOCKET CONTROL-SOCKET [SQL-DIRECTORY]

All three are unix sockets; the first two are named as PostgreSQL names them, DIR/.s.PGSQL.PORT.  With
SQL-DIRECTORY (sql/statements), a statement is called after the file that it stands in, prepared or not.

Orders come as lines of JSON over the control socket, one answer each:

    {"arm": FAULT}        one fault, for one Execute; several wait in line for different ones
    {"disarm": true}      forgets those that have not happened, and the counts
    {"mode": "pass"}      of all bytes: pass, bytes (one at a time, nearly), blackhole (nothing passes any more on any
                          connection that there is or that comes; those stay deaf after "pass"), refuse
    {"release": true}     lets go what a "hold" holds
    {"cut": true}         cuts every connection
    {"silence": true}     nothing passes any more on the connections that there are, and they stay open
    {"status": true}      {"armed", "fired", "holding", "sessions", "silent",
                           "forwarded": {statement: {key: times that its Execute went to the server}},
                           "committed": {key: times that a write of it was committed},
                           "transactions": what the last few Syncs closed, [[statement, [key, ...]], ...]}

A FAULT is {"statement": NAME, "n": 1, "do": ...} for the n-th Execute of this statement from now on ("put" is
"put_many" as well, and so on); with "key" only those of that key count.  What it does:

    cut_before_execute    the connection ends; the Execute never got to the server
    cut_after_sync        the server executes and commits; not a byte of its answer comes back
    cut_before_ready      the answer comes, but for the ReadyForQuery
    error                 an ErrorResponse with "code".  "where": "execute" (default) in place of the statement's
                          answer; "sync" after it, where a commit fails.  "ran": false (default): the server really
                          fails, and all up to the Sync is rolled back; true: it really commits.  "fatal": true: the
                          connection ends with it; "cut": true: it ends before the ReadyForQuery
    delay                 the answer comes "seconds" late
    hold                  the answer comes when released
    blackhole             nothing passes any more on this connection, and it stays open; with "after": "sync" the
                          server has got all of the transaction
    stale                 (planted bug) a read is answered with what it was answered before
    twice                 (planted bug) a write is done again when it has been committed

Python standard library only.
"""
import asyncio
import collections
import json
import os
import re
import struct
import sys

import pgwire

SINGLE_BYTES = 500  # so many of what is there at once, then the rest
SABOTAGE = b"no such portal"
SHARED = ("_many", "_keys", "_batch")  # ends of the names of statements for several keys
WRITES = {"put", "put_many", "put_if_absent", "put_if_present", "put_if_match", "delete", "delete_if_match"}


class Cut(Exception):
    """The connection ends here; what was let through so far still arrives."""


class Silence(Exception):
    """Nothing more passes."""


def normal(sql):
    return re.sub(r"\s+", " ", re.sub(r"--[^\n]*", " ", sql)).strip()


def known_statements(directory):
    """Patterns of the files: {schema} is any name."""
    known = []
    for name in sorted(os.listdir(directory)) if directory else []:
        with open(os.path.join(directory, name), encoding="utf-8") as f:
            pattern = re.escape(normal(f.read())).replace(re.escape("{schema}"), r'[^ ]+')
        known.append((re.compile(pattern), name.removesuffix(".sql")))
    return known


def keys_of(kind, values):
    """Which keys a statement is about; its third parameter."""
    if len(values) < 3 or values[2] is None:
        return []
    keys = pgwire.array_elements(values[2])[1] if kind.endswith(SHARED) else [values[2]]
    return [k.decode("utf-8", "replace") for k in keys]


class Transaction:
    """What a Sync closes."""

    def __init__(self):
        self.executes = []  # [statement, keys]
        self.bytes = b""    # to do it again
        self.fault = None
        self.met = False    # the fault has begun to show
        self.failed = False


class Item:
    """Something that the server will answer."""

    def __init__(self, kind, transaction, faulty=False, about=None):
        self.kind, self.transaction, self.faulty, self.about = kind, transaction, faulty, about


class Session:
    def __init__(self, proxy, client, server):
        self.proxy = proxy
        self.client_reader, self.client = client
        self.server_reader, self.server = server
        self.pending = collections.deque([Item("startup", Transaction())])
        self.transaction = Transaction()
        self.statements, self.portals, self.rows = {}, {}, {}
        self.silent = False

    # From the program to the server.

    def expect(self, kind, **more):
        self.pending.append(Item(kind, self.transaction, **more))

    def name_statement(self, body):
        name, at = pgwire.cstring(body)
        sql, _ = pgwire.cstring(body, at)
        self.statements[name] = self.proxy.name_of(name, sql.decode())

    def bind(self, body):
        portal, statement, _, values, _ = pgwire.bound(body)
        kind = self.statements.get(statement, statement.decode())
        self.portals[portal] = (kind, keys_of(kind, values))

    def execute(self, whole, body):
        kind, keys = self.portals.get(pgwire.cstring(body)[0], ("", []))
        fault = self.proxy.take_fault(kind, keys)
        self.transaction.executes.append([kind, keys])
        self.expect("execute", faulty=fault is not None, about=(kind, tuple(keys)))
        if fault is not None:
            self.transaction.fault = fault
            if fault["do"] == "cut_before_execute":
                self.proxy.closed(self.transaction)
                raise Cut
            if fault["do"] == "blackhole" and fault.get("after") != "sync":
                raise Silence
            if fault["do"] == "error" and fault.get("where") != "sync" and not fault.get("ran"):
                return pgwire.message(b"E", SABOTAGE + b"\0" + b"\0" * 4)
        self.proxy.count_forwarded(kind, keys)
        return whole

    def sync(self, whole):
        fault = self.transaction.fault
        self.expect("sync")
        self.proxy.closed(self.transaction)
        if fault is not None and fault["do"] == "error" and fault.get("where") == "sync" and not fault.get("ran"):
            whole = pgwire.message(b"E", SABOTAGE + b"\0" + b"\0" * 4) + whole
        self.transaction = Transaction()
        return whole

    def from_client(self, kind, whole, body):
        """What goes on to the server in place of this message."""
        if kind == b"P":
            self.name_statement(body)
            self.expect("parse")
        elif kind == b"B":
            self.bind(body)
            self.expect("bind")
        elif kind == b"D":
            self.expect("describe")
        elif kind == b"C":
            self.expect("close")
        elif kind == b"Q":
            self.expect("query")
        elif kind == b"E":
            whole = self.execute(whole, body)
        elif kind == b"S":
            closing = self.transaction
            whole = self.sync(whole)
            closing.bytes += whole
            if closing.fault is not None and closing.fault["do"] == "blackhole":
                self.silent = True
            return whole
        self.transaction.bytes += whole
        return whole

    # From the server to the program.

    def advance(self, kind):
        """The item that this message belongs to."""
        item = self.pending[0] if self.pending else Item("none", Transaction())
        if item.kind == "again" and kind != b"Z":
            return item
        if kind == b"E":
            item.transaction.failed = True
            while self.pending and self.pending[0].kind not in ("sync", "query", "startup"):
                self.pending.popleft()
        elif kind == b"Z":
            self.pending.popleft()
        elif (kind in b"123" or (kind in b"Tn" and item.kind == "describe") or
              (kind in b"CIs" and item.kind == "execute")):
            self.pending.popleft()
        return item

    def spoil(self, item, kind, whole):
        """An error of ours where the fault wants one; else None."""
        fault = item.transaction.fault
        made = pgwire.error(fault["code"], "made by the proxy", fault.get("fatal", False))
        if not fault.get("ran"):
            if kind != b"E":
                return None
            if fault.get("fatal"):
                raise Cut(made)
            return made
        at_sync = fault.get("where") == "sync"
        if not at_sync and item.transaction.met:
            if kind == b"Z" and (fault.get("fatal") or fault.get("cut")):
                raise Cut
            return whole if kind == b"Z" else b""
        if kind == b"Z" and at_sync:
            if fault.get("fatal") or fault.get("cut"):
                raise Cut(made)
            return made + whole
        if not at_sync and kind in b"CIs" and item.faulty:
            item.transaction.met = True
            return made
        return None

    def from_server(self, kind, whole):
        """What goes on to the program in place of this message."""
        if kind in b"NSARK":
            return whole
        item = self.advance(kind)
        fault = item.transaction.fault
        if item.kind == "again":
            return b""
        if kind == b"Z" and not item.transaction.failed:
            self.proxy.count_committed(item.transaction)
        if fault is None:
            return whole
        do = fault["do"]
        if do == "cut_after_sync":
            if kind == b"Z":
                raise Cut
            return b""
        if do == "cut_before_ready" and kind == b"Z":
            raise Cut
        if do == "error":
            spoiled = self.spoil(item, kind, whole)
            if spoiled is not None:
                return spoiled
            if kind == b"Z" and fault.get("cut"):
                raise Cut
        if do == "stale" and item.kind == "execute":
            return self.stale(item, kind, whole)
        if do == "twice" and kind == b"Z":
            self.do_again(item.transaction)
        return whole

    def stale(self, item, kind, whole):
        """The rows of an earlier answer about the same keys."""
        if kind in b"D":
            return b""
        return self.proxy.answers.get(item.about, b"") + whole

    def do_again(self, transaction):
        self.pending.append(Item("again", Transaction()))
        self.server.write(transaction.bytes)

    def remember(self, item_kind, about, kind, whole):
        """Rows of reads, for stale answers."""
        if item_kind != "execute" or about[0] not in ("get", "get_keys", "get_many"):
            return
        if kind == b"D":
            self.rows[about] = self.rows.get(about, b"") + whole
        elif kind in b"C":
            self.proxy.answers.setdefault(about, self.rows.pop(about, b""))

    # The two pumps.

    async def write(self, writer, data):
        if writer.is_closing():
            raise ConnectionResetError("cut meanwhile")
        if self.proxy.mode == "bytes":
            for i in range(min(len(data), SINGLE_BYTES)):
                writer.write(data[i:i + 1])
                await asyncio.sleep(0)
            data = data[SINGLE_BYTES:]
        if data:
            writer.write(data)
            await writer.drain()

    async def startup(self):
        """Messages without a type, until the real one."""
        while True:
            head = await self.client_reader.readexactly(8)
            size, code = struct.unpack("!II", head)
            await self.write(self.server, head + await self.client_reader.readexactly(size - 8))
            if code not in (80877103, 80877104):
                return
            await self.write(self.client, await self.server_reader.readexactly(1))

    async def pump(self, reader, writer, handle):
        """Whole messages, as many at once as there are."""
        buffer = b""
        while True:
            data = await reader.read(65536)
            if not data:
                return
            buffer += data
            out, at = [], 0
            try:
                while len(buffer) - at >= 5:
                    size, = struct.unpack_from("!I", buffer, at + 1)
                    if len(buffer) - at < size + 1:
                        break
                    kind, whole = buffer[at:at + 1], buffer[at:at + size + 1]
                    at += size + 1
                    if self.silent or self.proxy.mode == "blackhole":
                        raise Silence
                    out.append(await handle(kind, whole, writer, out))
            except Cut as cut:
                await self.write(writer, b"".join(out) + b"".join(cut.args))
                raise
            except Silence:
                self.silent = True
                while await reader.read(65536):
                    pass
                return
            buffer = buffer[at:]
            await self.write(writer, b"".join(out))

    async def handle_client(self, kind, whole, _writer, _out):
        return self.from_client(kind, whole, whole[5:])

    async def handle_server(self, kind, whole, writer, out):
        item = self.pending[0] if self.pending else None
        if item is not None:
            self.remember(item.kind, item.about, kind, whole)
            await self.wait_for(item.transaction, kind, writer, out)
        return self.from_server(kind, whole)

    async def wait_for(self, transaction, kind, writer, out):
        """Delays and holds, once in a transaction."""
        fault = transaction.fault
        if fault is None or transaction.met or kind in b"NSARK" or fault["do"] not in ("delay", "hold"):
            return
        transaction.met = True
        await self.write(writer, b"".join(out))
        out.clear()
        if fault["do"] == "delay":
            await asyncio.sleep(fault["seconds"])
        else:
            self.proxy.holding += 1
            await self.proxy.released.wait()
            self.proxy.holding -= 1

    async def run(self):
        await self.startup()
        pumps = [asyncio.ensure_future(self.pump(self.client_reader, self.server, self.handle_client)),
                 asyncio.ensure_future(self.pump(self.server_reader, self.client, self.handle_server))]
        done, rest = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        for task in done:
            if task.exception() is not None and not isinstance(task.exception(), (Cut, ConnectionError)):
                raise task.exception()


class Proxy:
    def __init__(self, server, directory):
        self.server_path = server
        self.known = known_statements(directory)
        self.names = {}
        self.mode, self.holding = "pass", 0
        self.released = asyncio.Event()
        self.sessions = set()
        self.answers = {}
        self.forget()

    def forget(self):
        self.faults, self.fired = [], 0
        self.forwarded = collections.defaultdict(collections.Counter)
        self.committed = collections.Counter()
        self.transactions = collections.deque(maxlen=200)

    def name_of(self, name, sql):
        if sql not in self.names:
            text = normal(sql)
            self.names[sql] = next((n for p, n in self.known if p.fullmatch(text)), name.decode())
        return self.names[sql]

    def take_fault(self, kind, keys):
        for fault in self.faults:
            if kind != fault["statement"] and kind not in [fault["statement"] + end for end in SHARED]:
                continue
            if "key" in fault and fault["key"] not in keys:
                continue
            fault["n"] = fault.get("n", 1) - 1
            if fault["n"] > 0:
                continue
            self.faults.remove(fault)
            self.fired += 1
            return fault
        return None

    def count_forwarded(self, kind, keys):
        self.forwarded[kind].update(keys)

    def count_committed(self, transaction):
        for kind, keys in transaction.executes:
            if kind in WRITES:
                self.committed.update(keys)

    def closed(self, transaction):
        self.transactions.append(transaction.executes)

    async def serve(self, reader, writer):
        if self.mode == "refuse":
            writer.close()
            return
        server = None
        try:
            server = await asyncio.open_unix_connection(self.server_path, limit=1 << 20)
            session = Session(self, (reader, writer), server)
            self.sessions.add(session)
            try:
                await session.run()
            finally:
                self.sessions.discard(session)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            if server is not None:
                server[1].close()

    def status(self):
        return {"armed": len(self.faults), "fired": self.fired, "holding": self.holding,
                "sessions": len(self.sessions), "silent": sum(s.silent for s in self.sessions),
                "forwarded": self.forwarded, "committed": self.committed, "transactions": list(self.transactions)}

    def obey(self, order):
        if "arm" in order:
            self.faults.append(order["arm"])
            if order["arm"]["do"] == "hold":
                self.released.clear()
        if "disarm" in order:
            self.forget()
        if "mode" in order:
            self.mode = order["mode"]
        if "release" in order:
            self.released.set()
        if "silence" in order:
            for session in self.sessions:
                session.silent = True
        if "cut" in order:
            for session in self.sessions:
                session.client.close()
                session.server.close()
        return self.status()

    async def control(self, reader, writer):
        while line := await reader.readline():
            writer.write(json.dumps(self.obey(json.loads(line))).encode() + b"\n")
            await writer.drain()
        writer.close()


async def main(listen, server, control, directory=None):
    proxy = Proxy(server, directory)
    for path in (listen, control):
        pgwire.renew(path)
    await asyncio.start_unix_server(proxy.serve, listen, limit=1 << 20, backlog=256)
    await asyncio.start_unix_server(proxy.control, control)
    await asyncio.Event().wait()


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        pass
