# SPDX-License-Identifier: EPL-2.0
"""One connection to simulated CockroachDB: what its client sends, and what the server answers.

For cockroachdb_simulator.py, which says what all this is for.  A Session belongs to a Node, which it asks for
everything that sessions have in common.  Messages of the client are looked at one after the other: while the server has
an implicit transaction (`waits`), or while time is to pass (`timer`), those that come are kept.
"""
import asyncio
import collections
import random
import re
import struct

import cockroachdb_sql
import pgwire

RESULTS_BUFFER = 512 << 10
MESSAGE_MAX = 16 << 20
MADE = re.compile(rb"simulated_error_(\d+)")
RETRIED = (b"40001", b"40P01")


class Transaction:
    """What a Sync closes, or one Query."""

    def __init__(self):
        self.statements = []
        self.sent = []          # messages to the server, to send them again
        self.repeatable = True
        self.tries = 0
        self.results, self.size, self.streams = [], 0, False
        self.fault = None       # one that shows at or behind the end
        self.failed = None      # SQLSTATE of the server's error
        self.is_query = False


class Prepared:
    def __init__(self, statement, oids):
        self.statement, self.oids, self.null_limits = statement, oids, 0


class ServerSide(asyncio.Protocol):
    def __init__(self, session):
        self.session = session

    def connection_made(self, transport):
        self.session.server = transport
        transport.write(self.session.startup)

    def data_received(self, data):
        self.session.from_server(data)

    def connection_lost(self, exc):
        self.session.close()


class Session(asyncio.Protocol):
    """One connection of a client, and the one to the server that belongs to it."""

    def __init__(self, node):
        self.node, self.options = node, node.options
        self.id = f"{random.getrandbits(64):032x}"
        self.cancel_key = struct.pack("!II", random.getrandbits(31), random.getrandbits(32))
        skew = int(self.options.skew * 1000)
        self.skew = random.randint(-skew // 2, skew // 2) if skew else 0
        self.client = self.server = self.timer = None
        self.startup = self.server_key = b""
        self.received, self.answered = bytearray(), bytearray()
        self.inbox, self.outbox = collections.deque(), []
        self.started = self.waits = self.gone = self.closed = self.cancelled = self.stalled = False
        self.explicit = False   # between BEGIN and its end
        self.switches = {name: getattr(self.options, name) for name, _, _ in cockroachdb_sql.SWITCHES}
        self.checked, self.parameters = False, {}
        self.time = None        # that the table is read as of, from the moment on when it was asked for
        self.prepared, self.portals = {}, {}
        self.transaction = Transaction()

    # The client's connection.

    def connection_made(self, transport):
        self.client = transport
        self.node.sessions.add(self)

    def connection_lost(self, exc):
        self.gone = True
        if not self.started:
            self.close()
        self.work()

    def data_received(self, data):
        self.received += data
        if self.server is None and not self.startup:
            self.begin()
        else:
            self.split()
            self.work()

    def close(self):
        if self.closed:
            return
        self.closed = True
        self.node.sessions.discard(self)
        if self.timer is not None:
            self.timer.cancel()
        for transport in (self.client, self.server):
            if transport is not None:
                transport.close()

    def kill(self):
        """CANCEL SESSION: what runs is ended, and what has not begun never does."""
        if self.waits and self.server_key:
            self.node.cancel_on_server(self.server_key)
        self.inbox.clear()
        self.close()

    def is_idle(self):
        return self.started and not (self.explicit or self.waits or self.timer)

    # The start of a connection.

    def begin(self):
        while len(self.received) >= 8:
            size, code = struct.unpack_from("!II", self.received)
            if len(self.received) < size:
                return
            packet = bytes(self.received[:size])
            del self.received[:size]
            if code == pgwire.CANCEL_REQUEST:
                self.node.cancel(packet[8:])
                self.close()
                return
            if code in (pgwire.SSL_REQUEST, pgwire.GSS_REQUEST):
                self.client.write(b"N")
                continue
            self.start(packet)
            return

    def start(self, packet):
        self.parameters = pgwire.startup_parameters(packet)
        parameters = dict(self.parameters)
        if not self.options.plain:
            self.checked = parameters.get("application_name", "").startswith("hulykvs")
            parameters["options"], refused = cockroachdb_sql.option_words(parameters.get("options", ""))
            if refused:
                self.client.write(pgwire.error("42704", f"unrecognized configuration parameter \"{refused}\"", True))
                self.close()
                return
            # Rows are read by the index: a lock on what was read then covers little else.
            parameters |= {"default_transaction_isolation": "serializable", "enable_seqscan": "off",
                           "enable_bitmapscan": "off"}
        self.startup = pgwire.startup_packet(parameters)
        self.node.connect(self)

    def start_message(self, kind, body, whole):
        if kind == b"K":
            self.server_key = body
            if self.options.plain:
                self.cancel_key = body  # hulykvs-migrate takes another number for a pooler's
            whole = pgwire.message(b"K", self.cancel_key)
        elif kind == b"S" and not self.options.plain:
            name = pgwire.cstring(body)[0]
            if name in (b"in_hot_standby", b"default_transaction_read_only"):
                return
            if name == b"server_version":
                whole = pgwire.message(b"S", b"crdb_version\0%s\0" % cockroachdb_sql.VERSION.encode()) + \
                    pgwire.message(b"S", b"server_version\0" b"13.0.0\0")
        elif kind == b"Z":
            self.started = True
        self.client.write(whole)
        if self.started:
            self.split()
            self.work()

    # What the client sends, one message after the other.

    def split(self):
        data, at, end = self.received, 0, len(self.received)
        while end - at >= 5:
            size = int.from_bytes(data[at + 1:at + 5], "big")
            if size > MESSAGE_MAX and not self.options.plain:
                self.inbox.append((b"too large", b""))
                self.received = bytearray()
                return
            if end - at <= size:
                break
            self.inbox.append((bytes(data[at:at + 1]), bytes(data[at:at + size + 1])))
            at += size + 1
        if at:
            del data[:at]

    def work(self):
        if self.closed:
            return
        if not self.started:
            while self.inbox and self.server is not None:
                self.outbox.append(self.inbox.popleft()[1])
        while self.inbox and not self.waits and self.timer is None and not self.closed and self.started:
            kind, whole = self.inbox.popleft()
            HANDLERS.get(kind, Session.pass_on)(self, whole)
        self.flush()
        if self.gone and not self.inbox and not self.waits and self.timer is None:
            self.close()

    def flush(self):
        if self.outbox and not self.closed:
            self.server.write(b"".join(self.outbox))
            self.outbox.clear()

    def later(self, seconds, then, *args):
        if seconds <= 0:
            then(*args)
            return
        self.flush()
        self.timer = self.node.loop.call_later(seconds, self.timer_is_over, then, args)

    def timer_is_over(self, then, args):
        self.timer = None
        then(*args)
        self.work()

    def pass_on(self, whole):
        self.transaction.sent.append(whole)
        self.outbox.append(whole)

    def stop(self, whole):
        self.pass_on(whole)
        self.flush()
        self.close()

    def too_large(self, _whole):
        self.say(pgwire.error("08P01", "message bigger than maximum allowed message size 16 MiB", True))
        self.close()

    def say(self, data):
        if not self.gone and not self.closed:
            self.client.write(data)

    def violation(self, rule, statement):
        if self.checked:
            self.node.violation(rule, statement.first_line if statement else "", self.parameters.get("application_name"))

    def fail(self, code, text="simulated"):
        """The server errs in place of the message, and skips what comes up to the Sync."""
        number = self.node.error_number(code, text)
        portal = b"simulated_error_%d" % number
        self.transaction.repeatable, self.transaction.failed = False, code.encode()
        self.outbox.append(pgwire.message(b"E", portal + b"\0" + b"\0" * 4))

    def look_up(self, sql):
        return self.node.statement(sql, self.id, self.skew, self.parameters)

    def refusal(self, statement):
        """(SQLSTATE, text), or None."""
        if statement.refused:
            return statement.refused
        if statement.collates and "collate" in self.options.refuse:
            return "22023", "invalid locale C"
        if self.switches["read_committed"] and statement.asks_time:
            return "0A000", "unsupported in READ COMMITTED isolation"
        if self.switches["follower_reads"] and statement.writes:
            return "25006", f"cannot execute {statement.text.split()[0].upper()} in a read-only transaction"
        if self.switches["safe_updates"] and (statement.drops_index or statement.all_rows):
            return "01000", "rejected (sql_safe_updates = true)"
        if statement.drops_index and not statement.drops_index[4]:
            return "2BP01", "index is in use as unique constraint (use CASCADE if you really want to drop it)"
        return None

    def parse(self, whole):
        if self.options.plain:
            name, sql, oids = pgwire.parsed(whole[5:])
            self.prepared[name] = Prepared(self.look_up(sql), oids)
            self.pass_on(whole)
            return
        name, sql, oids = pgwire.parsed(whole[5:])
        statement = self.look_up(sql)
        refused = self.refusal(statement)
        for oid in oids:
            if oid not in cockroachdb_sql.LENGTHS:
                self.violation(f"parameter of the type {oid}, which CockroachDB may not know", statement)
        if statement.count > 1:
            self.violation("several statements in one Parse", statement)
        self.prepared[name] = Prepared(statement, oids)
        if refused:
            self.node.log(f"{refused[0]} {statement.first_line}")
            self.fail(*refused)
            return
        self.transaction.repeatable = self.transaction.repeatable and not name
        self.pass_on(pgwire.message(b"P", name + b"\0" + statement.sql.encode() + b"\0" +
                                    struct.pack(f"!H{len(oids)}I", len(oids), *oids)))

    def bind(self, whole):
        portal, name, formats, values, _ = pgwire.bound(whole[5:])
        prepared = self.prepared.get(name)
        self.portals[portal] = prepared
        if prepared is not None and not self.options.plain:
            self.check_values(prepared, formats, values)
            limit = prepared.statement.limit
            if 0 < limit <= len(values) and values[limit - 1] is None:
                prepared.null_limits += 1
                if "limit_null" in self.options.refuse and prepared.null_limits > 5:
                    self.fail("XX000", "internal error: LIMIT NULL in a generic plan")
                    return
            if prepared.statement.cancels and prepared.statement.cancels[1] == "$1":
                self.node.cancel_session((values[0] or b"").decode())
        self.pass_on(whole)

    def check_values(self, prepared, formats, values):
        oids = prepared.oids
        if oids and len(values) != len(oids):
            self.violation(f"{len(values)} parameters for {len(oids)} types", prepared.statement)
        if len(formats) not in (0, 1, len(values)):
            self.violation(f"{len(formats)} formats for {len(values)} parameters", prepared.statement)
            return
        every = formats[0] if len(formats) == 1 else 0
        for i, (oid, value) in enumerate(zip(oids, values)):
            if value is None or not (formats[i] if len(formats) > 1 else every):
                continue
            if oid in cockroachdb_sql.ELEMENTS:
                self.check_array(prepared.statement, oid, value)
            elif cockroachdb_sql.LENGTHS.get(oid) not in (0, None, len(value)):
                self.violation(f"{len(value)} bytes for a value of the type {oid}", prepared.statement)

    def check_array(self, statement, oid, value):
        element = cockroachdb_sql.ELEMENTS[oid]
        try:
            of, elements = pgwire.array_elements(value)
        except ValueError:
            self.violation(f"an array of the type {oid} that is badly formed", statement)
            return
        length = cockroachdb_sql.LENGTHS.get(element)
        if of != element or (length and any(e is not None and len(e) != length for e in elements)):
            self.violation(f"an array of the type {oid} with wrong elements", statement)

    def execute(self, whole):
        prepared = self.portals.get(pgwire.cstring(whole, 5)[0])
        if prepared is None:
            self.transaction.failed = b"34000"  # the server will say so, and skip what comes up to the Sync
        if self.transaction.failed:
            self.pass_on(whole)
            return
        statement = prepared.statement
        self.transaction.statements.append(statement)
        if self.explicit or statement.kind == "transaction":
            self.transaction.repeatable = False
        fault = self.options.faults and self.options.fault_for(statement.text)
        delay = self.options.latency + (fault.stall if fault else 0)
        self.stalled = bool(fault and fault.stall)
        self.later(delay, self.execute_now, whole, statement, fault)

    def execute_now(self, whole, statement, fault):
        if self.cancelled:
            self.cancelled = False
            self.fail("57014", "query execution canceled")
        elif fault and not fault.stall and not fault.when:
            self.fault_before(fault, statement)
        else:
            if fault and not fault.stall:
                self.transaction.fault = fault
            self.node.log(statement.first_line)
            self.remember_settings(statement)
            self.pass_on(whole)

    def fault_before(self, fault, statement):
        if fault.code == "cut":
            self.close()
            return
        self.node.log(f"{fault.code} {statement.first_line}")
        if fault.code == "57P01":
            self.say(pgwire.error(fault.code, "server is not accepting clients", True))
            self.close()
            return
        self.fail(fault.code)

    def remember_settings(self, statement):
        self.switches |= statement.switches

    def sync(self, whole):
        transaction = self.transaction
        if not self.options.plain:
            self.check_segment(transaction)
        commits = any(s.commits if self.explicit else s.writes for s in transaction.statements) and not transaction.failed
        self.later(self.options.commit if commits else 0, self.sync_now, whole)

    def sync_now(self, whole):
        fault = self.transaction.fault
        if fault and fault.when == "sync":
            if fault.code in ("57P01", "cut"):
                self.fault_before(fault, self.transaction.statements[-1])
                return
            self.node.log(f"{fault.code} at the commit")
            self.fail(fault.code)
        self.waits = True
        self.pass_on(whole)

    def check_time(self, statement):
        """An export is of one moment only if all its statements name it."""
        if self.time and statement.reads_table and statement.time != self.time:
            self.violation("a read of another time than the one before", statement)
        self.time = self.time or statement.time or statement.now

    def check_segment(self, transaction):
        statements = transaction.statements
        for statement in statements:
            self.check_time(statement)
        if self.explicit or statements and statements[0].begins:
            if any(s.begins for s in (statements if self.explicit else statements[1:])):
                self.violation("BEGIN in a transaction", statements[0])
            return
        writes = [s for s in statements if s.writes]
        if len(writes) > 1:
            self.violation(f"{len(writes)} writing statements in one implicit transaction", writes[1])
        elif writes and len(statements) > 1:
            self.violation("a write beside reads in one implicit transaction", writes[0])
        for statement in statements:
            if statement.kind == "transaction":
                self.violation("a transaction that did not begin with its segment", statement)

    def streams(self, whole):
        self.transaction.streams = True
        self.pass_on(whole)
        self.give(self.transaction)

    def query(self, whole):
        sql = pgwire.cstring(whole, 5)[0].decode()
        statement = self.look_up(sql)
        self.transaction.is_query = True
        self.transaction.statements.append(statement)
        fault = self.options.fault_for(statement.text) if self.options.faults else None
        delay = self.options.latency + (fault.stall if fault else 0) + (self.options.commit if statement.writes else 0)
        self.later(delay, self.query_now, whole, statement, fault)

    def query_now(self, whole, statement, fault):
        refused = None if self.options.plain else self.refusal(statement)
        if self.cancelled:
            self.cancelled, refused = False, ("57014", "query execution canceled")
        if fault and not fault.stall:
            if fault.when == "" and fault.code in ("cut", "57P01"):
                self.fault_before(fault, statement)
                return
            if fault.when in ("", "sync"):
                refused = fault.code, "simulated"
            else:
                self.transaction.fault = fault
        if not self.options.plain:
            self.check_query(statement)
        if refused:
            self.node.log(f"{refused[0]} {statement.first_line}")
            self.answer(pgwire.error(*refused))
            return
        self.waits = True
        if statement.changes and not self.options.plain:
            self.node.change(self, statement)
            return
        self.node.log(statement.first_line)
        self.remember_settings(statement)
        if self.options.plain:
            self.pass_on(whole)
        elif statement.cancels:
            self.node.cancel_session(statement.cancels[2])
            self.answer(pgwire.message(b"C", b"CANCEL SESSIONS 1\0"))
        else:
            self.pass_on(pgwire.message(b"Q", statement.sql.encode() + b"\0"))

    def check_query(self, statement):
        self.check_time(statement)
        if statement.count > 1:
            self.violation("several statements in one Query", statement)
        if statement.kind == "transaction":
            self.violation("an explicit transaction", statement)

    def answer(self, result):
        """To a Query, in place of the server."""
        self.transaction.results.append(result)
        self.finish(pgwire.message(b"Z", b"I"))

    # What the server sends.

    def from_server(self, data):
        self.answered += data
        data, at, end = self.answered, 0, len(self.answered)
        while end - at >= 5:
            size = int.from_bytes(data[at + 1:at + 5], "big")
            if end - at <= size:
                break
            self.server_message(bytes(data[at:at + 1]), bytes(data[at:at + size + 1]))
            at += size + 1
        if at:
            del data[:at]
        self.work()

    def server_message(self, kind, whole):
        transaction = self.transaction
        if not self.started:
            self.start_message(kind, whole[5:], whole)
        elif kind == b"Z":
            self.explicit = whole[5:6] != b"I"
            if transaction.failed in RETRIED and transaction.tries < self.options.retries and transaction.repeatable \
                    and not transaction.streams and not self.options.plain and not transaction.fault:
                self.repeat(transaction)
            else:
                self.finish(whole)
        elif kind == b"S":
            return
        elif kind == b"E":
            transaction.failed = pgwire.error_field(whole[5:], b"C")
            self.result(transaction, self.translated(whole))
            if pgwire.error_field(whole[5:], b"V") == b"FATAL":
                self.give(transaction)
        elif transaction.fault is None or not self.is_late(transaction):
            self.result(transaction, whole)

    def translated(self, whole):
        if made := MADE.search(whole):
            return pgwire.error(*self.node.errors[int(made[1])])
        if not self.options.plain and self.transaction.failed == b"40P01":
            return pgwire.error("40001", "restart transaction: TransactionRetryWithProtoRefreshError")
        return whole

    def result(self, transaction, whole):
        transaction.results.append(whole)
        transaction.size += len(whole)
        if transaction.streams or transaction.size > RESULTS_BUFFER or self.options.plain:
            transaction.streams = True
            self.give(transaction)

    def is_late(self, transaction):
        return transaction.fault.when == "late" and transaction.size > RESULTS_BUFFER

    def give(self, transaction):
        if transaction.results:
            self.say(b"".join(transaction.results))
            transaction.results.clear()

    def repeat(self, transaction):
        transaction.tries += 1
        transaction.results.clear()
        transaction.size, transaction.failed = 0, None
        self.server.write(b"".join(transaction.sent))

    def finish(self, ready):
        """The transaction has ended on the server: its answer goes out, as its fault has it."""
        transaction, self.transaction, self.waits = self.transaction, Transaction(), False
        self.stalled = False
        self.node.finished += len(transaction.statements)
        fault = transaction.fault
        if fault is not None and (fault.when == "after" or fault.when == "late" and transaction.size > RESULTS_BUFFER):
            if fault.code == "cut":
                self.close()
                return
            if transaction.is_query and fault.when == "after":
                transaction.results.clear()
            transaction.results.append(pgwire.error(fault.code, "simulated", fault.code == "57P01"))
            if fault.code == "57P01":
                self.give(transaction)
                self.close()
                return
        transaction.results.append(ready)
        self.give(transaction)


HANDLERS = {b"P": Session.parse, b"B": Session.bind, b"E": Session.execute, b"S": Session.sync, b"Q": Session.query,
            b"X": Session.stop, b"H": Session.streams, b"too large": Session.too_large}
