#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Reads answers of many sizes through the service, whose database is behind tls_front.py: each must be whole.

    tls_answers.py BASE-URL

Puts values, then reads them alone, several in a batch, and as lists of long keys.  Prints a line for each failure and
ends with "N passed, N failed".  Python standard library only.
"""
import base64
import json
import sys

import http1

NS = "tls"


class Run:
    def __init__(self, base):
        self.connection = http1.Connection(base, http1.token())
        self.passed = self.failed = 0

    def ask(self, label, *request):
        answer = self.connection.ask(*request)
        if answer.status not in (200, 204):
            self.note(label, f"{answer.status} {answer.body[:60]!r}")
            return None
        return answer

    def note(self, label, wrong):
        if wrong:
            print(f"{label}: {wrong}")
        self.failed += bool(wrong)
        self.passed += not wrong

    def put(self, key, value):
        self.ask(f"PUT {key}", "PUT", f"/api2/{http1.WS}/{NS}/{key}", value)

    def get(self, size):
        value = (b"%d " % size * size)[:size]
        self.put("one", value)
        answer = self.ask(f"value of {size} bytes", "GET", f"/api2/{http1.WS}/{NS}/one")
        if answer:
            self.note(f"value of {size} bytes", answer.body != value and "is another one")

    def batch(self, count):
        operations = [{"op": "get", "key": f"of-batch-{i}"} for i in range(count)]
        answer = self.ask(f"batch of {count}", "POST", f"/api2/{http1.WS}/{NS}", json.dumps({"operations": operations}).encode(),
                          {"Content-Type": "application/json"})
        if answer:
            values = [base64.b64decode(r["value"]) for r in json.loads(answer.body)["results"]]
            self.note(f"batch of {count}", values != [b"v" * (5000 + i) for i in range(count)] and "has other values")

    def list(self, count, ns):
        answer = self.ask(f"list of {count}", "GET", f"/api2/{http1.WS}/{ns}")
        if answer:
            self.note(f"list of {count}", len(json.loads(answer.body)["keys"]) != count and "is not whole")

    def run(self):
        for i in range(16):
            self.put(f"of-batch-{i}", b"v" * (5000 + i))
        for count in range(3, 17):
            self.batch(count)
        for i in range(120):
            key = f"{i:04d}" + "k" * (700 + i)
            self.ask("PUT", "PUT", f"/api2/{http1.WS}/long/{key}", b"")
            if i >= 20 and i % 5 == 0:
                self.list(i + 1, "long")
        for power in (14, 15, 16):
            for less in range(0, 200, 5):
                self.get((1 << power) - less)
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(Run(sys.argv[1]).run())
