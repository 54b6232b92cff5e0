#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Measures the web servers that bench/fronts has started, in turn, round by round, and prints a table.

    fronts.py FILE     a line for each: name, address, process, version, with tabs between
"""
import os
import re
import statistics
import subprocess
import sys

import procs
from report import number, spread
from rows import point_arguments
from stage import HERE, SECONDS, Peer, run, say, worlds, wrk_command, wrk_summary

CASES = os.path.join(HERE, "..", "tests", "api", "cases")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))


class Front(Peer):
    def __init__(self, line):
        self.name, url, process, self.version = line.rstrip("\n").split("\t")
        super().__init__(url)
        self.process = int(process)
        self.rates = {"GET": [], "PUT": []}
        self.costs = {"GET": [], "PUT": []}  # of itself, of the program
        self.failed = 0

    def cpu(self, world):
        return procs.family_cpu(self.process), procs.family_cpu(world.pid)

    def measure(self, method, world):
        before = self.cpu(world)
        result = wrk_summary(run(wrk_command(self, 64, point_arguments(method, 1024), SECONDS)))
        self.rates[method].append(result["rate"])
        spent = [after - then for after, then in zip(self.cpu(world), before)]
        self.costs[method].append([us / max(result["requests"], 1) for us in spent])
        self.failed += result["failed"] + result["broken"]

    def cases(self):
        """How many cases pass and fail, and the names of those that fail, each once."""
        files = sorted(os.path.join(CASES, f) for f in os.listdir(CASES))
        done = subprocess.run(
            [sys.executable, os.path.join(HERE, "..", "tests", "tools", "http_cases.py"), "--through", self.name, self.url, *files],
            stdout=subprocess.PIPE, text=True, timeout=600)
        passed, failed = map(int, re.search(r"^(\d+) passed, (\d+) failed$", done.stdout, re.M).groups())
        names = dict.fromkeys(line.split(": ")[1] for line in done.stdout.splitlines() if ".json: " in line)
        return passed, failed, list(names)


def main():
    with open(sys.argv[1]) as f:
        fronts = [Front(line) for line in f]
    world = worlds()["main"]
    for i in range(ROUNDS):
        for front in fronts:
            for method in ("GET", "PUT"):
                say(f"round {i + 1}: {front.name}: {method}")
                front.measure(method, world)
            world.sql("vacuum hulykvs.kvs")
    print("| web server | GET/s | PUT/s | us for a GET: itself / program | us for a PUT | failed requests | cases that fail |")
    print("|---|---|---|---|---|---|---|")
    wrong = []
    for front in fronts:
        passed, failed, names = front.cases()
        wrong.append((front.name, names))
        cost = [" / ".join(number(statistics.median(part)) for part in zip(*front.costs[m])) for m in ("GET", "PUT")]
        print(f"| {front.name} {front.version} | {spread(front.rates['GET'])} | {spread(front.rates['PUT'])} | {cost[0]} | "
              f"{cost[1]} | {front.failed} | {failed} of {passed + failed} |")
    for name, names in wrong:
        if names:
            print(f"\n{name} gets wrong: " + "; ".join(names))


if __name__ == "__main__":
    main()
