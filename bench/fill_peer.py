#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Puts keys into a server through its API:  fill_peer.py URL WORKSPACE NAMESPACE FORMAT COUNT KIND SIZE PART/PARTS

FORMAT as for fill.py, but escaped as a path is; every PARTS-th key, from number PART on.
"""
import http.client
import os
import random
import sys
from urllib.parse import urlsplit

import values


def main():
    url, workspace, namespace, key, count = *sys.argv[1:5], int(sys.argv[5])
    kind, size = sys.argv[6], int(sys.argv[7])
    part, parts = map(int, sys.argv[8].split("/"))
    rng = random.Random(part)
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname, address.port or 80, timeout=60)
    fields = {"Authorization": "Bearer " + os.environ["BENCH_TOKEN"]}
    for n in range(part, count, parts):
        connection.request("PUT", f"/api2/{workspace}/{namespace}/{key % n}", values.value(kind, rng, size) if size else b"", fields)
        answer = connection.getresponse()
        answer.read()
        if answer.status not in (200, 201, 204):
            sys.exit(f"bench: the peer answered a PUT with {answer.status}")


if __name__ == "__main__":
    main()
