# SPDX-License-Identifier: EPL-2.0
"""What a row of the benchmark works with: the running services, the load generators, the figures."""
import json
import os
import re
import subprocess
import sys
import time
from urllib.parse import urlsplit

import procs

STATE = os.environ["BENCH_STATE"]
TOKEN = os.environ["BENCH_TOKEN"]
WORKSPACE = os.environ["BENCH_WORKSPACE"]
SECONDS = int(os.environ.get("BENCH_SECONDS") or 5)
HERE = os.path.dirname(os.path.abspath(__file__))
FIRST_KEY = 100000000


class World:
    """A service on a database of its own.  A peer has an address and nothing else."""

    def __init__(self, line):
        self.name, self.url, self.socket, pid, web, self.dir, self.db = line.rstrip("\n").split("\t")
        self.pid, self.web, self.database = int(pid), int(web), int(os.environ["BENCH_PG_PID"])

    def cpu(self):
        return {"program": procs.family_cpu(self.pid), "nginx": procs.family_cpu(self.web),
                "database": procs.family_cpu(self.database), "load": procs.children_cpu()}

    def sql(self, *commands):
        options = [x for command in commands for x in ("-c", command)]
        return run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.db, *options])


class Peer:
    pid = None

    def __init__(self, url):
        self.url = url.rstrip("/")


def worlds():
    with open(os.path.join(STATE, "worlds")) as f:
        return {w.name: w for w in map(World, f)}


def address(world):
    parts = urlsplit(world.url)
    return parts.hostname, parts.port or 80


def run(command):
    """Standard output of a command, which does not outlive us."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, err = process.communicate()
    finally:
        process.kill()
        process.wait()
    if process.returncode != 0:
        raise SystemExit(f"bench: {os.path.basename(command[0])} failed: {err.strip()}")
    return out


def wrk_command(world, clients, arguments, seconds=SECONDS):
    return ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "30s", "-s", os.path.join(HERE, "load.lua"),
            world.url, "--", *map(str, arguments)]


def wrk_summary(out):
    """Rate, latencies in ms, and how many answers failed."""
    raw = json.loads(re.search(r"^\{.*\}$", out, re.M).group())
    return {"requests": raw["requests"], "rate": raw["requests"] / raw["us"] * 1e6, "failed": raw["failed"],
            "broken": raw["broken"], **{name: raw[name] / 1e3 for name in ("p50", "p99", "max")}}


def wrk(world, clients, arguments, seconds=SECONDS):
    """wrk_summary() and, for a world of ours, CPU per request, what others took, and the peak of resident memory."""
    command = wrk_command(world, clients, arguments, seconds)
    if not world.pid:
        return wrk_summary(run(command))
    procs.reset_peak(world.pid)
    busy, began, before = procs.machine_cpu(), time.monotonic(), world.cpu()
    result = wrk_summary(run(command))
    after = world.cpu()
    spent = {group: after[group] - before[group] for group in after}
    others = procs.machine_cpu() - busy - sum(spent.values())
    result["cpu"] = {group: us / max(result["requests"], 1) for group, us in spent.items()}
    result["others"] = max(0, others) / (time.monotonic() - began) / 1e6
    result["peak"] = procs.resident_peak(world.pid)
    return result


def pgbench(world, clients, statement, variables, seconds=SECONDS):
    """Transactions per second of one of the service's statements, without the service."""
    options = [x for name, value in variables.items() for x in ("-D", f"{name}={value}")]
    out = run(["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j1", "-T", str(seconds),
               "-f", os.path.join(STATE, statement + ".sql"), *options, world.db])
    return float(re.search(r"^tps = ([0-9.]+)", out, re.M).group(1))


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)
