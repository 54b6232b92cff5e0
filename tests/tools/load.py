#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Clients that write and read their own keys, and count what they are answered.

    load.py BASE-URL CLIENTS ROUNDS [ONLY-METHOD]

Each client has one connection (made anew when it breaks) and one key; a round is a PUT of a new value and a GET
that must bring it back.  Prints "METHOD STATUS COUNT" for each kind of answer; a broken connection is status 0, a
value that is not the last one acknowledged is status 999.
"""
import collections
import http.client
import sys
import threading
import urllib.parse
import uuid

import http_cases


def client(url, rounds, only, token, count):
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    path = f"/api2/{http_cases.WS}/load/{uuid.uuid4().hex}"

    def ask(method, body=None):
        try:
            connection.request(method, path, body, {"Authorization": "Bearer " + token})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return 0, b""

    for i in range(rounds):
        value = b"%d" % i
        if only != "GET":
            status, _ = ask("PUT", value)
            count["PUT", status] += 1
        if only != "PUT":
            status, body = ask("GET")
            if status == 200 and body != value and only is None:
                status = 999
            count["GET", status] += 1


def main():
    url, clients, rounds = urllib.parse.urlsplit(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    only = sys.argv[4] if len(sys.argv) > 4 else None
    token = http_cases.tokens()["user"]
    counts = [collections.Counter() for _ in range(clients)]
    threads = [threading.Thread(target=client, args=(url, rounds, only, token, c)) for c in counts]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for (method, status), n in sorted(sum(counts, collections.Counter()).items()):
        print(method, status, n)


if __name__ == "__main__":
    main()
