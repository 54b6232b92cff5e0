#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Prints the table of a run:  report.py RESULTS

Medians of all rounds, with the lowest and the highest in brackets.  A ratio is taken within a round, ours by
the limit's, so that what slows down both does not count.
"""
import json
import statistics
import sys

LEGEND = """
{cores} cores for all, {database}, {rounds} rounds of {seconds} s.
pgbench -M prepared: as many clients, but 16 beside 64 for GET and 32 beside 64 for PUT; the PUT of a large value copies
it from a table.  Ours is behind nginx with the settings that a user has (access log, metrics), the peer is asked itself.
Values: noise is random bytes, json arrays of identifiers, times and labels from the seed of bench/values.py.
Medians (lowest - highest).  us: CPU per request.  MiB: resident memory of the program, at most.
others: cores that were busy with something else; the figures are worth less the more.
"""
GROUPS = ("program", "nginx", "database", "load")


def number(x):
    if x >= 1000:
        return f"{x:,.0f}"
    return f"{x:.0f}" if x >= 100 or x == int(x) else f"{x:.1f}" if x >= 10 else f"{x:.2f}"


def spread(values):
    middle = number(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({number(min(values))} - {number(max(values))})"


def shares(values):
    middle, low, high = (f"{x * 100:.0f}" for x in (statistics.median(values), min(values), max(values)))
    return f"{middle} %" if len(values) == 1 else f"{middle} ({low} - {high}) %"


def read(path):
    machine, rows = {}, {}
    with open(path) as f:
        for line in map(json.loads, f):
            if "machine" in line:
                machine = line["machine"]
            else:
                rows.setdefault(line["row"], []).append(line)
    return machine, rows


def rate_cells(rounds):
    ours = [r["ours"] for r in rounds]
    limits = [r["limit"] for r in rounds if "limit" in r]
    cells = [rounds[0]["text"], spread([o["rate"] for o in ours]), spread(limits) if limits else "",
             shares([o["rate"] / x for o, x in zip(ours, limits)]) if limits else "", rounds[0]["aim"]]
    cells += ["{:.2f}".format(statistics.median(o[p] for o in ours)) for p in ("p50", "p99")]
    cells += ["{:.1f}".format(statistics.median(o["cpu"][g] for o in ours)) for g in GROUPS]
    cells.append("{:.1f}".format(max(o["peak"] for o in ours)))
    cells.append("{:.2f}".format(statistics.median(o["others"] for o in ours)))
    peers = [r["peer"]["rate"] for r in rounds if "peer" in r]
    cells.append(spread(peers) if peers else "")
    cells.append(spread([o["rate"] / x for o, x in zip(ours, peers)]) if peers else "")
    cells.append(rounds[0].get("aim_peer", "") if peers else "")
    cells.append("{:.2f}".format(statistics.median(r["peer"]["p99"] for r in rounds)) if peers else "")
    return cells


RATE_HEAD = ["", "requests/s", "pgbench/s", "ratio", "aim", "p50 ms", "p99 ms", *(f"{g} us" for g in GROUPS),
             "MiB", "others", "peer/s", "x peer", "aim", "peer p99 ms"]


def table(head, lines):
    """Columns as wide as they need to be; a column in which nobody has anything is left out."""
    columns = [c for c in zip(head, *lines) if any(c[1:])]
    widths = [max(map(len, c)) for c in columns]
    for line in zip(*columns):
        print("  ".join(x.ljust(w) if i == 0 else x.rjust(w) for i, (x, w) in enumerate(zip(line, widths))).rstrip())


def figures(rows):
    found = {}
    for rounds in rows.values():
        for text, value, unit, aim in (f for r in rounds for f in r.get("figures", [])):
            found.setdefault((text, unit, aim), []).append(value)
    return [[text, spread(values), unit, aim] for (text, unit, aim), values in found.items()]


def troubles(rows):
    for name, rounds in rows.items():
        for who in ("ours", "peer"):
            failed, broken = (sum(r[who][x] for r in rounds if who in r) for x in ("failed", "broken"))
            if failed or broken:
                yield f"! {name}, {who}: {failed} answers with an error, {broken} broken connections or timeouts"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    machine, rows = read(sys.argv[1])
    rounds = max((len(r) for r in rows.values()), default=0)
    print(LEGEND.format(rounds=rounds, **machine))
    rated = [rate_cells(r) for r in rows.values() if "ours" in r[0]]
    if rated:
        table(RATE_HEAD, rated)
        print()
    if others := figures(rows):
        table(["", "figure", "", "aim"], others)
    for plan in {tuple(r["plan"]) for rounds in rows.values() for r in rounds if "plan" in r}:
        print("\nplan of the prefix list: " + "; ".join(plan))
    for line in troubles(rows):
        print(line)


if __name__ == "__main__":
    main()
