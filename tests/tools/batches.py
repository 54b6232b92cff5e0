#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Breaks the database's protocol under a batch of writes, and judges every member of it for itself.

    batches.py PROGRAM-SOCKET PROXY-CONTROL DATABASE-URL

The program (HULY_WORKERS=1) gets its requests directly in FastCGI, since that lets the test know when it has read
everything: a first write is held in the proxy, eight more are sent, and when a request for /livez sent after
them is answered, they are all in the program and form the next batch.  The fault hits the fourth of them.

Prints a line for each failure and ends with "N passed, N failed".  Python standard library only.
"""
import hashlib
import os
import sys
import time

import audit
import http1
import control
import fcgi_peer

from protocol import DONE, FAULT, REFUSED, TOO_LONG, UNKNOWN, error, name_of

NS = "batches"
HIT = 3  # which of the members the fault is meant for

# A batch is a list of (statement, how); members are in the order of their keys, as they are sent.
GROUPS = {
    "puts": ["put"] * 8,
    "each its own": ["put_if_absent"] * 8,
    "mixed": ["put_if_absent", "put", "delete", "put", "put", "put_if_match", "delete", "put"],
}

# What the member that is hit may end as, and what the others may.  A batch that fails as one statement is done
# again member by member, and the fault happens once: so its member may end well too.
CASES = [
    (error("40001"), {DONE}, {DONE}),
    (error("40P01"), {DONE}, {DONE}),
    (error("25006"), {DONE}, {DONE}),
    (error("53100"), {DONE, REFUSED}, {DONE}),
    (error("57014"), {DONE, REFUSED}, {DONE}),
    (error("54000"), {DONE, TOO_LONG}, {DONE}),
    (error("XX000"), {DONE, FAULT}, {DONE}),
    (error("40001", where="sync"), {DONE}, {DONE}),
    (error("53100", where="sync"), {DONE}, {DONE}),
    (error("40001", cut=True), {DONE}, {DONE}),
    (error("53100", cut=True), {DONE, REFUSED}, {DONE}),
    (error("53100", where="sync", cut=True), {DONE}, {DONE}),
    (error("40003"), {UNKNOWN}, {DONE, UNKNOWN}),
    (error("40003", where="sync"), {UNKNOWN}, {UNKNOWN}),
    (error("40003", where="sync", ran=True), {UNKNOWN}, {UNKNOWN}),
    (error("57P01", fatal=True), {UNKNOWN}, {DONE, UNKNOWN}),
    (error("57P01", fatal=True, where="sync", ran=True), {UNKNOWN}, {UNKNOWN}),
    (error("58030", fatal=True, where="sync", ran=True), {UNKNOWN}, {UNKNOWN}),
    (error("53100", fatal=True, where="sync", ran=True), {UNKNOWN}, {UNKNOWN}),
    ({"do": "cut_before_execute"}, {UNKNOWN}, {DONE, UNKNOWN}),
    ({"do": "cut_after_sync"}, {UNKNOWN}, {UNKNOWN}),
    ({"do": "cut_before_ready"}, {UNKNOWN}, {UNKNOWN}),
    (None, {DONE}, {DONE}),
]


class Member:
    def __init__(self, run, statement, key):
        self.statement, self.key = statement, key
        self.old = None if statement in ("put", "put_if_absent") else b"old " + key.encode()
        self.value = None if statement.startswith("delete") else b"new " + key.encode()
        self.peer, self.bearer = fcgi_peer.Peer(run.socket), run.bearer

    def uri(self):
        return f"/api2/{http1.WS}/{NS}/{self.key}"

    def send(self, method, uri, body=None, fields=None):
        fields = {"Authorization": "Bearer " + self.bearer, **(fields or {})}
        env = fcgi_peer.environment(method, uri, None if body is None else len(body), fields)
        self.peer.begin(1)
        self.peer.params(1, env)
        self.peer.stdin(1, body or b"")

    def ask(self, *request):
        self.send(*request)
        return self.peer.read_answer(1)

    def prepare(self):
        if self.old is not None:
            self.ask("PUT", self.uri(), self.old)

    def start(self):
        fields = {}
        if self.statement == "put_if_absent":
            fields = {"If-None-Match": "*"}
        elif self.statement == "put_if_match":
            fields = {"If-Match": '"%s"' % hashlib.md5(self.old).hexdigest()}
        self.send("DELETE" if self.value is None else "PUT", self.uri(), self.value, fields)

    def finish(self):
        """How it ended."""
        answer = self.peer.read_answer(1)
        if answer.status in (201, 204):
            return DONE
        if answer.status == 503:
            return UNKNOWN if b"Outcome unknown" in answer.body else REFUSED
        return {500: FAULT, 414: TOO_LONG}.get(answer.status, str(answer.status))

    def now(self):
        answer = self.ask("GET", self.uri())
        return answer.body if answer.status == 200 else None


class Run:
    def __init__(self, socket, control_path, database):
        self.socket, self.database = socket, database
        self.bearer = http1.token()
        self.proxy = control.Control(control_path)
        self.number = self.passed = self.failed = 0
        self.ended = []  # (label, member, outcome)

    def fail(self, label, what):
        self.failed += 1
        print(f"{label}: {what}")

    def wait_held(self):
        deadline = time.monotonic() + 10
        while self.proxy.order(status=True)["holding"] == 0:
            if time.monotonic() > deadline:
                raise AssertionError("nothing is held")
            time.sleep(0.005)

    def hold(self):
        """A write that has been carried out and not answered."""
        gate = Member(self, "put", f"gate{self.number}")
        self.proxy.order(disarm=True)
        self.proxy.order(arm={"statement": "put", "do": "hold"})
        gate.start()
        self.wait_held()
        return gate

    def try_fault(self, batch, fault, hit, others):
        self.number += 1
        label = f"{batch}, {name_of(fault) if fault else 'one too long'}"
        members = [Member(self, s, f"g{self.number}-{i}") for i, s in enumerate(GROUPS[batch])]
        if fault is None:
            self.make_too_long(members)
            hit = {TOO_LONG}
        for m in members:
            m.prepare()
        gate = self.hold()
        for m in members:
            m.start()
        if Member(self, "put", "x").ask("GET", "/livez").status != 200:
            self.fail(label, "/livez does not answer")
        if fault is not None:
            self.proxy.order(arm={"statement": members[HIT].statement, "key": members[HIT].key, **fault})
        self.proxy.order(release=True)
        gate.finish()
        ends = [m.finish() for m in members]
        self.judge(label, members, ends, hit, others, fault)

    def make_too_long(self, members):
        """Longer than what a B-tree takes, and not to be compressed; in its place among the others."""
        members[HIT].key += "-" + os.urandom(3000).hex()

    def judge(self, label, members, ends, hit, others, fault):
        before = self.failed
        status = self.proxy.order(status=True)
        if fault is not None and status["fired"] != 2:
            self.fail(label, "the fault did not happen")
        keys = [[k for _, ks in transaction for k in ks] for transaction in status["transactions"]]
        seen = members[:HIT + 1] if fault is not None and fault["do"] == "cut_before_execute" else members
        if not any({m.key for m in seen} <= set(transaction) for transaction in keys):
            self.fail(label, "they were no batch")
        for i, (m, end) in enumerate(zip(members, ends)):
            if end not in (hit if i == HIT else others):
                self.fail(label, f"member {i} ended as {end}")
            now = m.now()
            if end == DONE and now != m.value or end in (REFUSED, TOO_LONG, FAULT) and now != m.old:
                self.fail(label, f"member {i} ended as {end}, and is {now}")
            self.ended.append((label, m, end))
        self.passed += self.failed == before

    def look_at_effects(self):
        counted = audit.Effects(self.database)
        for label, m, end in self.ended:
            times = counted.of(m.key, m.value)
            if times > 1 or (end == DONE and times != 1) or (end not in (DONE, UNKNOWN) and times):
                self.fail(label, f"{m.statement} of {m.key[:9]} ended as {end} and took effect {times} times")

    def wait_ready(self):
        deadline = time.monotonic() + 10
        while Member(self, "put", "x").ask("GET", "/readyz").status != 200:
            if time.monotonic() > deadline:
                raise AssertionError("not ready")
            time.sleep(0.005)

    def run(self):
        self.wait_ready()
        for batch in GROUPS:
            for case in CASES:
                self.try_fault(batch, *case)
        self.look_at_effects()
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(Run(*sys.argv[1:]).run())
