#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# Every call of ours into the allocator, libpq, libfcgi and the other libraries fails once, at the start of a program:
# nothing crashes or leaks, and the program serves, or ends with a reason (see tests/tools/failpoints.py).

load ../lib/postgres
load ../lib/world
load ../lib/migrate
load ../lib/faults
load ../lib/failpoints

@test "any library call from the start on fails: it serves, or ends with a reason and the right status" { fails_in start; }
