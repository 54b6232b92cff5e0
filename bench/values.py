#!/usr/bin/env python3
# SPDX-License-Identifier: EPL-2.0
"""Values as the services store them, made anew in each run from a fixed seed:  values.py DIRECTORY

Writes DIRECTORY/KIND-BYTES.NUMBER, a few of each:
  json   a JSON array of objects with an identifier, a time, a state and labels, as the mail and calendar services
         keep their state; compressed it has about half its size
  noise  random bytes: sealed values look so, and nothing compresses them
"""
import json
import os
import random
import sys

SEED = 20261130
COPIES = 4
SIZES = {"json": (4096, 65536, 524288), "noise": (64, 1024, 524288)}
LABELS = ("INBOX", "SENT", "UNREAD", "IMPORTANT", "CATEGORY_UPDATES", "CATEGORY_PERSONAL", "STARRED", "DRAFT")
STATES = ("synced", "pending", "cancelled", "confirmed", "tentative")


def entry(rng):
    return {
        "id": f"{rng.getrandbits(96):024x}",
        "updated": f"2026-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}T{rng.randint(0, 23):02d}:"
                   f"{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}.{rng.randint(0, 999):03d}Z",
        "state": rng.choice(STATES),
        "history": rng.randint(10**8, 10**10),
        "labels": rng.sample(LABELS, rng.randint(1, 3)),
    }


def json_value(rng, size):
    """An array of just that many bytes: spaces fill what no further entry fits into."""
    entries, length = [], 2
    while True:
        text = json.dumps(entry(rng), separators=(",", ":"))
        if length + len(text) + 1 > size:
            break
        entries.append(text)
        length += len(text) + 1
    text = "[" + ",".join(entries) + "]"
    return (text + " " * (size - len(text))).encode()


def value(kind, rng, size):
    return json_value(rng, size) if kind == "json" else rng.randbytes(size)


def main():
    rng = random.Random(SEED)
    for kind, sizes in SIZES.items():
        for size in sizes:
            for number in range(COPIES):
                with open(os.path.join(sys.argv[1], f"{kind}-{size}.{number}"), "wb") as f:
                    f.write(value(kind, rng, size))


if __name__ == "__main__":
    main()
