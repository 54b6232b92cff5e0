#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""How many requests a second, and how long they take: GET, then PUT, of values of 1 KiB.

    times.py BASE-URL CLIENTS SECONDS

Prints a line for each method.  For a first impression only: Python is the limit above some thousand a second; see
bench/run.  Python standard library only.
"""
import sys
import threading
import time
import uuid

import http1

VALUE = b"x" * 1024


def client(base, path, method, until, times, wrong):
    connection = http1.Connection(base, http1.token())
    number = 0
    while time.monotonic() < until:
        began = time.monotonic()
        number += 1
        body = VALUE if method == "PUT" else None
        answer = connection.ask(method, f"{path}/{number % 100}", body)
        times.append(time.monotonic() - began)
        if answer.status not in (200, 204, 404):
            wrong.append(answer.status)


def measure(base, method, clients, seconds):
    times, wrong, path = [], [], f"/api2/{http1.WS}/times-"
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=client, args=(base, path + uuid.uuid4().hex, method, until, times, wrong))
               for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    print(f"{method} {clients} clients: {len(times) / seconds:.0f}/s, p50 {times[len(times) // 2] * 1000:.1f} ms,"
          f" p99 {times[len(times) * 99 // 100] * 1000:.1f} ms, {len(wrong)} not as they should be {sorted(set(wrong))}")
    return not wrong


def main():
    base, clients, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    results = [measure(base, method, clients, seconds) for method in ("PUT", "GET")]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
