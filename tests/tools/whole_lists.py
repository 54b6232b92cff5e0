#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Whole lists, again and again, while keys of the same namespace are written: each must be complete and in order.

    whole_lists.py [--lists N] [--keys N] BASE-URL

Puts the keys first (N, 2000), then asks for the whole list N (1000) times over one connection, while two writers put
these keys again and put and delete others between them.  A 503 is asked again and counted.  Prints one line of figures,
and what is wrong on lines of their own.  Python standard library only.
"""
import argparse
import json
import statistics
import sys
import threading
import time
import uuid

import http1


class Lists:
    def __init__(self, base, keys):
        self.base, self.path = base, f"/api2/{http1.WS}/lists-{uuid.uuid4().hex}"
        self.keys = [f"key-{n:06d}" for n in range(keys)]
        self.wrong, self.seconds, self.unavailable = [], [], 0
        self.over = threading.Event()

    def ask(self, connection, *request):
        for _ in range(100):
            answer = connection.ask(*request)
            if answer.status != 503:
                return answer
            self.unavailable += 1
            time.sleep(0.1)
        return answer

    def put(self, connection, key):
        answer = self.ask(connection, "PUT", f"{self.path}/{key}", b"x" * 100)
        if answer.status != 204:
            self.wrong.append(f"PUT: {answer.status}")

    def fill(self, number, of):
        connection = http1.Connection(self.base, http1.token())
        for key in self.keys[number::of]:
            self.put(connection, key)

    def write(self, number):
        connection = http1.Connection(self.base, http1.token())
        i = number
        while not self.over.is_set():
            key = self.keys[i % len(self.keys)]
            self.put(connection, key)
            self.put(connection, key + "-other")
            self.ask(connection, "DELETE", f"{self.path}/{key}-other")
            i += 7

    def look(self, keys):
        stay = [k for k in keys if not k.endswith("-other")]
        if keys != sorted(keys):
            self.wrong.append("a list is not in order")
        if stay != self.keys:
            self.wrong.append(f"{len(stay)} of {len(self.keys)} keys that stay are in a list")

    def read(self, lists):
        connection = http1.Connection(self.base, http1.token())
        for _ in range(lists):
            began = time.monotonic()
            answer = self.ask(connection, "GET", self.path)
            self.seconds.append(time.monotonic() - began)
            if answer.status != 200:
                self.wrong.append(f"list: {answer.status}")
                continue
            found = json.loads(answer.body)
            if found["count"] != len(found["keys"]):
                self.wrong.append("a list's count is not that of its keys")
            self.look(found["keys"])


def at_once(function, numbers):
    threads = [threading.Thread(target=function, args=args, daemon=True) for args in numbers]
    for thread in threads:
        thread.start()
    return threads


def main():
    parser = argparse.ArgumentParser(description="whole lists beside writes")
    parser.add_argument("--lists", type=int, default=1000)
    parser.add_argument("--keys", type=int, default=2000)
    parser.add_argument("base")
    options = parser.parse_args()
    lists = Lists(options.base, options.keys)
    for thread in at_once(lists.fill, [(n, 8) for n in range(8)]):
        thread.join()
    writers = at_once(lists.write, [(0,), (1,)])
    lists.read(options.lists)
    lists.over.set()
    for thread in writers:
        thread.join()
    print(f"{options.lists} lists of {options.keys} keys: p50 {statistics.median(lists.seconds) * 1000:.1f} ms,"
          f" slowest {max(lists.seconds) * 1000:.0f} ms, {lists.unavailable} times 503")
    for text in sorted(set(lists.wrong)):
        print(f"{lists.wrong.count(text)} times: {text}")
    return 1 if lists.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
