#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Prints rows of kvs for COPY:  fill.py WORKSPACE NAMESPACE COUNT SIZE FORMAT

FORMAT makes the key of a number, "item/%06d" for example; values are SIZE random bytes, since
PostgreSQL would compress others.
"""
import hashlib
import random
import sys


def main():
    workspace, namespace, count, size, key = *sys.argv[1:3], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
    random.seed(1)
    lines = []
    for n in range(count):
        value = random.randbytes(size)
        md5 = hashlib.md5(value).hexdigest()
        lines.append(f"{workspace}\t{namespace}\t{key % n}\t\\\\x{md5}\t\\\\x{value.hex()}\n")
        if len(lines) == 1000:
            sys.stdout.write("".join(lines))
            lines.clear()
    sys.stdout.write("".join(lines))


if __name__ == "__main__":
    main()
