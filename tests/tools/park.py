#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Asks N times at once for a value, and prints the status of each answer when it comes.

    park.py URL TOKEN N

Python standard library only.
"""
import sys
import threading
import urllib.error
import urllib.request


def ask(url, token):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=100) as answer:
            print(answer.status, flush=True)
    except urllib.error.HTTPError as e:
        print(e.code, flush=True)


def main():
    threads = [threading.Thread(target=ask, args=sys.argv[1:3]) for _ in range(int(sys.argv[3]))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


if __name__ == "__main__":
    main()
