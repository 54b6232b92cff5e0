#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Prints rows of kvs for COPY:  fill.py WORKSPACE NAMESPACE COUNT KIND SIZE FORMAT

FORMAT makes the key of a number, "item/%06d" for example; KIND is one of values.py.
"""
import hashlib
import random
import sys

import values


def main():
    workspace, namespace, count, kind, size, key = *sys.argv[1:3], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]), sys.argv[6]
    rng = random.Random(1)
    lines = []
    for n in range(count):
        value = values.value(kind, rng, size) if size else b""
        md5 = hashlib.md5(value).hexdigest()
        lines.append(f"{workspace}\t{namespace}\t{key % n}\t\\\\x{md5}\t\\\\x{value.hex()}\n")
        if len(lines) * size >= 1000000 or len(lines) == 1000:
            sys.stdout.write("".join(lines))
            lines.clear()
    sys.stdout.write("".join(lines))


if __name__ == "__main__":
    main()
