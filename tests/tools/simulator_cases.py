#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Cases for cockroachdb_simulator.py itself, over the wire.

    simulator_cases.py SOCKET DATABASE VIOLATIONS-FILE PREFIX

Runs the functions below whose names begin with PREFIX_.  Prints a line for each failed one and ends with "N passed, N
failed".  Python standard library only.
"""
import json
import os
import struct
import sys
import threading
import time

import control
import pgwire

UUID = bytes(16)


class Connection(pgwire.Client):
    """As a program named hulykvs, over which the rules are kept."""

    def __init__(self, case, **more):
        super().__init__(case.path, {"user": "postgres", "database": case.database,
                                     "application_name": "hulykvs"} | more)

    def send(self, *messages):
        self.socket.sendall(b"".join(messages))

    def outcome(self, messages):
        """SQLSTATE of a pipeline up to its Sync, or how many CommandCompletes there were."""
        self.send(*messages)
        return self.take()

    def take(self):
        try:
            return sum(kind == b"C" for kind, _ in self.answer())
        except pgwire.Refused as e:
            return e.code

    def state(self, sql):
        """SQLSTATE of a Query, or its rows."""
        try:
            return self.query(sql)
        except pgwire.Refused as e:
            return e.code


def parse(sql, oids=(), name=b""):
    return pgwire.message(b"P", name + b"\0" + sql.encode() + b"\0" + struct.pack(f"!H{len(oids)}I", len(oids), *oids))


def bind(values=(), name=b""):
    body = b"\0" + name + b"\0" + struct.pack("!HHH", 1, 1, len(values))
    for value in values:
        body += struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value
    return pgwire.message(b"B", body + struct.pack("!HH", 1, 1))


EXECUTE = pgwire.message(b"E", b"\0" * 5)
SYNC = pgwire.message(b"S")


def statement(sql, oids=(), values=()):
    return parse(sql, oids) + bind(values) + EXECUTE


class Case:
    def __init__(self, path, database, violations):
        self.path, self.database, self.file = path, database, violations
        self.control = control.Control(path + ".control")
        self.seen = len(self.violations())
        admin = Connection(self, application_name="cases")
        for sql in ("drop table if exists t", "create table t (k int8 primary key, v bytes)",
                    "drop table if exists kvs", "create table kvs (namespace string, key string, workspace uuid,"
                    " constraint kvs_pkey primary key (namespace, key))"):
            admin.query(sql)
        admin.close()
        self.control.order(forget=True)

    def violations(self):
        if not os.path.exists(self.file):
            return []
        with open(self.file, encoding="utf-8") as f:
            return [json.loads(line)["rule"] for line in f]

    def new_violations(self):
        found = self.violations()[self.seen:]
        self.seen += len(found)
        return found

    def arm(self, *words):
        self.control.order(set=list(words))

    def rows(self):
        other = Connection(self, application_name="cases")
        found = other.query("select k from t order by k")
        other.close()
        return [int(k) for k, in found]


def equal(found, wanted):
    assert found == wanted, f"{found!r}, not {wanted!r}"


def refused_by_query(case):
    c = Connection(case)
    for code, sql in (("42601", "lock table t"), ("42601", "do $$ begin end $$"), ("42704", "set enable_seqscan = off"),
                      ("42883", "select pg_terminate_backend(1)"), ("42703", "select ctid from t"),
                      ("42704", "select set_config('jit', 'off', false)"), ("0A000", "create domain d as text"),
                      ("42601", "alter table t alter column v set compression lz4")):
        equal((sql, c.state(sql)), (sql, code))
    equal(c.state("select pg_try_advisory_lock(hashtext('x'))"), [["t"]])
    equal(c.state("select version() like 'CockroachDB%'"), [["t"]])
    equal(c.state("show default_transaction_isolation"), [["serializable"]])


def refused_by_parse(case):
    c = Connection(case)
    equal(c.outcome([statement("select pg_cancel_backend(1)"), statement("select 1"), SYNC]), "42883")
    equal(c.outcome([statement("select 1"), SYNC]), 1)


def past_refused(case):
    c = Connection(case)
    [[now]] = c.query("select cluster_logical_timestamp()::text")
    time = f"as of system time '{now}'"
    for code, sql in (("25006", f"select k from t {time} for update"), ("25006", f"insert into t select k + 1, v from t {time}"),
                      ("42601", f"select k from (select k from t {time}) as p"),
                      ("42601", f"select k.k from t {time} as k"), ("42601", f"select 1 from t {time} join t as u on true"),
                      ("22023", "select k from t as of system time '9999999999999999999.0000000000'"),
                      ("22023", "select k from t as of system time 'yesterday'")):
        equal((sql, c.state(sql)), (sql, code))
        equal(c.outcome([statement(sql), SYNC]), code)
    equal(case.new_violations(), [])


def past_is_kept(case):
    c, other = Connection(case), Connection(case, application_name="cases")
    other.query("insert into t values (1, 'a'), (2, 'b')")
    [[first]] = c.query("select cluster_logical_timestamp()::text")
    other.query("insert into t values (3, 'c')")
    other.query("delete from t where k = 1")
    [[second]] = other.query("select cluster_logical_timestamp()::text")
    for reader in (c, other):
        equal(reader.query(f"select k from t as of system time '{first}' order by k"), [["1"], ["2"]])
    equal(other.query(f"select u.k from t join t as u on t.k = u.k as of system time '{second}' order by 1"), [["2"], ["3"]])
    equal(c.outcome([statement(f"select k from t as of system time '{first}' where t.k > 1"), SYNC]), 1)
    equal(other.query("select k from t order by k"), [["2"], ["3"]])


def past_times_are_not_mixed(case):
    rule = "a read of another time than the one before"
    c = Connection(case)
    c.query("select key from kvs")
    [[first]], [[second]] = (c.query("select cluster_logical_timestamp()::text") for _ in range(2))
    c.query(f"select key from kvs as of system time '{first}'")
    c.query(f"select key from public.kvs as of system time '{first}' where key > ''")
    c.query("select k from t")
    equal(case.new_violations(), [])
    c.query("select key from kvs limit 1")
    equal(case.new_violations(), [rule])
    c.outcome([statement(f"select key from kvs as of system time '{second}'"), SYNC])
    equal(case.new_violations(), [rule])


def refused_startup(case):
    try:
        Connection(case, options="-c enable_seqscan=off")
    except pgwire.Refused as e:
        equal(e.code, "42704")
    else:
        raise AssertionError("taken")
    Connection(case, options="-c results_buffer_size=1048576").close()


def refused_by_switches(case):
    c = Connection(case)
    case.arm("refuse=collate,limit_null")
    equal(c.outcome([statement('select k from t order by v::text collate "C"'), SYNC]), "22023")
    c.send(parse("select k from t limit $1", (20,), b"l"), SYNC)
    c.take()
    found = [c.outcome([bind([None], b"l"), EXECUTE, SYNC]) for _ in range(7)]
    equal(found, [1, 1, 1, 1, 1, "XX000", "XX000"])
    case.arm("refuse=none")
    equal(c.outcome([bind([None], b"l"), EXECUTE, SYNC]), 1)


def refused_too_large(case):
    c = Connection(case)
    c.send(b"Q" + struct.pack("!I", 17 << 20))
    equal(c.take(), "08P01")


PUT = "insert into t values ($1, $2)"


def put(k, v=b"x"):
    return statement(PUT, (20, 17), (struct.pack("!q", k), v))


def violation_of_transactions(case):
    c = Connection(case)
    equal(c.outcome([put(1), SYNC]), 1)
    equal(c.outcome([statement("select 1"), statement("select 2"), SYNC]), 2)
    equal(case.new_violations(), [])
    c.outcome([put(2), put(3), SYNC])
    equal(case.new_violations(), ["2 writing statements in one implicit transaction"])
    c.outcome([statement("select 1"), put(4), SYNC])
    equal(case.new_violations(), ["a write beside reads in one implicit transaction"])
    c.state("begin")
    c.state("rollback")
    equal(case.new_violations(), ["an explicit transaction"] * 2)
    equal(c.outcome([statement("begin"), put(5), put(6), statement("select 1"), SYNC]), 4)
    equal(c.outcome([statement("select 1"), statement("commit"), SYNC]), 2)
    equal(case.new_violations(), [])
    equal(case.rows()[-2:], [5, 6])
    c.outcome([statement("select 1"), statement("begin"), SYNC])
    c.outcome([statement("begin"), SYNC])
    c.outcome([statement("rollback"), SYNC])
    equal(case.new_violations(), ["a transaction that did not begin with its segment", "BEGIN in a transaction"])
    c.state("select 1; select ';'")
    equal(case.new_violations(), ["several statements in one Query"])
    c.state("select ';' /* ; */;")
    equal(case.new_violations(), [])


def violation_of_values(case):
    c = Connection(case)
    c.outcome([statement("select $1::uuid", (2950,), (b"short",)), SYNC])
    equal(case.new_violations(), ["5 bytes for a value of the type 2950"])
    c.outcome([statement("select $1::uuid, $2::text", (2950, 25), (UUID,)), SYNC])
    equal(case.new_violations(), ["1 parameters for 2 types"])
    c.outcome([statement("select $1::point", (600,), (bytes(16),)), SYNC])
    equal(case.new_violations(), ["parameter of the type 600, which CockroachDB may not know"])
    c.outcome([statement("select $1::text[]", (1009,), (struct.pack("!iiI", 0, 0, 25),)), SYNC])
    equal(case.new_violations(), [])
    c.outcome([statement("select $1::text[]", (1009,), (struct.pack("!iiIiii", 1, 0, 17, 1, 1, 1) + b"x",)), SYNC])
    equal(case.new_violations(), ["an array of the type 1009 with wrong elements"])


def violation_is_of_hulykvs_only(case):
    c = Connection(case, application_name="psql")
    c.state("begin")
    c.state("commit")
    equal(case.new_violations(), [])


def fault_before(case):
    c = Connection(case)
    case.arm("2*40001:insert into t")
    equal([c.outcome([put(k), SYNC]) for k in (1, 2, 3)], ["40001", "40001", 1])
    equal(case.rows(), [3])


def fault_skips_to_sync(case):
    c = Connection(case)
    case.arm("0A000:insert into t")
    c.send(put(1), statement("select 1"), SYNC, statement("select 2"), SYNC)
    equal([c.take(), c.take()], ["0A000", 1])


def fault_at_commit(case):
    c = Connection(case)
    case.arm("sync-40003:insert into t")
    equal(c.outcome([put(1), SYNC]), "40003")
    equal(case.rows(), [])
    case.arm("after-40003:insert into t")
    equal(c.outcome([put(2), SYNC]), "40003")
    equal(case.rows(), [2])


def fault_ends_connection(case):
    for how, wanted in (("57P01", []), ("after-57P01", [1])):
        c = Connection(case)
        case.arm(how + ":insert into t")
        equal(c.outcome([put(1), SYNC]), "57P01")
        equal(case.rows(), wanted)
    for how, wanted in (("cut", [1]), ("after-cut", [1, 2])):
        c = Connection(case)
        case.arm(how + ":insert into t")
        try:
            c.outcome([put(2), SYNC])
            raise AssertionError("answered")
        except OSError:
            equal(case.rows(), wanted)


def fault_late(case):
    c = Connection(case)
    case.arm("late-40001:generate_series")
    c.send(statement("select repeat('x', 1000) from generate_series(1, 2000)"), SYNC)
    kinds = [c.read()[0] for _ in range(300)]
    equal(kinds.count(b"D") > 250, True)
    equal(c.take(), "40001")
    case.arm("late-40001:generate_series")
    equal(c.outcome([statement("select 1 from generate_series(1, 2)"), SYNC]), 1)


def fault_of_serialization_is_tried_again(case):
    one, two = Connection(case), Connection(case, application_name="psql")
    one.outcome([put(1), SYNC])
    two.query("begin")
    two.query("update t set v = 'a' where k = 1")
    one.send(statement("update t set v = v || 'b' where k = 1"), SYNC)
    time.sleep(0.2)
    two.query("commit")
    equal(one.take(), 1)
    case.arm("retries=0")
    two.query("begin")
    two.query("update t set v = 'a' where k = 1")
    one.send(statement("update t set v = v || 'b' where k = 1"), SYNC)
    time.sleep(0.2)
    two.query("commit")
    equal(one.take(), "40001")
    case.arm("retries=3")


def fault_safe_updates(case):
    c = Connection(case)
    case.arm("safe_updates=on")
    c = Connection(case)
    equal(c.state("drop index if exists public.kvs@kvs_namespace_key_key cascade"), "01000")
    equal(c.state("delete from t"), "01000")
    c.state("set sql_safe_updates = off")
    equal(c.state("drop index if exists public.kvs@kvs_namespace_key_key"), "2BP01")
    equal(c.state("drop index if exists public.kvs@kvs_namespace_key_key cascade"), [])
    case.arm("safe_updates=off")


def fault_of_a_role(case):
    now = "select cluster_logical_timestamp()::text"
    case.arm("read_committed=on", "follower_reads=on")
    c = Connection(case)
    equal(c.state(now), "0A000")
    c.state("select set_config('default_transaction_isolation', 'serializable', false)")
    equal(c.state("insert into t values (1, 'a')"), "25006")
    c.state("set default_transaction_use_follower_reads = off")
    equal(c.state("insert into t values (1, 'a')"), [])
    equal(len(c.query(now)), 1)
    case.arm("read_committed=off", "follower_reads=off")


def fault_idle_session(case):
    before = case.control.order(idle=True)["ended"]  # those of the cases before among them
    one, two, three = Connection(case), Connection(case), Connection(case, application_name="psql")
    two.state("select set_config('idle_in_session_timeout', '0', false)")
    three.state("begin")
    equal(case.control.order(idle=True)["ended"] - before, 1)
    equal(two.state("select 1"), [["1"]])
    equal(three.state("commit"), [])
    try:
        one.state("select 1")
    except (EOFError, OSError):
        pass
    else:
        raise AssertionError("the session goes on")


def session_is_cancelled(case):
    one, two = Connection(case), Connection(case)
    (session,), = one.query("show session_id")
    one.send(statement("select pg_sleep(60)"), SYNC)
    time.sleep(0.2)
    two.send(pgwire.message(b"Q", f"cancel session '{session}'\0".encode()))
    equal(two.answer()[0], (b"C", b"CANCEL SESSIONS 1\0"))
    try:
        one.answer()
        raise AssertionError("still there")
    except OSError:
        pass


def session_cancels_a_statement(case):
    c = Connection(case)
    key = c.key
    c.send(statement("select pg_sleep(60)"), SYNC)
    time.sleep(0.2)
    other = pgwire.connect(case.path)
    other.sendall(struct.pack("!II", 16, pgwire.CANCEL_REQUEST) + key)
    other.close()
    equal(c.take(), "57014")


def session_stalls(case):
    c = Connection(case)
    case.arm("stall1:insert into t")
    c.send(put(1), SYNC, put(2), SYNC)
    time.sleep(0.3)
    c.close()
    equal(case.rows(), [])
    deadline = time.monotonic() + 10
    while case.rows() != [1, 2] and time.monotonic() < deadline:
        time.sleep(0.1)
    equal(case.rows(), [1, 2])


def session_has_latency(case):
    c = Connection(case)
    case.arm("latency=50", "commit=100")
    began = time.monotonic()
    c.outcome([statement("select 1"), statement("select 2"), SYNC])
    reads = time.monotonic() - began
    c.outcome([put(1), SYNC])
    write = time.monotonic() - began - reads
    case.arm("latency=0", "commit=0")
    equal((reads >= 0.1, write >= 0.15), (True, True))


CHANGE = "alter table kvs alter primary key using columns (workspace, namespace, key)"
INDEX = "select count(*) from pg_indexes where tablename = 'kvs' and indexname = 'kvs_namespace_key_key'"


def change_leaves_the_old_key(case):
    c = Connection(case)
    c.query("alter table kvs alter column workspace set not null")
    c.query(CHANGE)
    equal(c.query(INDEX), [["1"]])
    equal(c.state("drop index kvs@kvs_namespace_key_key"), "2BP01")
    c.query("drop index kvs@kvs_namespace_key_key cascade")
    equal(c.query(INDEX), [["0"]])
    equal(case.new_violations(), [])


def change_goes_on_alone(case):
    c, other = Connection(case), Connection(case)
    c.query("alter table kvs alter column workspace set not null")
    case.arm("change=1000")
    c.send(pgwire.message(b"Q", CHANGE.encode() + b"\0"))
    threading.Timer(0.3, c.close).start()
    time.sleep(0.5)
    equal(other.state("alter table kvs add column c int8"), "55000")
    equal(other.state("insert into kvs values ('n', 'k', gen_random_uuid())"), [])
    equal(other.query(INDEX), [["0"]])
    case.arm("change=0")
    deadline = time.monotonic() + 10
    while other.query(INDEX) != [["1"]] and time.monotonic() < deadline:
        time.sleep(0.1)
    equal(other.query(INDEX), [["1"]])


def main(path, database, violations, prefix):
    passed = failed = 0
    for name, case in list(globals().items()):
        if not name.startswith(prefix + "_"):
            continue
        try:
            case(Case(path, database, violations))
            passed += 1
        except (AssertionError, OSError, pgwire.Refused) as e:
            print(f"{name}: {type(e).__name__}: {e}")
            failed += 1
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
