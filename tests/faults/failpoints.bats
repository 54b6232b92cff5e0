#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# Every call of ours into the allocator, libpq, libfcgi and the other libraries fails once: nothing crashes or leaks,
# every answer is true, no write is lost or done twice, and the service goes on (see tests/tools/failpoints.py).
# Start-up and programs that end by themselves have files of their own: they take long, and files are run side by side.

load ../lib/postgres
load ../lib/world
load ../lib/migrate
load ../lib/faults
load ../lib/failpoints

@test "any library call of a running program fails: the answers are right, and it goes on serving" { fails_in serve; }
@test "the same, where values are sealed and traces are sent" { FEATURES=1 fails_in serve; }
