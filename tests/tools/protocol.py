#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Breaks the database's protocol at every place, one request at a time, and judges what the client was told.

    protocol.py [--only TEXT] writes|rest BASE-URL PROXY-CONTROL DATABASE-URL

writes: PUT and DELETE of one key.  rest: batches, and all that reads.

The program's connection goes through pg_proxy.py; the database has audit.sql.  Every case is one fault of the
proxy under one kind of request.  What is looked at: the answer, how often the write took effect (audit), how
often the proxy sent it, and what the service says of the key afterwards.

Prints a line for each failure and ends with "N passed, N failed".  Python standard library only.
"""
import argparse
import base64
import hashlib
import json
import os
import sys

import audit
import http1
import control

NS = "protocol"
DONE, UNKNOWN, REFUSED, FAULT, TOO_LONG = "done", "unknown", "refused", "fault", "too long"


def error(code, **more):
    return {"do": "error", "code": code, **more}


def name_of(fault):
    return " ".join(str(v) if not isinstance(v, bool) else k for k, v in fault.items() if v)


# What a write is to end as, and how often it then has taken effect.
WRITE_FAULTS = [
    ({"do": "cut_before_execute"}, UNKNOWN, 0),
    ({"do": "cut_after_sync"}, UNKNOWN, 1),
    ({"do": "cut_before_ready"}, UNKNOWN, 1),
    ({"do": "delay", "seconds": 0.2}, DONE, 1),
    # Certainly rolled back: done again behind the client's back.
    (error("40001"), DONE, 1),
    (error("40P01"), DONE, 1),
    (error("55P03"), DONE, 1),
    (error("25006"), DONE, 1),
    (error("0A000"), DONE, 1),
    (error("26000"), DONE, 1),
    (error("40001", where="sync"), DONE, 1),
    (error("25006", where="sync"), DONE, 1),
    # Rolled back, and no use in trying at once.
    (error("53100"), REFUSED, 0),
    (error("53200"), REFUSED, 0),
    (error("53100", where="sync"), REFUSED, 0),
    (error("54000"), TOO_LONG, 0),
    (error("XX000"), FAULT, 0),
    # The same, and the connection ends behind the error.
    (error("40001", cut=True), DONE, 1),
    (error("25006", cut=True), DONE, 1),
    (error("53100", cut=True), REFUSED, 0),
    (error("54000", cut=True), TOO_LONG, 0),
    (error("40001", where="sync", cut=True), DONE, 1),
    (error("53100", where="sync", cut=True), REFUSED, 0),
    # Nobody can tell.
    (error("40003"), UNKNOWN, 0),
    (error("40003", ran=True), UNKNOWN, 1),
    (error("40003", where="sync"), UNKNOWN, 0),
    (error("40003", where="sync", ran=True), UNKNOWN, 1),
    (error("57P01", fatal=True), UNKNOWN, 0),
    (error("57P01", fatal=True, ran=True), UNKNOWN, 1),
    (error("57P01", fatal=True, where="sync", ran=True), UNKNOWN, 1),
    (error("57P02", fatal=True), UNKNOWN, 0),
    # The log could not be synced, and the server ended itself; whether its recovery finds the commit, nobody knows.
    (error("58030", fatal=True, where="sync", ran=True), UNKNOWN, 1),
    (error("53100", fatal=True, where="sync", ran=True), UNKNOWN, 1),
    (error("XX000", fatal=True), UNKNOWN, 0),
    (error("08006", fatal=True, ran=True), UNKNOWN, 1),
]

# CockroachDB overwrites with it whatever the statement ended with.
COCKROACHDB = os.environ.get("WORLD_DATABASE") == "cockroachdb"
WRITE_FAULTS += [(error("57014"), UNKNOWN, 0), (error("57014", where="sync", ran=True), UNKNOWN, 1)] if COCKROACHDB \
    else [(error("57014"), REFUSED, 0)]

# A read is done again until its deadline, but where that is of no use.
READ_OUTCOMES = {"53100": REFUSED, "53200": REFUSED, "54000": TOO_LONG, "XX000": FAULT}
if not COCKROACHDB:
    READ_OUTCOMES["57014"] = REFUSED


def read_outcome(make, fault):
    at_sync = fault.get("where") == "sync"
    if make is List and fault["do"] == "error":
        if at_sync:
            return DONE  # all rows were there
        if fault.get("ran") and (fault.get("fatal") or fault["code"] == "40003"):
            return DONE  # the next page begins behind the last key that was seen
        if fault.get("ran") or fault["code"] == "54000":
            return REFUSED  # a key has been seen, so it cannot begin anew
    return DONE if fault.get("fatal") else READ_OUTCOMES.get(fault.get("code"), DONE)


# These end by the deadline of the request.
SLOW_WRITE_FAULTS = [
    ({"do": "blackhole"}, UNKNOWN, 0),
    ({"do": "blackhole", "after": "sync"}, UNKNOWN, 1),
]
SLOW_READ_FAULTS = [({"do": "blackhole"}, REFUSED, 0)]


def sends_of(fault, outcome):
    """How often the Execute of a write may have gone to the server, which has failed it where it is done again."""
    if fault["do"] == "cut_before_execute":
        return 0
    return 2 if fault.get("where") == "sync" and outcome == DONE else 1


class Case:
    """One request that a fault is to hit; value is what the key holds if it is carried out."""
    method, statement, is_write, before = "GET", "get", False, True
    done = (200,)

    def __init__(self, key):
        self.key = key
        self.old = b"old " + key.encode() if self.before else None
        self.value = self.old if not self.is_write else b"new " + key.encode()
        self.fields = {}

    def tag(self):
        return '"%s"' % hashlib.md5(self.old).hexdigest()

    def path(self):
        return f"/api2/{http1.WS}/{NS}/{self.key}"

    def body(self):
        return self.value if self.method == "PUT" else None

    def is_right(self, answer):
        """Whether an answer of success says what it should."""
        return self.is_write or answer.body == self.old


class Put(Case):
    method, statement, is_write, before, done = "PUT", "put", True, False, (204,)


class PutOver(Put):
    before = True


class PutIfAbsent(Put):
    statement, done = "put_if_absent", (201,)

    def __init__(self, key):
        super().__init__(key)
        self.fields = {"If-None-Match": "*"}


class PutIfPresent(PutOver):
    statement = "put_if_present"

    def __init__(self, key):
        super().__init__(key)
        self.fields = {"If-Match": "*"}


class PutIfMatch(PutOver):
    statement = "put_if_match"

    def __init__(self, key):
        super().__init__(key)
        self.fields = {"If-Match": self.tag()}


class Delete(Case):
    method, statement, is_write, done = "DELETE", "delete", True, (204,)

    def __init__(self, key):
        super().__init__(key)
        self.value = None


class DeleteIfMatch(Delete):
    statement = "delete_if_match"

    def __init__(self, key):
        super().__init__(key)
        self.fields = {"If-Match": self.tag()}


class Head(Case):
    method, statement = "HEAD", "head"

    def is_right(self, answer):
        return answer.fields["etag"] == self.tag()


class List(Case):
    statement = "list_below"

    def path(self):
        return f"/api2/{http1.WS}/{NS}?prefix={self.key}"

    def is_right(self, answer):
        return f'"keys":["{self.key}"]'.encode() in answer.body


class Batch(PutOver):
    """Writes a second key, too, which has to have the same fate."""
    method, statement, done = "POST", "put_if_present", (200,)

    def __init__(self, key):
        super().__init__(key)
        self.fields = {"Content-Type": "application/json"}
        self.second = f"{key}-second"

    def path(self):
        return f"/api2/{http1.WS}/{NS}"

    def body(self):
        value = base64.b64encode(self.value).decode()
        return json.dumps({"operations": [{"op": "put", "key": self.second, "value": value},
                                          {"op": "put", "key": self.key, "value": value, "if_match": "*"}]}).encode()

    @staticmethod
    def outcome(fault, outcome, effects):
        """Before COMMIT nothing can be in doubt; it is done again as a whole."""
        return (DONE, 1) if outcome == UNKNOWN else (outcome, effects)


class BatchBegin(Batch):
    statement = "begin"


class BatchCommit(Batch):
    statement = "commit"

    @staticmethod
    def outcome(fault, outcome, effects):
        """None where the fault would be a lie: at the Sync, COMMIT has committed."""
        return None if fault.get("where") == "sync" and not fault.get("ran") else (outcome, effects)


class BatchOfReads(Case):
    method, statement = "POST", "get_batch"

    def __init__(self, key):
        super().__init__(key)
        self.fields = {"Content-Type": "application/json"}

    def path(self):
        return f"/api2/{http1.WS}/{NS}"

    def body(self):
        return json.dumps({"operations": [{"op": "get", "key": self.key}]}).encode()

    def is_right(self, answer):
        return [base64.b64decode(r["value"]) for r in json.loads(answer.body)["results"]] == [self.old]


def outcome_of(case, answer):
    if answer.status in case.done:
        return DONE
    if answer.is_unknown():
        return UNKNOWN
    return {503: REFUSED, 500: FAULT, 414: TOO_LONG}.get(answer.status, str(answer.status))


class Run:
    def __init__(self, options):
        self.options = options
        self.connection = http1.Connection(options.base, http1.token())
        self.proxy = control.Control(options.control)
        self.number = self.failed = 0
        self.done = []  # (label, case, effects that there are to be)

    def fail(self, label, what):
        self.failed += 1
        print(f"{label}: {what}")

    def put(self, case, value):
        path = f"/api2/{http1.WS}/{NS}/{case.key}"
        for _ in range(10):  # the connection may still be being made again
            answer = self.connection.ask("PUT", path, value)
            if answer.status == 204:
                return
        raise AssertionError(f"a PUT without a fault: {answer.status} {answer.body}")

    def try_fault(self, make, fault, outcome, effects):
        self.number += 1
        case = make(f"k{self.number}")
        label = f"{make.__name__}, {name_of(fault)}"
        if self.options.only and self.options.only not in label:
            return
        if case.before:
            self.put(case, case.old)
        self.proxy.order(disarm=True)
        self.proxy.order(arm={"statement": case.statement, **fault})
        answer = self.connection.ask(case.method, case.path(), case.body(), case.fields)
        status = self.proxy.order(status=True)
        self.done.append((label, case, effects))
        if status["fired"] != 1:
            self.fail(label, "the fault did not happen")
        got = outcome_of(case, answer)
        if got != outcome:
            self.fail(label, f"ended as {got} ({answer.body[:60]!r}), not {outcome}")
        if got == DONE and not case.is_right(answer):
            self.fail(label, f"answered {answer.fields} {answer.body[:60]!r}")
        if answer.status == 503 and ("retry-after" in answer.fields) != (got != UNKNOWN):
            self.fail(label, "Retry-After belongs to every 503 but an unknown outcome")
        sent = status["forwarded"].get(case.statement, {}).get(case.key, 0)
        if case.is_write and not isinstance(case, Batch) and sent > sends_of(fault, outcome):
            self.fail(label, f"sent to the server {sent} times")
        self.look_again(label, case, effects)

    def look_again(self, label, case, effects):
        self.proxy.order(disarm=True)
        answer = self.connection.ask("GET", f"/api2/{http1.WS}/{NS}/{case.key}")
        want = case.value if effects or not case.is_write else case.old
        if (answer.status, answer.body) != ((404, b"") if want is None else (200, want)):
            self.fail(label, f"afterwards the key is {answer.status} {answer.body[:40]!r}, not {want!r}")

    def look_at_effects(self):
        counted = audit.Effects(self.options.database)
        for label, case, effects in self.done:
            got = counted.of(case.key, case.value)
            if case.is_write and got != effects:
                self.fail(label, f"took effect {got} times, not {effects}")
            if isinstance(case, Batch) and counted.of(case.second, case.value) != effects:
                self.fail(label, f"a part of it took effect {counted.of(case.second, case.value)} times, not {effects}")

    def writes(self):
        for make in (Put, PutOver, PutIfAbsent, PutIfPresent, PutIfMatch, Delete, DeleteIfMatch):
            for fault in WRITE_FAULTS:
                self.try_fault(make, *fault)
        for fault in SLOW_WRITE_FAULTS:
            self.try_fault(Put, *fault)

    def rest(self):
        for make in (Batch, BatchBegin, BatchCommit):
            for fault, outcome, effects in WRITE_FAULTS:
                if found := make.outcome(fault, outcome, effects):
                    self.try_fault(make, fault, *found)
        for make in (Case, Head, List, BatchOfReads):
            for fault, _, _ in WRITE_FAULTS:
                self.try_fault(make, fault, read_outcome(make, fault), 0)
        for fault in SLOW_WRITE_FAULTS:
            self.try_fault(BatchCommit, *fault)
        self.try_fault(Batch, {"do": "blackhole"}, REFUSED, 0)
        for make in (Case, List):
            for fault in SLOW_READ_FAULTS:
                self.try_fault(make, *fault)

    def run(self):
        {"writes": self.writes, "rest": self.rest}[self.options.part]()
        self.look_at_effects()
        print(f"{len(self.done) - self.failed} passed, {self.failed} failed")
        return 1 if self.failed or not self.done else 0


def main():
    parser = argparse.ArgumentParser(description="breaks the database's protocol at every place")
    parser.add_argument("--only", help="cases whose label holds this")
    parser.add_argument("part", choices=("writes", "rest"))
    parser.add_argument("base")
    parser.add_argument("control")
    parser.add_argument("database")
    return Run(parser.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
