#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""More bytes of bodies at once than the budget: 503 with Retry-After for what is over it, and all succeed in the end.

    bodies.py BASE-URL DATABASE-URL CLIENTS FITTING

Each client sends one value of 2,000,000 bytes; the database holds all of them up until every client has been
refused or is among the FITTING ones that the budget allows.  Then the refused ones ask again until they succeed.
"""
import hashlib
import random
import sys
import threading
import time

import database_lock
import http1

SIZE = 2_000_000


class Client(threading.Thread):
    def __init__(self, number, base):
        super().__init__(daemon=True)
        self.path = f"/api2/{http1.WS}/bodies/{number}"
        self.value = random.Random(number).randbytes(1000) * (SIZE // 1000)
        self.connection = http1.Connection(base, http1.token(), timeout=120)
        self.refused, self.status, self.wrong = 0, None, None

    def run(self):
        deadline = time.monotonic() + 100
        try:
            while time.monotonic() < deadline:
                answer = self.connection.ask("PUT", self.path, self.value)
                self.status = answer.status
                if answer.status != 503:
                    break
                assert "retry-after" in answer.fields, "a 503 without Retry-After"
                assert not answer.is_unknown(), "a refusal that may have been carried out"
                self.refused += 1
                RETRY.wait(100)
                time.sleep(random.random() / 5)
            assert self.status == 204, f"PUT: {self.status}"
            answer = self.connection.ask("GET", self.path)
            assert hashlib.md5(answer.body).digest() == hashlib.md5(self.value).digest(), "another value than was sent"
        except (AssertionError, http1.NoAnswer, http1.NotAsked) as e:
            self.wrong = f"{self.path}: {e or type(e).__name__}"


RETRY = threading.Event()


def main():
    base, database, n, fitting = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    clients = [Client(i, base) for i in range(n)]
    with database_lock.Lock(database):
        for c in clients:
            c.start()
        deadline = time.monotonic() + 40
        while (first := sum(c.refused > 0 for c in clients)) < n - fitting and time.monotonic() < deadline:
            time.sleep(0.02)
    RETRY.set()
    for c in clients:
        c.join()
    wrong = [c.wrong for c in clients if c.wrong]
    if first != n - fitting:
        wrong.append(f"{first} were refused while {fitting} have room: not {n - fitting}")
    print(f"{n} bodies of 2 MB at once: {first} refused, then all stored after {sum(c.refused for c in clients)} refusals")
    print(*wrong[:20], sep="\n", end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
