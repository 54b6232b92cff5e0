# SPDX-License-Identifier: EPL-2.0
"""Prints the blocks of a Markdown file that are marked "sh run", in their order.

    blocks.py FILE [HEADING [NUMBER]]

HEADING: only those below the heading of that text, up to the next one of its
level.  NUMBER: only that one, from 1.
"""
import re
import sys


def blocks(lines, heading):
    wanted, level, block = not heading, 0, None
    for line in lines:
        fence = re.match(r"( *)```(.*)", line)
        if block is not None:
            if fence:
                yield "\n".join(block) + "\n"
                block = None
            else:
                block.append(line.removeprefix(indent))
        elif fence and wanted and fence.group(2) == "sh run":
            indent, block = fence.group(1), []
        elif heading and line.startswith("#"):
            depth = len(line) - len(line.lstrip("#"))
            if line.lstrip("# ") == heading:
                wanted, level = True, depth
            elif wanted and depth <= level:
                wanted = False


file, *rest = sys.argv[1:]
found = list(blocks(open(file, encoding="utf-8").read().splitlines(), rest[0] if rest else ""))
if len(rest) > 1:
    found = [found[int(rest[1]) - 1]]
print("\n".join(found), end="")
