#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Lets every call that can fail, fail once, and judges what became of it.

    failpoints.py [--depth N] [--features] serve|start|cgi DIRECTORY-OF-PROGRAMS DATABASE-URL
    failpoints.py [--depth N] migrate DIRECTORY-OF-PROGRAMS DATABASE-URL PSQL-FILE

The programs are those of tests/faults/failing (see failpoints.c), built with AddressSanitizer; the database of the
first three has schema and audit.sql.  A fixed script is run over and over, and the n-th call of it fails: n = 0, 1,
2, … until none does (--depth 0), or the first call from each place, which is the function and its N (3) callers.

  serve    a running program serves the script, directly in FastCGI, since that shows an end without an
           answer.  Every answer has to be one that is possible after the answers before; then the program
           serves it all without a fault again, and the table holds what it should.  In the end each write has
           taken effect as often as was said.
           (--features: values are sealed and traces are sent, to nobody.)
  start    the program is started, and then answers, or ends with a status and a reason that it should end with
  cgi      one request, as plain CGI; the same
  migrate  hulykvs-migrate of a database that PSQL-FILE makes; ends well or as it should, and a second run ends well

Prints a line for each failure, and ends with "N passed, N failed".  Python standard library only.
"""
import argparse
import base64
import collections
import ctypes
import hashlib
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time


os.environ["HULY_TOKEN_SECRET"] = "not the default, which the program complains of"
import audit
import http_cases
from fcgi_peer import Closed, Peer, environment
from possible_answers import LONG_LIST, V2, Script

MODES = {"before": 1, "after": 2, "cut": 3}
PLACES = 65536
EXIT_OK, EXIT_DATABASE, EXIT_INTERNAL, EXIT_LATER, EXIT_CONFIG = 0, 69, 70, 75, 78


class Shared(ctypes.Structure):
    """As failpoints.c has it."""
    _fields_ = [(name, ctypes.c_uint64) for name in ("mode", "number", "calls", "fired", "noting")] + [
        ("name", ctypes.c_char * 64), ("place", ctypes.c_uint64 * PLACES)]


class Control:
    def __init__(self, directory):
        self.path = os.path.join(directory, "failpoints")
        with open(self.path, "w+b") as f:
            f.truncate(ctypes.sizeof(Shared))
            self.shared = Shared.from_buffer(mmap.mmap(f.fileno(), ctypes.sizeof(Shared)))

    def arm(self, mode, number):
        self.shared.mode = 0
        self.shared.calls = self.shared.fired = self.shared.noting = 0
        self.shared.number = number
        self.shared.mode = MODES[mode]

    def note(self, mode, depth):
        self.arm(mode, 0)
        self.shared.noting = depth

    def disarm(self):
        """What failed, or None."""
        self.shared.mode = 0
        return self.shared.name.decode() if self.shared.fired else None

    def first_of_each_place(self):
        """Of the calls that were noted."""
        first = {}
        for n in range(min(self.shared.calls, PLACES)):
            first.setdefault(self.shared.place[n], n)
        return sorted(first.values())


class Failures:
    def __init__(self):
        self.passed = self.failed = 0
        self.by_name = collections.Counter()

    def judge(self, label, wrongs):
        if wrongs:
            self.failed += 1
            for wrong in wrongs[:5]:
                print(f"{label}: {wrong}", flush=True)
        else:
            self.passed += 1


# --- the programs ---

def complaints(path):
    """What a sanitizer or an assertion had to say, and the places it named."""
    with open(path, encoding="utf-8", errors="replace") as f:
        text = f.read()
    for mark in ("Sanitizer", "runtime error:", "Assertion"):
        if mark in text:
            return [text[max(0, text.index(mark) - 200):][:4000]]
    return []


class Program:
    """hulykvs on a listening socket of ours."""

    def __init__(self, run, **settings):
        self.run, self.socket = run, os.path.join(run.directory, "socket")
        self.log = os.path.join(run.directory, "program.log")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.socket)
        self.listener.listen(128)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([os.path.join(run.programs, "hulykvs")], stdin=self.listener, stdout=log,
                                            stderr=log, env=run.environment(**settings), cwd=run.directory)

    def ready(self, seconds=10):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with Peer(self.socket, 0.3) as p:
                    if p.ask("GET", "/readyz").status == 200:
                        return True
            except (Closed, OSError):
                pass
            time.sleep(0.01)
        return False

    def end(self):
        """TERM, and what is wrong then."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = "none: it had to be killed"
        self.listener.close()
        os.unlink(self.socket)
        return status, complaints(self.log)


class Run:
    def __init__(self, options):
        self.programs, self.database, self.depth = options.programs, options.database, options.depth
        self.directory = tempfile.mkdtemp(prefix="hkv-fp.")
        self.control = Control(self.directory)
        self.features, self.keys = options.features, os.path.join(self.directory, "keys")
        with open(os.open(self.keys, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write("k1 " + base64.b64encode(os.urandom(32)).decode() + "\n")
        self.failures = Failures()

    def environment(self, **settings):
        env = {"PATH": os.environ["PATH"], "HULY_DB_CONNECTION": self.database, "HULY_TOKEN_SECRET": http_cases.SECRET,
               "HULY_WORKERS": "1", "HULY_REQUEST_TIMEOUT": "1", "HULY_STATEMENT_TIMEOUT": "1",
               "HULYKVS_FAILPOINTS": self.control.path,
               "ASAN_OPTIONS": "abort_on_error=0:exitcode=99:detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
        if self.features:
            env |= {"HULY_ENCRYPTION_MODE": "on", "HULY_ENCRYPTION_KEYS_FILE": self.keys, "HULY_OTEL_MODE": "on",
                    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "200"}
        env.update({name: str(value) for name, value in settings.items()})
        return env

    def numbers(self, mode, noted):
        """Runs noted() without a failure, then gives the numbers of the calls that are to fail."""
        if self.depth:
            self.control.note(mode, self.depth)
            noted()
            self.control.disarm()
            yield from self.control.first_of_each_place()
            return
        n = 0
        while self.control.shared.fired or n == 0:
            yield n
            n += 1

    def fill(self):
        """What the long list is of."""
        audit.sql(self.database, f"""insert into hulykvs.kvs (workspace, namespace, key, md5, value)
            select '{http_cases.WS}', 'long', 'long-' || lpad(n::text, 6, '0'), decode(md5(''), 'hex'), ''
            from generate_series(0, {LONG_LIST - 1}) as n on conflict do nothing""")

    def end(self):
        subprocess.run(["rm", "-rf", self.directory], check=True)
        f = self.failures
        print(", ".join(f"{name} {n}" for name, n in f.by_name.most_common()))
        print(f"{f.passed} passed, {f.failed} failed")
        return 1 if f.failed or not f.passed else 0


# --- serve ---

class Serve(Run):
    def __init__(self, options):
        super().__init__(options)
        self.scripts = 0
        self.writes = []

    def script(self):
        self.scripts += 1
        return Script(self.program, self.scripts)

    def sound(self):
        """A whole script without a fault; what is wrong."""
        deadline = time.monotonic() + 10
        while True:
            script = self.script()
            script.run_script()
            self.writes += script.writes
            if script.wrongs or not script.failures or time.monotonic() > deadline:
                break
            time.sleep(0.02)  # the database's connection is being made again
        if script.failures and not script.wrongs:
            script.wrongs.append(f"does not recover: {script.failures} of its answers are failures")
        return script.wrongs

    def one(self, mode, number):
        script = self.script()
        self.control.arm(mode, number)
        script.run_script()
        name = self.control.disarm()
        label = f"serve, {mode} call {number}, {name}"
        for request in [r for r in script.requests() if r.key is not None and r.method == "GET"]:
            self.look(script, request)
        self.writes += script.writes
        wrongs = script.wrongs
        if self.program.process.poll() is not None:
            wrongs.append("the program ended: " + "".join(complaints(self.program.log)))
            self.program.end()
            self.program = Program(self)
            self.program.ready()
        else:
            wrongs += self.recover()
        if name is not None:
            self.failures.by_name[name] += 1
            self.failures.judge(label, wrongs)

    def look(self, script, request):
        """What the key holds now, read as soon as that is possible."""
        for _ in range(100):
            answer = script.ask(request)
            if answer is not None and answer.status < 500:
                break
            time.sleep(0.02)
        script.judge(request, answer)

    def recover(self):
        return [] if self.program.ready(5) else ["is not ready again"]

    def effects(self):
        """How often each write took effect."""
        counted = audit.Effects(self.database)
        least, most = collections.Counter(), collections.Counter()
        for key, value, low, high in self.writes:
            tag = "gone" if value is None else hashlib.md5(value).hexdigest()
            least[key, tag] += low
            most[key, tag] += high
        wrongs = [f"{key}: took effect {counted.counts[key, tag]} times, not {least[key, tag]} to {most[key, tag]}"
                  for key, tag in most if not least[key, tag] <= counted.counts[key, tag] <= most[key, tag]]
        self.failures.judge("effects", wrongs)

    def run(self):
        self.fill()
        self.program = Program(self)
        if not self.program.ready():
            raise SystemExit("the program does not start")
        self.failures.judge("before", self.sound())
        for mode in MODES:
            for number in self.numbers(mode, lambda: self.script().run_script()):
                self.one(mode, number)
        self.failures.judge("afterwards", self.sound())
        status, wrongs = self.program.end()
        self.failures.judge("the end", wrongs + ([f"status {status}"] if status != 0 else []))
        if not self.features:  # what is sealed has another tag
            self.effects()
        return self.end()


# --- start and cgi: a process for each ---

class Start(Run):
    """The program has started when it is ready; then all that it does is done for the first time."""

    scripts = 0

    def one(self, mode, number):
        self.program = program = Program(self)
        wrongs, started = [], program.ready(5)
        if started:
            self.scripts += 1
            script = Script(program, f"{os.getpid()}-{self.scripts}")
            script.run_script()
            wrongs += script.wrongs
        name = self.control.disarm()
        status, found = program.end()
        with open(program.log, encoding="utf-8") as f:
            said = f.read().strip()
        wrongs += found
        if started and status != EXIT_OK:
            wrongs.append(f"status {status} after TERM: {said[-300:]}")
        if not started and status not in (EXIT_INTERNAL, EXIT_CONFIG):
            wrongs.append(f"did not start, status {status}: {said[-300:]}")
        if not started and not any(line.startswith("hulykvs: ") for line in said.splitlines()):
            wrongs.append(f"status {status} without a reason: {said[-300:]}")
        return name, wrongs

    def each(self, mode):
        _, wrongs = self.one(mode, 0)
        self.failures.judge("without a fault", wrongs)
        for number in self.numbers(mode, lambda: self.one(mode, 0)):
            self.control.arm(mode, number)
            name, wrongs = self.one(mode, number)
            if name is not None:
                self.failures.by_name[name] += 1
                self.failures.judge(f"{type(self).__name__.lower()}, {mode} call {number}, {name}", wrongs)
            else:
                self.control.shared.fired = 0

    def run(self):
        self.fill()
        return self.each_mode()

    def each_mode(self):
        for mode in MODES:
            self.each(mode)
        return self.end()


class Cgi(Start):
    def one(self, mode, number):
        self.count = getattr(self, "count", 0) + 1
        wrongs, may, key = [], {None}, f"cgi{os.getpid()}-{self.count}"
        body = f"cgi {self.count}".encode()
        name = None
        for method, armed in (("PUT", True), ("GET", False)):
            code, answer, found = self.ask(method, key, body if method == "PUT" else b"")
            wrongs += found
            if armed:
                name = self.control.disarm()
            if code not in (EXIT_OK, EXIT_INTERNAL, EXIT_CONFIG):
                wrongs.append(f"status {code}")
            if not armed:
                status, got = answer
                if (status, got) not in {(404, b"") if value is None else (200, value) for value in may}:
                    wrongs.append(f"{status} {got}, may be {may}")
            elif answer is None or answer[0] == 500 or answer[1].startswith(b"Outcome"):
                may |= {body}
                if answer is None and code == EXIT_OK:
                    wrongs.append("status 0 without an answer")
                if answer is None and not self.said:
                    wrongs.append(f"status {code} without a reason")
            elif answer[0] == 204:
                may = {body}
            elif answer[0] != 503:
                wrongs.append(f"{answer}")
        return name, wrongs

    def ask(self, method, key, body):
        env = environment(method, f"{V2}cgi/{key}", len(body), {"Authorization": "Bearer " + http_cases.tokens()["user"]})
        log = os.path.join(self.directory, "cgi.log")
        with open(log, "wb") as f:
            done = subprocess.run([os.path.join(self.programs, "hulykvs")], input=body, stdout=subprocess.PIPE, stderr=f,
                                  env=self.environment(**env), cwd=self.directory, check=False, timeout=30)
        self.said = os.path.getsize(log) > 0
        head, found, content = done.stdout.partition(b"\r\n\r\n")
        answer = (int(head.split()[1]), content) if found and head.startswith(b"Status: ") else None
        return done.returncode, answer, complaints(log)


class Migrate(Start):
    def __init__(self, options):
        super().__init__(options)
        self.psql = options.psql

    def migrate(self):
        log = os.path.join(self.directory, "migrate.log")
        with open(log, "wb") as f:
            done = subprocess.run([os.path.join(self.programs, "hulykvs-migrate")], stdout=f, stderr=f,
                                  env=self.environment(), cwd=self.directory, check=False, timeout=60)
        with open(log, encoding="utf-8") as f:
            return done.returncode, f.read(), complaints(log)

    def one(self, mode, number):
        mode_was, self.control.shared.mode = self.control.shared.mode, 0
        subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.database, "-f", self.psql], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.control.shared.mode = mode_was
        code, said, wrongs = self.migrate()
        name = self.control.disarm()
        if code not in (EXIT_OK, EXIT_DATABASE, EXIT_INTERNAL, EXIT_LATER, EXIT_CONFIG):
            wrongs.append(f"status {code}")
        if code != EXIT_OK and not said.strip():
            wrongs.append(f"status {code} without a reason")
        first = said
        code, said, again = self.migrate()
        wrongs += again
        if code != EXIT_OK:
            wrongs.append(f"the second run ended with {code}: {said[-300:]}, after {first[-300:]}")
        if self.state() != self.wanted:
            wrongs.append(f"the schema is not as it should be: {self.state()}, after {first[-300:]}")
        return name, wrongs

    def state(self):
        return audit.sql(self.database, """
            select string_agg(concat_ws(' ', attname, atttypid::regtype, attnotnull, attcollation::regcollation), ', ' order by attname)
            from pg_attribute where attrelid = 'hulykvs.kvs'::regclass and attnum > 0 and not attisdropped;
            select string_agg(pg_get_indexdef(indexrelid), ', ' order by indexrelid::regclass::text) from pg_index
            where indrelid = 'hulykvs.kvs'::regclass;
            select string_agg(version || ' ' || name, ', ' order by version) from hulykvs.migrations_pg;
            select string_agg(version || ' ' || name, ', ' order by version) from hulykvs.hulykvs_steps;
            select count(*), count(distinct (workspace, namespace, key)), count(distinct workspace),
            md5(string_agg(key || md5::text || value::text, ',' order by namespace, key)) from hulykvs.kvs""")

    def run(self):
        self.wanted = None
        self.control.shared.mode = 0
        self.one("before", 0)
        self.wanted = self.state()
        return self.each_mode()


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--features", action="store_true")
    parser.add_argument("what", choices=("serve", "start", "cgi", "migrate"))
    parser.add_argument("programs")
    parser.add_argument("database")
    parser.add_argument("psql", nargs="?")
    options = parser.parse_args()
    return {"serve": Serve, "start": Start, "cgi": Cgi, "migrate": Migrate}[options.what](options).run()


if __name__ == "__main__":
    sys.exit(main())
