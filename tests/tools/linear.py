#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Records what concurrent clients see of single keys while the database's connection breaks, and checks that each
key behaved as one register: that its requests can be put in an order that fits their times and their answers.

Every third key is in fact a set of keys, which are written by batches only, all of them to the same value, or all
deleted; a condition of a write is that of one of them.  If a batch is all or nothing, they are one register, too,
whether they are read by a batch or one of them alone.  A batch that finds them different is wrong by itself.

    linear.py [--seconds N] [--requests N] [--clients N] [--keys N] [--seed N] [--plant BUG]
              BASE-URL PROXY-CONTROL
    linear.py --check-itself

In each round every key has its own clients, which send plain and conditional PUTs and DELETEs and GETs.  A write
whose outcome the client does not know may take effect at any later time, or never; one that was refused must not.
Meanwhile pg_proxy.py cuts and errors the program's connections.  --plant, in place of these, makes an error
which the checker has to find:
"stale" (the proxy answers reads with what it answered before), "repeat" (a write that is done is sent once more
and not recorded), "lost" (a write is acknowledged and never sent).

The search is that of Wing and Gong, with Lowe's cache of the configurations seen; the few
histories that would take it too long count as undecided.  Ends with 0 if every history is
linearizable, 3 if one is not, 1 for anything else.  Python standard library only.
"""
import argparse
import base64
import collections
import hashlib
import json
import random
import sys
import threading
import time

import http1
import control

NS = "linear"
SET = "abc"  # the keys of a set
JSON = {"Content-Type": "application/json"}
CONDITIONS = {"If-Match": "if_match", "If-None-Match": "if_none_match"}
NEVER = float("inf")
ABSENT = None
CONFIGURATIONS_MAX = 150_000  # of one search; beyond them another is begun, which looks in another order
SEARCHES_MAX = 6
UNDECIDED_MAX = 0.05  # of all histories
NOT_LINEARIZABLE = 3

# One request.  what: put, put_match, put_new, delete, delete_match, get.  arg: the tag that If-Match names.  value:
# the tag that a PUT writes, or that a GET has seen.  ended: NEVER and status None where the outcome is unknown.
Op = collections.namedtuple("Op", "what arg value status began ended client")


def tag_of(value):
    return hashlib.md5(value).hexdigest()


class Wrong(Exception):
    """An answer that this request cannot have, whatever the state."""


def condition_holds(op, state):
    if op.what in ("put_match", "delete_match"):
        return state is not ABSENT and state == op.arg
    if op.what == "put_new":
        return state is ABSENT
    return True


def effect(op, state):
    """The state after a write that is carried out in this one."""
    if not condition_holds(op, state):
        return state
    return op.value if op.what.startswith("put") else ABSENT


def apply(op, state):
    """(whether the answer fits, the state afterwards)"""
    if op.status is None:
        return True, effect(op, state)
    if op.what == "get":
        return state == op.value, state
    if op.status == 412:
        return not condition_holds(op, state), state
    if op.status == 404:
        return state is ABSENT, state
    present = op.what not in ("delete", "delete_match") or state is not ABSENT
    return condition_holds(op, state) and present, effect(op, state)


class Undecided(Exception):
    pass


class Search:
    """Puts the requests of one history in order.

    A configuration is which requests are in order already, and the state after them.  Requests are sorted by their
    begin; all before `low` are in order, so that only those around it are told apart, in the bits of `ahead`.
    Three things keep it small.  What is certain is tried first, what ended first before all.  A value that nobody
    has read or named is like any other such.  Of unknown writes that do the same, the first begun stands for all.
    """

    def __init__(self, ops, jitter=0.0):
        dice = random.Random(jitter)
        ops = sorted(ops, key=lambda op: op.began)
        known = {op.arg for op in ops} | {op.value for op in ops if op.what == "get"} | {ABSENT}
        self.ops = [op if op.value in known else op._replace(value="other") for op in ops]
        self.likely = [op.ended + dice.random() * jitter for op in ops]
        self.certain = sum(op.ended != NEVER for op in ops)
        self.seen = set()
        self.best = (-1, 0, 0, ABSENT)

    def stuck(self):
        """None where there is an order; else the requests of which one would have to come next, and the state then."""
        stack = [(0, 0, ABSENT, 0)]
        while stack:
            low, ahead, state, done = stack.pop()
            if done == self.certain:
                return None
            if done > self.best[0]:
                self.best = (done, low, ahead, state)
            for i, op in self.candidates(low, ahead):
                fits, after = apply(op, state)
                if not fits or (op.status is None and after == state):
                    continue
                new = pack(low, ahead | 1 << (i - low)) + (after,)
                if new not in self.seen:
                    self.seen.add(new)
                    stack.append(new + (done + (op.status is not None),))
            if len(self.seen) > CONFIGURATIONS_MAX:
                raise Undecided
        return [op for _, op in self.candidates(*self.best[1:3])], self.best[3]

    def candidates(self, low, ahead):
        """Those that may come next, begun before the first end of any that is not in order; the likeliest last."""
        first_end, certain, unknown = NEVER, [], {}
        for i in range(low, len(self.ops)):
            op = self.ops[i]
            if op.began > first_end:
                break
            if ahead >> (i - low) & 1:
                continue
            if op.status is None:
                unknown.setdefault((op.what, op.arg, op.value), (i, op))
            else:
                certain.append((i, op))
                first_end = min(first_end, op.ended)
        certain.sort(key=lambda pair: -self.likely[pair[0]])
        return list(unknown.values()) + certain


def pack(low, ahead):
    """Moves low behind what is in order without a gap."""
    while ahead & 1:
        ahead >>= 1
        low += 1
    return low, ahead


# --- the recorder ---


class History:
    """Of one key."""

    def __init__(self, key):
        self.key, self.ops, self.lock = key, [], threading.Lock()
        self.refused = []  # writes that must not have taken effect
        self.tags = collections.deque([tag_of(b"")], maxlen=3)  # seen lately, for If-Match

    def path(self):
        return f"/api2/{http1.WS}/{NS}/{self.key}"

    def add(self, op):
        with self.lock:
            self.ops.append(op)
            if op.value is not ABSENT:
                self.tags.append(op.value)

    def a_tag(self, dice):
        with self.lock:
            return dice.choice(self.tags)


class SetHistory(History):
    """Of several keys as one register."""

    def __init__(self, key):
        super().__init__(key)
        self.keys = [f"{key}-{part}" for part in SET]

    def path(self):
        return f"/api2/{http1.WS}/{NS}"

    def operations(self, method, value, fields, dice):
        """What a batch does to all of them; a condition counts for one."""
        operations = [{"op": method.lower(), "key": key} for key in dice.sample(self.keys, len(self.keys))]
        for operation in operations:
            if value is not None:
                operation["value"] = base64.b64encode(value).decode()
        dice.choice(operations).update({CONDITIONS[name]: text for name, text in fields.items()})
        return operations

    @staticmethod
    def answer_of(answer):
        """The answer to a batch as if one key had been asked for."""
        if answer.status != 200:
            return answer
        results = json.loads(answer.body)["results"]
        # A put says 201 where it stands under If-None-Match, whatever the others say.
        seen = {(201 if any(r["status"] == 201 for r in results) else r["status"], r.get("value")) for r in results}
        if len(results) != len(SET) or len(seen) != 1:
            raise Wrong(f"a batch that is done in parts: {results}")
        status, text = seen.pop()
        return http1.Answer(status, {}, base64.b64decode(text or ""))


# What each kind of request is to be answered.
STATUSES = {"put": {204}, "put_match": {204, 412}, "put_new": {201, 412}, "delete": {204, 404},
            "delete_match": {204, 412}, "get": {200, 404}}
KINDS = ["put"] * 5 + ["put_match"] * 4 + ["put_new"] * 3 + ["delete"] * 2 + ["delete_match"] * 2 + ["get"] * 6


class Client(threading.Thread):
    def __init__(self, number, history, options, until):
        super().__init__(daemon=True)
        self.number, self.history, self.options, self.until = number, history, options, until
        self.dice = random.Random(f"{options.seed} {history.key} {number}")
        self.connection = http1.Connection(options.base, http1.token())
        self.count, self.wrong = collections.Counter(), []

    def run(self):
        for i in range(self.options.requests // self.options.clients):
            if time.monotonic() > self.until:
                break
            try:
                self.request(self.dice.choice(KINDS), i)
            except Wrong as e:
                self.wrong.append(str(e))
        self.connection.close()

    def request(self, what, i):
        value, fields, arg = None, {}, None
        if what.startswith("put"):
            value = f"{self.history.key} {self.number} {i}".encode()
        if what.endswith("match"):
            arg = self.history.a_tag(self.dice)
            fields["If-Match"] = f'"{arg}"'
        elif what == "put_new":
            fields["If-None-Match"] = "*"
        method = what.split("_", maxsplit=1)[0].upper()
        began = time.monotonic()
        answer, sent = self.ask(method, value, fields)
        self.record(Op(what, arg, value and tag_of(value), None, began, NEVER, self.number), answer, sent)

    def ask(self, method, value, fields):
        self.count["requests"] += 1
        lost = self.options.plant == "lost" and method == "PUT" and not fields and self.dice.random() < 0.1
        if lost:
            return http1.Answer(204, {}, b""), True
        try:
            answer = self.send(method, value, fields)
        except http1.NotAsked:
            time.sleep(0.01)  # the web server is away: no use in hurrying
            return None, False
        except http1.NoAnswer:
            return None, True
        if self.options.plant == "repeat" and method == "PUT" and not fields and answer.status == 204:
            threading.Thread(target=self.repeat, args=(value,), daemon=True).start()
        return answer, True

    def send(self, method, value, fields, connection=None):
        connection = connection or self.connection
        if not isinstance(self.history, SetHistory):
            return connection.ask(method, self.history.path(), value, fields)
        if method == "GET" and self.dice.random() < 0.5:
            return connection.ask(method, self.history.path() + "/" + self.dice.choice(self.history.keys))
        self.count["batches"] += 1
        body = json.dumps({"operations": self.history.operations(method, value, fields, self.dice)}).encode()
        return self.history.answer_of(connection.ask("POST", self.history.path(), body, JSON))

    def repeat(self, value):
        with http1.Connection(self.options.base, http1.token()) as c:
            try:
                self.send("PUT", value, {}, c)
            except (http1.NotAsked, http1.NoAnswer):
                pass

    def record(self, op, answer, sent):
        """A read without an answer, and a write that was refused, say nothing."""
        ended = time.monotonic()
        if answer is None or answer.is_unknown():
            if sent and op.what != "get":
                self.count["unknown"] += 1
                self.history.add(op)
            else:
                self.count["unread" if sent else "not_sent"] += 1
        elif answer.status == 503:
            self.count["refused"] += 1
            self.history.refused.append(op._replace(status=503, ended=ended))
            time.sleep(0.01)  # the database is away
        elif answer.status not in STATUSES[op.what]:
            raise Wrong(f"{op.what}: {answer.status}")
        else:
            self.count["answered"] += 1
            seen = tag_of(answer.body) if op.what == "get" and answer.status == 200 else op.value
            self.history.add(op._replace(status=answer.status, value=seen, ended=ended))


# What the database's connection may suffer without a lie about a write: an error in place of a statement's answer
# says that nothing behind it in the transaction was run, so only where a commit fails may all have been.
FAULTS = [
    {"do": "cut_before_execute"}, {"do": "cut_after_sync"}, {"do": "cut_before_ready"},
    {"do": "delay", "seconds": 0.03}, {"do": "error", "code": "40001"},
    {"do": "error", "code": "40001", "where": "sync"}, {"do": "error", "code": "53100"},
    {"do": "error", "code": "40003"}, {"do": "error", "code": "40003", "where": "sync"},
    {"do": "error", "code": "40003", "where": "sync", "ran": True},
    {"do": "error", "code": "57P01", "fatal": True},
    {"do": "error", "code": "57P01", "fatal": True, "where": "sync", "ran": True},
]
STATEMENTS = ["put", "put_if_absent", "put_if_match", "delete", "delete_if_match", "get"]
BATCH_STATEMENTS = ["begin", "begin_serializable", "get_batch", "put", "put_if_match", "delete", "in_time", "commit"]


class Trouble(threading.Thread):
    """Orders a fault whenever the one before has shown, and cuts everything now and then."""

    def __init__(self, options):
        super().__init__(daemon=True)
        self.options, self.dice, self.stopping = options, random.Random(options.seed), threading.Event()
        self.control = control.Control(options.control)
        self.fired = self.cuts = 0
        self.story = collections.deque(maxlen=20)  # of the last faults

    def next_fault(self):
        if self.options.plant == "stale":
            return {"do": "stale", "statement": "get"}
        fault, of_batch = self.dice.choice(FAULTS), self.dice.random() < 0.3
        statement = self.dice.choice(BATCH_STATEMENTS if of_batch else STATEMENTS)
        # COMMIT has committed when the Sync comes, so an error there cannot say that all is rolled back.
        if statement in ("in_time", "commit") and fault.get("where") == "sync" and not fault.get("ran"):
            statement = "put"
        return {**fault, "statement": statement, "n": self.dice.randint(1, 2 if of_batch else 8)}

    def run(self):
        if self.options.plant in ("repeat", "lost"):
            return  # these need no help
        before = self.control.order(status=True)["fired"]
        while not self.stopping.wait(0.03):
            status = self.control.order(status=True)
            self.fired = status["fired"] - before
            if status["armed"] == 0:  # the proxy knows one fault in a transaction
                fault = self.next_fault()
                self.story.append((time.monotonic(), fault))
                self.control.order(arm=fault)
            if self.options.plant is None and self.dice.random() < 0.02:
                self.control.order(cut=True)
                self.cuts += 1

    def stop(self):
        self.stopping.set()
        self.join()
        self.control.order(disarm=True)


def read_all(c, history):
    if not isinstance(history, SetHistory):
        return c.ask("GET", history.path())
    body = json.dumps({"operations": [{"op": "get", "key": key} for key in history.keys]}).encode()
    return history.answer_of(c.ask("POST", history.path(), body, JSON))


def read_at_last(history, options):
    """The state in which the key is left, when nothing is under way any more."""
    until = time.monotonic() + 20
    with http1.Connection(options.base, http1.token()) as c:
        while time.monotonic() < until:
            began = time.monotonic()
            try:
                answer = read_all(c, history)
            except (http1.NotAsked, http1.NoAnswer):
                continue
            if answer.status in (200, 404):
                value = tag_of(answer.body) if answer.status == 200 else ABSENT
                history.add(Op("get", None, value, answer.status, began, time.monotonic(), "last"))
                return
            time.sleep(0.02)
    raise Wrong("the key cannot be read at last")


def play_round(number, options, until):
    """(histories, clients), with all requests answered."""
    histories = [(SetHistory if k % 3 == 2 else History)(f"{options.seed}-{number}-{k}") for k in range(options.keys)]
    clients = [Client(n, h, options, until) for h in histories for n in range(options.clients)]
    for c in clients:
        c.start()
    for c in clients:
        c.join()
    for h in histories:
        read_at_last(h, options)
    return histories, clients


def describe(op, start):
    ended = "unknown" if op.ended == NEVER else f"{op.ended - start:.4f}"
    return (f"  {op.began - start:.4f} to {ended}, client {op.client}: {op.what} {(op.arg or '')[:6]} "
            f"{short(op.value)} -> {op.status}")


def short(state):
    return "absent" if state is ABSENT else state[:6]


def judge(history, count, story):
    """Lines about what is wrong with it."""
    count["histories"] += 1
    count["checked"] += len(history.ops)
    for i in range(SEARCHES_MAX):
        search = Search(history.ops, jitter=i * 0.002)
        try:
            stuck = search.stuck()
            break
        except Undecided:
            continue
        finally:
            count["configurations"] += len(search.seen)
    else:
        count["undecided"] += 1
        return []
    if stuck is None:
        return []
    count["not_linearizable"] += 1
    start = min(op.began for op in history.ops)
    tags = {op.value for op in stuck[0]} - {ABSENT}
    about = [op for op in history.ops + history.refused if op.value in tags and op not in stuck[0]]
    return [f"{history.key}: not linearizable: it is {short(stuck[1])}, and none of these can come next:",
            *(describe(op, start) for op in stuck[0]), " where these are about the same values:",
            *(describe(op, start) for op in sorted(about, key=lambda op: op.began)),
            " and these faults were ordered:", *(f"  {at - start:.4f}: {fault}" for at, fault in story)]


def run(options):
    count, wrong, number = collections.Counter(), [], 0
    trouble = Trouble(options)
    trouble.start()
    until = time.monotonic() + options.seconds
    while time.monotonic() < until and not wrong:
        histories, clients = play_round(number, options, until)
        number, story = number + 1, list(trouble.story)
        for c in clients:
            count.update(c.count)
            wrong += c.wrong
        began = time.monotonic()
        for h in histories:
            wrong += judge(h, count, story)
        until += time.monotonic() - began  # recording is what is to last so long
    trouble.stop()
    count.update(rounds=number, faults=trouble.fired, cuts=trouble.cuts)
    print(*(f"{k}={v}" for k, v in sorted(count.items())))
    if count["undecided"] > UNDECIDED_MAX * count["histories"]:
        wrong.append("too much is undecided")
    print(*wrong[:60], sep="\n")
    if not count["answered"]:
        return 1
    return NOT_LINEARIZABLE if count["not_linearizable"] else 1 if wrong else 0


# --- the checker itself, on histories made by hand ---


def parse_op(text):
    """"put a 204 0-2": kind, tags, status or ?, from-to; put_match and delete_match name their tag as a>b."""
    what, tags, status, times = text.split()
    arg, _, value = tags.rpartition(">")
    began, ended = times.split("-")
    if what == "delete_match":
        arg, value = value, "-"
    return Op(what, arg or None, ABSENT if value == "-" else value, None if status == "?" else int(status),
              float(began), float(ended) if status != "?" else NEVER, 0)


LINEARIZABLE = [
    [],
    ["get - 404 0-1"],
    ["put a 204 0-1", "get a 200 2-3"],
    ["put a 204 0-5", "get - 404 1-2", "get a 200 3-4"],
    ["put a 204 0-3", "put b 204 1-2", "get a 200 4-5"],
    ["put_new a 201 0-1", "put_new b 412 2-3", "get a 200 4-5"],
    ["put a 204 0-1", "put_match a>b 204 2-3", "put_match a>c 412 4-5", "get b 200 6-7"],
    ["put a 204 0-1", "delete - 204 2-3", "delete - 404 4-5", "get - 404 6-7"],
    ["delete_match a 412 0-1", "put a 204 2-3", "delete_match a 204 4-5", "get - 404 6-7"],
    ["put a 204 0-1", "put b ? 2-3", "get a 200 4-5"],
    ["put a 204 0-1", "put b ? 2-3", "get a 200 4-5", "get b 200 6-7"],
    ["put a 204 0-1", "delete - ? 2-3", "put_new c 201 4-5", "get c 200 6-7"],
    ["put a 204 0-1", "put_match a>b ? 2-3", "put_match b>c 204 4-5"],
]
NOT_LINEAR = [
    ["get a 200 0-1"],
    ["put a 204 0-1", "get - 404 2-3"],
    ["put a 204 0-1", "put b 204 2-3", "get a 200 4-5"],
    ["put a 204 0-9", "get a 200 1-2", "get - 404 3-4"],
    ["put_new a 201 0-2", "put_new b 201 1-3"],
    ["put a 204 0-1", "put_match a>b 204 2-4", "put_match a>c 204 3-5"],
    ["put a 204 0-1", "put_match a>b 412 2-3"],
    ["put a 204 0-1", "delete - 404 2-3"],
    ["put a 204 0-1", "delete - 204 2-4", "delete - 204 3-5"],
    ["delete_match a 204 0-1"],
    ["put a 204 0-1", "delete_match a 412 2-3"],
    ["put b ? 2-3", "get b 200 0-1"],
    ["put a ? 0-1", "get a 200 2-3", "put b 204 4-5", "get a 200 6-7"],
    ["put a 204 0-1", "delete - ? 2-3", "get - 404 4-5", "get a 200 6-7"],
    ["put a 204 0-1", "put_match b>c ? 2-3", "get c 200 4-5"],
]


def check_itself():
    wrong = [h for h in LINEARIZABLE if Search([parse_op(t) for t in h]).stuck() is not None]
    wrong += [h for h in NOT_LINEAR if Search([parse_op(t) for t in h]).stuck() is None]
    right = len(LINEARIZABLE) + len(NOT_LINEAR) - len(wrong)
    print(f"{right} histories judged rightly, {len(wrong)} not", *wrong, sep="\n")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description="is every key linearizable?")
    parser.add_argument("--check-itself", action="store_true")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--requests", type=int, default=200, help="of one key in a round")
    parser.add_argument("--clients", type=int, default=6, help="of one key")
    parser.add_argument("--keys", type=int, default=3, help="at once")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--plant", choices=["stale", "repeat", "lost"])
    parser.add_argument("base", nargs="?")
    parser.add_argument("control", nargs="?")
    options = parser.parse_args()
    return check_itself() if options.check_itself else run(options)


if __name__ == "__main__":
    sys.exit(main())
