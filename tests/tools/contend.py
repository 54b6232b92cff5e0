#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Many writers on one key: nothing that they do to each other may reach a client as an error.

    contend.py [--writers N] [--requests N] BASE-URL

Plain and conditional writes, deletions and reads of one key, over one connection a writer, N requests in all.
Each answer must be one that the request can have: a 412 is, a 5xx never.  Prints one line of figures.
Python standard library only.
"""
import argparse
import collections
import hashlib
import random
import sys
import threading

import http1

PATH = f"/api2/{http1.WS}/contend/key"


class Writer(threading.Thread):
    def __init__(self, number, requests, base):
        super().__init__(daemon=True)
        self.number, self.requests = number, requests
        self.random = random.Random(number)
        self.connection = http1.Connection(base, http1.token())
        self.count, self.wrong = collections.Counter(), []
        self.tag = '"%s"' % hashlib.md5(b"").hexdigest()

    def request(self, i):
        """(statuses that may come, request)"""
        value = f"{self.number}:{i}".encode()
        dice = self.random.random()
        if dice < 0.5:
            return (204,), ("PUT", PATH, value)
        if dice < 0.65:
            return (201, 412), ("PUT", PATH, value, {"If-None-Match": "*"})
        if dice < 0.8:
            return (204, 412), ("PUT", PATH, value, {"If-Match": self.tag})
        if dice < 0.9:
            return (204, 404), ("DELETE", PATH)
        return (200, 404), ("GET", PATH)

    def run(self):
        for i in range(self.requests):
            allowed, request = self.request(i)
            try:
                answer = self.connection.ask(*request)
            except (http1.NotAsked, http1.NoAnswer) as e:
                self.wrong.append(f"{request[0]}: {e}")
                return
            self.count[answer.status] += 1
            if answer.status not in allowed:
                self.wrong.append(f"{request[0]} {request[3:]}: {answer.status} {answer.body[:60]!r}")
            self.tag = answer.fields.get("etag", self.tag)


def main():
    parser = argparse.ArgumentParser(description="many writers on one key")
    parser.add_argument("--writers", type=int, default=64)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("base")
    options = parser.parse_args()
    writers = [Writer(n, options.requests // options.writers, options.base) for n in range(options.writers)]
    for w in writers:
        w.start()
    for w in writers:
        w.join()
    count = sum((w.count for w in writers), collections.Counter())
    wrong = [x for w in writers for x in w.wrong]
    print(f"{sum(count.values())} requests:", *(f"{status}={n}" for status, n in sorted(count.items())))
    print(*wrong[:20], sep="\n")
    return 1 if wrong or not count[412] else 0


if __name__ == "__main__":
    sys.exit(main())
