#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Measures the rows, in turn, round by round; started by bench/run.

A row is a function that measures once and returns a dict.  "ours" is what wrk saw, "limit" what pgbench did
right after it, "peer" the other server's; "figures" are all else: [text, value, unit, aim].
"""
import base64
import hashlib
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import procs
from stage import (FIRST_KEY, HERE, SECONDS, STATE, TOKEN, WORKSPACE, Peer, address, percentile, pgbench,
                   run, say, worlds, wrk, wrk_command, wrk_summary)

sys.path.insert(0, os.path.join(HERE, "..", "tests", "tools"))
import fcgi_peer  # noqa: E402

AUTHORIZATION = {"Authorization": "Bearer " + TOKEN}
LISTED = 200000
LIST = f"/api2/{WORKSPACE}/list"
PREFIX, PREFIX_END = "item/0123", "item/0124"  # 100 of them
KEYS = 100000
MANY = int(os.environ.get("BENCH_LARGE") or 0)
BURST, BURST_BYTES = 64, 2000000
LATENCIES = [float(x) for x in os.environ.get("BENCH_LATENCIES", "0 1 3").split()]


def figure(text, value, unit, aim=""):
    return [text, value, unit, aim]


def at_once(number, work):
    """What work(0), work(1), ... return, each in a thread of its own."""
    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(work, range(number)))


# Points.

def point_arguments(method, size, namespace="points", count=KEYS, kind="noise"):
    return [method, f"/api2/{WORKSPACE}/{namespace}/", os.path.join(STATE, f"{kind}-{size}"), FIRST_KEY, count]


def point_variables(method, size, count=KEYS):
    """The statement's parameters, see bench_statements in lib.bash."""
    variables = {"p1": WORKSPACE, "p2": "points", "first": FIRST_KEY, "last": FIRST_KEY + count - 1}
    if method == "PUT":
        value = os.urandom(size)
        variables |= {"p4": "\\x" + hashlib.md5(value).hexdigest(), "p5": "\\x" + value.hex()}
    return variables


def load_points(world, method, clients, size, count=KEYS):
    """After writes dead rows are gone before anything else is measured."""
    result = wrk(world, clients, point_arguments(method, size, count=count))
    tidy(world, method)
    return result


def limit_points(world, method, clients, size, count=KEYS):
    rate = pgbench(world, clients, method.lower(), point_variables(method, size, count))
    tidy(world, method)
    return rate


def tidy(world, method):
    if method == "PUT" and world.pid:
        world.sql("vacuum hulykvs.kvs")


def points(method, clients, limit_clients):
    def measure(stage):
        row = {"ours": load_points(stage["main"], method, clients, 1024),
               "limit": limit_points(stage["main"], method, limit_clients, 1024), "figures": []}
        if "peer" in stage:
            row["peer"] = load_points(stage["peer"], method, clients, 1024)
        if clients == 64:
            row["figures"].append(figure(f"{method}, 64 clients: resident at most", row["ours"]["peak"], "MiB",
                                         "<= 16"))
        if clients == 64 and method == "GET":
            cpu = row["ours"]["cpu"]
            row["figures"] += [figure("GET, 64 clients: CPU of program + database per request",
                                      cpu["program"] + cpu["database"], "us", "<= 15")]
        return row
    return measure


def batches(stage):
    """100 values in a batch, beside as many single PUTs; four batches of other keys, one for each client."""
    world, form = stage["main"], os.path.join(STATE, "batch-100")
    for copy in range(4):
        value = base64.b64encode(os.urandom(1024)).decode()
        operations = [{"op": "put", "key": f"batch {copy} {i}", "value": value} for i in range(100)]
        with open(f"{form}.{copy}", "w") as f:
            json.dump({"operations": operations}, f)
    single = load_points(world, "PUT", 4, 1024)
    row = {"ours": wrk(world, 4, ["POST", f"/api2/{WORKSPACE}/points", form])}
    tidy(world, "PUT")
    row["figures"] = [figure("100 PUTs in a batch, 4 clients: values/s", row["ours"]["rate"] * 100, ""),
                      figure("the same as single PUTs, 4 clients: values/s", single["rate"], ""),
                      figure("values/s in batches : single", row["ours"]["rate"] * 100 / single["rate"], "x")]
    return row


def sealed(stage):
    """The same with sealed values, in turn with plain ones of the same database."""
    kinds = [("plain", stage["main"], "points"), ("sealed", stage["sealed"], "sealed")]
    figures = []
    for method in ("GET", "PUT"):
        ratios = []
        for turn in range(4):
            rates = {}
            for kind, world, namespace in kinds if turn % 2 else reversed(kinds):
                result = wrk(world, 64, point_arguments(method, 1024, namespace), max(1, SECONDS // 2))
                if result["failed"] or result["broken"]:
                    raise SystemExit(f"bench: {kind} values were not all answered")
                rates[kind] = result["rate"], result["cpu"]["program"]
                tidy(world, method)
            ratios.append([sealed / plain for sealed, plain in zip(rates["sealed"], rates["plain"])])
        figures += [figure(f"{method} 1 KiB, 64 clients, sealed : plain: rate",
                           statistics.median(x[0] for x in ratios) * 100, "%", ">= 90"),
                    figure(f"{method} 1 KiB, 64 clients, sealed : plain: CPU of program per request",
                           statistics.median(x[1] for x in ratios) * 100, "%")]
    return {"figures": figures}


OBSERVED = {"measured": ("with metrics", ">= 97"), "main": ("with metrics and access log", ""),
            "traced": ("with metrics and 10 % of the requests traced", ">= 93")}


def cost(stage):
    """The same GETs with and without what an operator looks at: in pairs, since a machine's pace changes within seconds."""
    def one(name):
        result = wrk(stage[name], 64, point_arguments("GET", 1024), max(1, SECONDS // 3))
        return result["rate"], sum(result["cpu"].values())

    figures = []
    for name, (text, aim) in OBSERVED.items():
        pairs = []
        for turn in range(14):
            names = ["unobserved", name] if turn % 2 else [name, "unobserved"]
            found = {which: one(which) for which in names}
            pairs.append([observed / without for observed, without in zip(found[name], found["unobserved"])])
        rate, cpu = (statistics.median(column) * 100 for column in zip(*pairs))
        figures += [figure(f"GET, 64 clients: rate {text}, of that without", rate, "%", aim),
                    figure(f"GET, 64 clients: CPU of all per request {text}, of that without", cpu, "%")]
    return {"figures": figures}


def wal_written(world):
    return int(world.sql("select pg_current_wal_insert_lsn() - '0/0'"))


def syncs(size):
    """How often a second the disk takes that many bytes for good, one time after the other."""
    data, path, count = os.urandom(size), os.path.join(STATE, "syncs"), 0
    with open(path, "wb", buffering=0) as f:
        start = time.monotonic()
        while time.monotonic() - start < 1:
            f.write(data)
            os.fdatasync(f.fileno())
            count += 1
        taken = time.monotonic() - start
    os.unlink(path)
    return count / taken


# Values as the services store them: how many keys there are of each size.
STORED = {("json", 4096): 4000, ("json", 65536): 400, ("json", 524288): 32, ("noise", 524288): 32}


def limit_values(world, method, kind, size, clients):
    """pgbench with as many connections: the same read, or a copy of the value from a table beside it."""
    count = STORED[kind, size]
    variables = {"p1": WORKSPACE, "p2": f"{kind}{size}", "first": FIRST_KEY, "last": FIRST_KEY + count - 1}
    if method == "GET":
        return pgbench(world, clients, "get", variables)
    rate = pgbench(world, clients, "put_sample", variables | {"sample": f"{kind}-{size}"})
    tidy(world, method)
    return rate


def stored_values(method, kind, size, clients):
    def measure(stage):
        world, arguments = stage["main"], point_arguments(method, size, f"{kind}{size}", STORED[kind, size], kind)
        wal = wal_written(world)
        row = {"ours": wrk(world, clients, arguments)}
        wal = (wal_written(world) - wal) / max(row["ours"]["requests"], 1)
        tidy(world, method)
        row["limit"] = limit_values(world, method, kind, size, clients)
        row["figures"] = []
        if method == "PUT" and size == 524288:
            name = f"PUT {kind} 512 KiB, {clients} clients"
            row["figures"] += [figure(f"{name}: WAL of each", wal / 1024, "KiB"),
                               figure(f"{name}: limit of the disk, that much with fdatasync", syncs(int(wal)), "/s")]
        if "peer" in stage:
            row["peer"] = wrk(stage["peer"], clients, arguments)
        return row
    return measure


def beside_large(stage):
    """Small writes, with and without two clients that write 512 KiB of JSON without a pause."""
    def write(world):
        result = wrk(world, 16, point_arguments("PUT", 1024))
        tidy(world, "PUT")
        return result

    def measure(world):
        alone = write(world)
        large = subprocess.Popen(
            wrk_command(world, 2, point_arguments("PUT", 524288, "json524288", 32, "json"), SECONDS + 2),
            stdout=subprocess.PIPE, text=True)
        try:
            time.sleep(0.5)  # both are at it
            beside = write(world)
            large_rate = wrk_summary(large.communicate()[0])["rate"]
        finally:
            large.kill()
            large.wait()
        return alone, beside, large_rate

    alone, beside, large_rate = measure(stage["main"])
    row = {"ours": beside, "figures": [
        figure("PUT 1 KiB, 16 clients, alone: p99", alone["p99"], "ms"),
        figure("PUT 1 KiB, 16 clients, beside two that write 512 KiB of JSON: p99", beside["p99"], "ms"),
        figure("p99 beside large writes : alone", beside["p99"] / alone["p99"], "x", "<= 3"),
        figure("large writes meanwhile", large_rate, "/s")]}
    if "peer" in stage:
        theirs = measure(stage["peer"])
        row["peer"] = theirs[1]
        row["figures"].append(figure("large writes meanwhile, peer", theirs[2], "/s"))
    return row


# A database at a distance.

def order(name, words):
    """Tells the proxy of that name how long statements and commits take from now on."""
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(os.path.join(STATE, f"{name}.socket", f".s.PGSQL.{os.environ.get('PG_PORT', '5432')}.control"))
        control.sendall(json.dumps({"set": words}).encode() + b"\n")
        if not control.makefile().readline():
            raise SystemExit("bench: the proxy did not answer")


def distance(name, text):
    def measure(stage):
        if name not in stage:
            return None
        figures = []
        for latency in LATENCIES:
            order(name, [f"latency={latency:g}", f"commit={2 * latency:g}"])
            for method, clients in [(m, c) for m in ("GET", "PUT") for c in (1, 16, 64)]:
                arguments = point_arguments(method, 1024, count=10000)
                ours = wrk(stage[name], clients, arguments, max(1, SECONDS // 2))
                what = f"{text}, {latency:g} ms a statement, {2 * latency:g} ms a commit: {method}, {clients} clients"
                figures.append(figure(what, ours["rate"], "/s"))
                if f"peer_{name}" in stage:
                    theirs = wrk(stage[f"peer_{name}"], clients, arguments, max(1, SECONDS // 2))
                    aim = {1: ">= 1", 16: ">= 2", 64: ">= 4"}[clients]
                    figures += [figure(f"{what}, peer", theirs["rate"], "/s"),
                                figure(f"{what}, ours : peer", ours["rate"] / theirs["rate"], "x", aim)]
                if ours["failed"] or ours["broken"]:
                    raise SystemExit(f"bench: {what}: not all were answered")
        return {"figures": figures}
    return measure


# Lists.

def read_list(world, path=LIST):
    """Milliseconds to the first byte and to the last, bytes."""
    connection = http.client.HTTPConnection(*address(world), timeout=60)
    connection.connect()
    start = time.monotonic()
    connection.request("GET", path, headers=AUTHORIZATION)
    answer = connection.getresponse()
    answer.read(1)
    first = time.monotonic() - start
    size = 1
    while piece := answer.read1(262144):
        size += len(piece)
    whole = time.monotonic() - start
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"bench: a list was answered with {answer.status}")
    return first * 1e3, whole * 1e3, size


def check_list(world):
    connection = http.client.HTTPConnection(*address(world), timeout=60)
    connection.request("GET", LIST, headers=AUTHORIZATION)
    keys = json.load(connection.getresponse())["keys"]
    connection.close()
    if len(keys) != LISTED or len(set(keys)) != LISTED:
        raise SystemExit(f"bench: a list held {len(set(keys))} keys instead of {LISTED}")


def whole_list(stage):
    world = stage["main"]
    check_list(world)
    alone = [read_list(world) for _ in range(10)]
    before = procs.resident(world.pid)
    procs.reset_peak(world.pid)
    at_once(8, lambda _: read_list(world))
    figures = [figure("list of 200,000 keys: first byte", statistics.median([x[0] for x in alone]), "ms", "<= 10"),
               figure("list of 200,000 keys: whole", statistics.median([x[1] for x in alone]), "ms"),
               figure("8 such lists at once: resident memory grows by", procs.resident_peak(world.pid) - before, "MiB",
                      "<= 8")]
    if "peer" in stage:
        theirs = [read_list(stage["peer"]) for _ in range(3)]
        figures += [figure("list of 200,000 keys: first byte, peer", statistics.median([x[0] for x in theirs]), "ms"),
                    figure("list of 200,000 keys: whole, peer", statistics.median([x[1] for x in theirs]), "ms")]
    return {"figures": figures}


def over_fastcgi(world, path, times=500):
    """Latencies without a web server, in ms."""
    taken = []
    with fcgi_peer.Peer(world.socket) as peer:
        for _ in range(times):
            start = time.monotonic()
            answer = peer.ask("GET", path, headers=AUTHORIZATION)
            taken.append((time.monotonic() - start) * 1e3)
            if answer.status != 200:
                raise SystemExit(f"bench: a list was answered with {answer.status}")
    return taken


def explain_prefix(world):
    with open(os.path.join(STATE, "explain.sql")) as f:
        prepared = f.read()
    plan = world.sql("set plan_cache_mode = force_generic_plan", prepared,
                     f"explain (analyze, costs off, timing off, summary on) execute q ('{WORKSPACE}', 'list', "
                     f"'{PREFIX}', null, '{PREFIX_END}')").splitlines()
    lines = [line.strip() for line in plan if "Scan" in line or "Cond" in line or "Filter" in line or "Sort" in line]
    seconds = next(float(line.split()[2]) for line in plan if line.startswith("Execution Time"))
    return lines, seconds


def prefix_list(stage):
    world = stage["english"]
    path = f"{LIST}?prefix={PREFIX}"
    row = {"ours": wrk(world, 1, ["GET", path]),
           "limit": pgbench(world, 1, "list_below", {"p1": WORKSPACE, "p2": "list", "p3": PREFIX, "p5": PREFIX_END})}
    if "peer" in stage:
        row["peer"] = wrk(stage["peer"], 1, ["GET", path])
    plan, took = explain_prefix(world)
    direct = over_fastcgi(world, path)
    row["plan"] = plan
    row["figures"] = [figure("prefix list, straight over FastCGI: p50", percentile(direct, 50), "ms", "<= 1"),
                      figure("prefix list, straight over FastCGI: p99", percentile(direct, 99), "ms"),
                      figure("prefix list, EXPLAIN ANALYZE: execution", took, "ms", "<= 1")]
    return row


def beside_list(stage):
    """Point reads, with and without a client that lists all the time."""
    def read():
        return wrk(world, 16, point_arguments("GET", 1024))

    world = stage["main"]
    alone = read()
    lister = subprocess.Popen(wrk_command(world, 1, ["GET", LIST], SECONDS + 2), stdout=subprocess.PIPE, text=True)
    try:
        time.sleep(0.5)  # it is past its first list
        row = {"ours": read()}
        lists = wrk_summary(lister.communicate()[0])
    finally:
        lister.kill()
        lister.wait()
    row["figures"] = [
        figure("GET, 16 clients, no list: p99", alone["p99"], "ms"),
        figure("GET, 16 clients, beside lists: p99", row["ours"]["p99"], "ms"),
        figure("p99 beside lists : without", row["ours"]["p99"] / alone["p99"], "x", "<= 3"),
        figure("GET, 16 clients, beside lists: slowest", row["ours"]["max"], "ms"),
        figure("a list meanwhile: p50", lists["p50"], "ms"),
        figure("lists meanwhile: failed", lists["failed"] + lists["broken"], ""),
    ]
    return row


# Memory, start, growth.

def ask(world, method, path, body=None):
    connection = http.client.HTTPConnection(*address(world), timeout=60)
    try:
        connection.request(method, path, body, AUTHORIZATION)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def persist(world, method, path, body):
    """Asks again while the program is too busy, as it may say; how often it said so."""
    for refused in range(600):
        status = ask(world, method, path, body)
        if status != 503:
            break
        time.sleep(0.1)
    if status not in (200, 204):
        raise SystemExit(f"bench: {method} of a large value was answered with {status}")
    return refused


def burst(stage):
    """Many large values at once, then how long the memory takes to come back."""
    world = stage["main"]
    procs.reset_peak(world.pid)
    figures = []
    for method, body in (("PUT", os.urandom(BURST_BYTES)), ("GET", None)):
        refused = at_once(BURST, lambda i: persist(world, method, f"/api2/{WORKSPACE}/burst/{i}", body))
        figures.append(figure(f"burst of 64 {method} of 2 MB: had to come again (503)", sum(map(bool, refused)), ""))
    figures.append(figure("burst: resident at most", procs.resident_peak(world.pid), "MiB"))
    start = time.monotonic()
    while procs.resident(world.pid) >= 32 and time.monotonic() - start < 30:
        time.sleep(0.05)
    figures.append(figure("burst: until resident < 32 MiB (30: not)", time.monotonic() - start, "s"))
    figures.append(figure("burst: resident then", procs.resident(world.pid), "MiB", "< 32"))
    tidy(world, "PUT")
    return {"figures": figures}


def start(stage):
    """From exec to the answer of a GET that waits in the socket's queue."""
    world = stage["main"]
    path = os.path.join(STATE, "start.socket")
    with open(os.path.join(world.dir, "settings")) as f:
        environment = dict(os.environ) | dict(line.rstrip("\n").split("=", 1) for line in f)
    log = open(os.path.join(STATE, "start.log"), "w")
    taken = []
    for _ in range(5):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(16)
            with fcgi_peer.Peer(path) as peer:
                began = time.monotonic()
                program = subprocess.Popen([os.path.join(os.environ["HULYKVS_BUILD"], "hulykvs")], stdin=listener,
                                           stderr=log, env=environment)
                try:
                    answer = peer.ask("GET", f"/api2/{WORKSPACE}/points/{FIRST_KEY}", headers=AUTHORIZATION)
                    taken.append((time.monotonic() - began) * 1e3)
                finally:
                    program.terminate()
                    program.wait()
        os.unlink(path)
        if answer.status != 200:
            raise SystemExit(f"bench: the first answer was {answer.status}")
    return {"figures": [figure("start to first answer (a GET)", statistics.median(taken), "ms", "<= 100")]}


def growth(method):
    """As many small values as BENCH_LARGE says, and 100,000 of them."""
    def measure(stage):
        if "large" not in stage:
            return None
        few = load_points(stage["small"], method, 16, 64)
        row = {"ours": load_points(stage["large"], method, 16, 64, MANY),
               "limit": limit_points(stage["large"], method, 16, 64, MANY)}
        row["figures"] = [figure(f"{method} 64 B, 16 clients: {MANY:,} keys : {KEYS:,} keys",
                                 row["ours"]["rate"] / few["rate"] * 100, "%", ">= 70")]
        return row
    return measure


def stored_rows():
    aims = {("PUT", 4096): 2, ("PUT", 65536): 2.5, ("PUT", 524288): 2.5,
            ("GET", 4096): 2.5, ("GET", 65536): 2.5, ("GET", 524288): 1.5}
    for method in ("GET", "PUT"):
        for kind, size in STORED:
            for clients in (4, 16):
                aim = aims[method, size] if kind == "json" else 1.2 if method == "PUT" else None
                yield f"{method.lower()}{kind}{size // 1024}_{clients}", (
                    f"{method} {kind} {size // 1024} KiB, {clients} clients",
                    stored_values(method, kind, size, clients), "", f">= {aim}" if aim else "")


# name: (what the table says, measure, aim of the rate, aim of the ratio to the peer)
ROWS = {
    "get1": ("GET 1 KiB, 1 client", points("GET", 1, 1), ">= 65 %", ">= 2.5"),
    "get16": ("GET 1 KiB, 16 clients", points("GET", 16, 16), ">= 60 %", ">= 4"),
    "get64": ("GET 1 KiB, 64 clients", points("GET", 64, 16), ">= 70 %", ">= 5"),
    "cost": ("cost of metrics, access log and traces", cost, "", ""),
    "put1": ("PUT 1 KiB, 1 client", points("PUT", 1, 1), ">= 55 %", ">= 1.8"),
    "put16": ("PUT 1 KiB, 16 clients", points("PUT", 16, 16), ">= 100 %", ">= 3.5"),
    "put64": ("PUT 1 KiB, 64 clients", points("PUT", 64, 32), ">= 130 %", ">= 5"),
    "batch": ("POST of 100 PUTs of 1 KiB, 4 clients", batches, "", ""),
    **dict(stored_rows()),
    "besidelarge": ("PUT 1 KiB, 16 clients beside large", beside_large, "", ""),
    "sealed": ("sealed values beside plain ones", sealed, "", ""),
    "list": ("list of 200,000 keys", whole_list, "", ""),
    "prefix": ("list 100 of 200,000 keys by prefix, en-US", prefix_list, "", ">= 20"),
    "beside": ("GET 1 KiB, 16 clients beside lists", beside_list, "", ""),
    "burst": ("burst of large values", burst, "", ""),
    "start": ("start", start, "", ""),
    "distance_pg": ("PostgreSQL at a distance", distance("distance_pg", "PostgreSQL"), "", ""),
    "distance_crdb": ("CockroachDB at a distance (simulated)", distance("distance_crdb", "CockroachDB (simulated)"), "", ""),
    "getmany": (f"GET 64 B, 16 clients, {MANY:,} keys", growth("GET"), "", ""),
    "putmany": (f"PUT 64 B, 16 clients, {MANY:,} keys", growth("PUT"), "", ""),
}


FILLED = [("points", "1%08d", KEYS, "noise", 1024), ("list", "item%%2F%06d", LISTED, "noise", 0),
          *[(f"{kind}{size}", "1%08d", count, kind, size) for (kind, size), count in STORED.items()]]


def fill_peer(peer, filled):
    """Through its API, since its database is its own; what is there stays."""
    for namespace, form, count, kind, size in filled:
        connection = http.client.HTTPConnection(*address(peer), timeout=60)
        connection.request("GET", f"/api2/{WORKSPACE}/{namespace}", headers=AUTHORIZATION)
        if json.load(connection.getresponse())["count"] == count:
            continue
        fillers = [subprocess.Popen([sys.executable, os.path.join(HERE, "fill_peer.py"), peer.url, WORKSPACE, namespace,
                                     form, str(count), kind, str(size), f"{part}/4"]) for part in range(4)]
        if any([filler.wait() for filler in fillers]):
            raise SystemExit("bench: the peer could not be filled")


def add_peers(stage):
    say("filling the peer")
    stage["peer"] = Peer(os.environ["PEER_URL"])
    fill_peer(stage["peer"], FILLED)
    for name in ("peer_distance_pg", "peer_distance_crdb"):
        path = os.path.join(STATE, f"{name}.url")
        if os.path.exists(path):
            with open(path) as f:
                stage[name] = Peer(f.read().strip())
            fill_peer(stage[name], [("points", "1%08d", 10000, "noise", 1024)])


def wanted_rows():
    names = os.environ.get("BENCH_ROWS", "").replace(",", " ").split() or list(ROWS)
    for name in names:
        if name not in ROWS:
            raise SystemExit(f"bench: no row {name}; there are: {' '.join(ROWS)}")
    return names


def warm_up(stage):
    for method in ("GET", "PUT"):
        wrk(stage["main"], 16, point_arguments(method, 1024), 2)
        pgbench(stage["main"], 16, method.lower(), point_variables(method, 1024), 1)
    tidy(stage["main"], "PUT")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = wanted_rows()
    stage = worlds()
    if os.environ.get("PEER_URL"):
        add_peers(stage)
    say("warming up")
    warm_up(stage)
    with open(os.path.join(STATE, "results"), "w") as out:
        machine = {"seconds": SECONDS, "cores": os.cpu_count(), "database": run(["postgres", "-V"]).strip()}
        print(json.dumps({"machine": machine}), file=out)
        for number in range(int(os.environ.get("BENCH_ROUNDS") or 3)):
            for name in names:
                say(f"round {number + 1}: {ROWS[name][0]}")
                row = ROWS[name][1](stage)
                if row:
                    row |= {"row": name, "text": ROWS[name][0], "aim": ROWS[name][2], "aim_peer": ROWS[name][3]}
                    print(json.dumps(row), file=out, flush=True)


if __name__ == "__main__":
    main()
