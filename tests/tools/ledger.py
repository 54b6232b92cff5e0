#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""A ledger of writes: what was acknowledged has to be there afterwards, whatever happened meanwhile.

    ledger.py write [--writers N] [--requests N] [--rewrite] BASE-URL LEDGER
    ledger.py check BASE-URL LEDGER DATABASE-URL

`write` lets every writer, over one connection of its own, write to keys that only it owns, until it gets
SIGTERM or has sent that many requests.  A value is the writer, the key's sequence number and a digest, with
some filling.  Each answer is acknowledged (it happened), refused (it did not, not now and not later) or
unknown.  A key whose write is unknown is left alone from then on (--rewrite: is written on, which a write
that arrives late may spoil) and may hold either of two values.  Keys are read as well, and what is read has
to be what may be there.  Some writes and reads are batches of several keys: of a batch whose outcome is unknown, either
all keys have their new values afterwards, or none has.

`check` compares the ledger with the table and, through the service, with the API.  Both print one line of
figures, and what is wrong on lines of their own; they fail if anything is.

An answer of 5xx that is not 503, and a 502 or 504 of the web server, are counted apart, since some faults allow
them and others do not: see "5xx" and "web" in the line.

Python standard library only; the database is asked with psql.
"""
import argparse
import base64
import collections
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import http1

NS = "ledger"
GONE = None  # the value of a key that is not there
KEYS = 4     # of a writer at once
SIZES = [10] * 20 + [2000] * 5 + [100_000]


def value_of(writer, sequence, size):
    text = f"{writer}:{sequence}:"
    text += hashlib.sha256(text.encode()).hexdigest()
    return text.encode() + random.Random(text).randbytes(max(0, size - len(text)))


def path_of(key):
    return f"/api2/{http1.WS}/{NS}/{key}"


def operation(op, key, value=GONE):
    return {"op": op, "key": key} | ({} if value is GONE else {"value": base64.b64encode(value).decode()})


def digest(value):
    return None if value is GONE else hashlib.md5(value).hexdigest()


def short(value):
    return "nothing" if value is GONE else value[:24].decode("latin-1") + f"({len(value)})"


class Writer(threading.Thread):
    def __init__(self, number, options, stop):
        super().__init__(daemon=True)
        self.number, self.options, self.stopping = number, options, stop
        self.connection = http1.Connection(options.base, http1.token(), timeout=options.timeout)
        self.random = random.Random(number)
        self.sequence = self.generation = 0
        self.state = {}    # key: values that it may have
        self.torn = []     # each batch whose outcome is unknown: its keys and their new values
        self.current = []  # keys in use
        self.count = collections.Counter()
        self.wrong = []
        self.slowest = 0.0
        self.first_after = None  # when the first acknowledgement after a failure came
        for _ in range(KEYS):
            self.take_key()

    def take_key(self):
        self.generation += 1
        key = f"w{self.number}-{self.generation}"
        self.state[key] = [GONE]
        self.current.append(key)

    def run(self):
        while not self.stopping.is_set() and self.count["requests"] < self.options.requests:
            key = self.random.choice(self.current)
            began = time.monotonic()
            dice = self.random.random()
            if dice < 0.15:
                self.read(key)
            elif dice < 0.2:
                self.read_batch()
            elif dice < 0.3:
                self.write(key, GONE)
            elif dice < 0.4:
                self.write_batch(self.random.sample(self.current, self.random.randint(2, KEYS)))
            else:
                self.write(key, self.new_value())
            self.slowest = max(self.slowest, time.monotonic() - began)
        self.connection.close()

    def new_value(self):
        self.sequence += 1
        return value_of(self.number, self.sequence, self.random.choice(SIZES))

    def ask(self, *request):
        """The answer; None where there is none, for whatever reason, with `asked` telling whether it was sent."""
        self.count["requests"] += 1
        try:
            answer = self.connection.ask(*request)
        except http1.NotAsked:
            self.count["not_sent"] += 1
            time.sleep(0.01)  # the web server is away: no use in hurrying
            return None, False
        except http1.NoAnswer:
            self.count["cut"] += 1
            return None, True
        if answer.status in (502, 504):
            self.count["web"] += 1
        elif answer.status >= 500 and answer.status != 503:
            self.count["5xx"] += 1
        if answer.status == 503 and ("retry-after" in answer.fields) == (b"Outcome unknown" in answer.body):
            self.fault("Retry-After belongs to every 503 but an unknown outcome")
        return answer, True

    def fault(self, what):
        self.wrong.append(f"writer {self.number}: {what}")

    def read(self, key):
        answer, _ = self.ask("GET", path_of(key))
        if answer is None or answer.status >= 500:
            self.count["unread"] += 1
            return
        if answer.status not in (200, 404):
            self.fault(f"GET {key}: {answer.status}")
            return
        self.compare(key, answer.body if answer.status == 200 else GONE)
        self.count["read"] += 1

    def compare(self, key, got):
        if got not in self.state[key]:
            self.fault(f"{key} read as {short(got)}, not {' or '.join(map(short, self.state[key]))}")

    def ask_batch(self, operations):
        """The answer, whether it was sent, and the results if all was done."""
        answer, sent = self.ask("POST", path_of("")[:-1], json.dumps({"operations": operations}).encode(),
                                {"Content-Type": "application/json"})
        results = json.loads(answer.body)["results"] if answer is not None and answer.status == 200 else []
        if results and len(results) != len(operations):
            self.fault(f"{len(results)} results of {len(operations)} operations")
        return answer, sent, results

    def read_batch(self):
        answer, _, results = self.ask_batch([operation("get", key) for key in self.current])
        if answer is None or answer.status >= 500:
            self.count["unread"] += 1
            return
        if answer.status != 200 or {r["status"] for r in results} - {200, 404}:
            self.fault(f"a batch of reads: {answer.status} {[r['status'] for r in results]}")
            return
        for key, result in zip(self.current, results):
            self.compare(key, base64.b64decode(result["value"]) if result["status"] == 200 else GONE)
        self.count["batches_read"] += 1

    def write_batch(self, keys):
        """A key that may be there may also be deleted; so each of them changes if the batch is done."""
        new = {}
        for key in keys:
            deletes = GONE not in self.state[key] and self.random.random() < 0.2
            new[key] = GONE if deletes else self.new_value()
        answer, sent, results = self.ask_batch(
            [operation("delete" if value is GONE else "put", key, value) for key, value in new.items()])
        if self.count_write(answer, sent, {200}):
            self.count["batches"] += 1
            if {r["status"] for r in results} != {204}:
                self.fault(f"a batch of writes: {[r['status'] for r in results]}")
            self.state |= {key: [value] for key, value in new.items()}
        elif sent and (answer is None or answer.is_unknown()):
            for key, value in new.items():
                self.may_be(key, value)
            self.torn.append(new)

    def count_write(self, answer, sent, done):
        """Whether it has happened."""
        if answer is None and not sent:
            self.count["refused"] += 1
        elif answer is None or answer.is_unknown():
            self.count["unknown"] += 1
        elif answer.status in done:
            self.count["acknowledged"] += 1
            return True
        elif answer.status == 503:
            self.count["refused"] += 1
        else:
            self.fault(f"a write was answered with {answer.status}")
        return False

    def may_be(self, key, value):
        self.state[key] = self.state[key] + [value]
        if not self.options.rewrite:
            self.current.remove(key)
            self.take_key()

    def write(self, key, value):
        old = self.state[key]
        if value is GONE:
            answer, sent = self.ask("DELETE", path_of(key))
        else:
            answer, sent = self.ask("PUT", path_of(key), value)
        if self.count_write(answer, sent, {204} | ({404} if value is GONE and GONE in old else set())):
            self.state[key] = [value]
        elif sent and (answer is None or answer.is_unknown()):
            self.may_be(key, value)


def tell_progress(path, writers):
    """Acknowledged and refused so far, for a test that waits."""
    with open(path + "~", "w", encoding="ascii") as f:
        print(*(sum(w.count[what] for w in writers) for what in ("acknowledged", "refused")), file=f)
    os.rename(path + "~", path)


def write(options):
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    writers = [Writer(n, options, stop) for n in range(options.writers)]
    began = time.monotonic()
    for w in writers:
        w.start()
    while any(w.is_alive() for w in writers):
        time.sleep(0.02)
        tell_progress(options.ledger + ".progress", writers)
    count = sum((w.count for w in writers), collections.Counter())
    states = {key: [digest(v) for v in values] for w in writers for key, values in w.state.items()}
    torn = [{key: digest(v) for key, v in new.items()} for w in writers for new in w.torn if not options.rewrite]
    with open(options.ledger, "w", encoding="ascii") as f:
        json.dump({"count": count, "states": states, "torn": torn}, f)
    report("wrote", count, seconds=round(time.monotonic() - began, 1), slowest=round(max(w.slowest for w in writers), 2))
    return complain([x for w in writers for x in w.wrong])


def report(what, count, **more):
    print(what, *(f"{k}={v}" for k, v in sorted({**count, **more}.items())))


def complain(wrong):
    for line in wrong[:20]:
        print(line)
    return 1 if wrong else 0


def database_state(url):
    sql = f"copy (select key, md5(value) from hulykvs.kvs where namespace = '{NS}') to stdout"
    psql = subprocess.run(["psql", "-X", "-q", "-d", url, "-c", sql], capture_output=True, check=True, text=True)
    return dict(line.split("\t") for line in psql.stdout.splitlines())


def api_state(base, keys):
    state = {}
    with http1.Connection(base, http1.token()) as c:
        for key in keys:
            answer = c.ask("GET", path_of(key))
            if answer.status == 200:
                state[key] = hashlib.md5(answer.body).hexdigest()
            elif answer.status != 404:
                raise AssertionError(f"GET {key}: {answer.status}")
    return state


def check(options):
    with open(options.ledger, encoding="ascii") as f:
        ledger = json.load(f)
    in_database = database_state(options.database)
    in_api = api_state(options.base, ledger["states"])
    count, wrong = collections.Counter(keys=len(ledger["states"]), lost=0, wrong=0, strange=0, torn=0), []
    for key, values in ledger["states"].items():
        for where, state in (("database", in_database), ("api", in_api)):
            if state.get(key) not in values:
                count["lost" if len(values) == 1 else "wrong"] += 1
                wrong.append(f"{where}: {key} is {state.get(key)}, not one of {values}")
    for new in ledger["torn"]:
        for where, state in (("database", in_database), ("api", in_api)):
            if len({state.get(key) == value for key, value in new.items()}) != 1:
                count["torn"] += 1
                wrong.append(f"{where}: of the batch {new} a part was done")
    for key in in_database.keys() - ledger["states"].keys():
        count["strange"] += 1
        wrong.append(f"database: {key} was never written")
    report("checked", count, acknowledged=ledger["count"].get("acknowledged", 0))
    if not ledger["count"].get("acknowledged"):
        wrong.append("nothing was acknowledged")
    return complain(wrong)


def main():
    parser = argparse.ArgumentParser(description="a ledger of writes")
    commands = parser.add_subparsers(required=True)
    p = commands.add_parser("write")
    p.add_argument("--writers", type=int, default=16)
    p.add_argument("--requests", type=int, default=1 << 60, help="of each writer")
    p.add_argument("--timeout", type=float, default=60)
    p.add_argument("--rewrite", action="store_true")
    p.add_argument("base")
    p.add_argument("ledger")
    p.set_defaults(run=write)
    p = commands.add_parser("check")
    p.add_argument("base")
    p.add_argument("ledger")
    p.add_argument("database")
    p.set_defaults(run=check)
    options = parser.parse_args()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
