#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# Every key is a linearizable register, and so are keys that are written together by batches, also while the connection to the database is cut and errs: concurrent
# clients' histories are recorded and checked, and a bug planted under them is found.
#
# LINEAR_SECONDS (6) of recording, LINEAR_SEED (random): `make soak` asks for more.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status
# shellcheck disable=SC2154 # FAULT_* come from faults.bash

load ../lib/postgres
load ../lib/world
load ../lib/faults

setup_file()
{
	world_cluster
}

teardown_file()
{
	pg_remove
}

teardown()
{
	fault_leave
}

linear()
{
	run python3 "$FAULT_SCRIPTS/linear.py" ${LINEAR_SEED:+--seed "$LINEAR_SEED"} "$@" "$WORLD_URL" "$FAULT_DIR/control"
	echo "$output"
}

# A figure of the last run is at least that.
at_least()
{
	local n

	n=$(grep -oE "(^| )$1=[0-9]+" <<<"$output" | head -n 1)
	[ "${n##*=}" -ge "$2" ]
}

# Ends as soon as the bug is noticed.
finds()
{
	fault_proxied nginx
	linear --seconds 20 --plant "$1"
	[ "$status" -eq 3 ]
	at_least not_linearizable 1
	fault_end
}

@test "the checker is right about histories made by hand" {
	run python3 "$FAULT_SCRIPTS/linear.py" --check-itself
	echo "$output"
	[ "$status" -eq 0 ]
}

# bats test_tags=cockroachdb
@test "keys are linearizable while the database's connection is cut and returns errors" {
	fault_proxied nginx HULY_REQUEST_TIMEOUT=2
	linear --seconds "${LINEAR_SECONDS:-6}"
	[ "$status" -eq 0 ]
	at_least unknown 1
	at_least batches 100
	at_least faults 5
	at_least checked 200
	fault_say "$output"
	fault_end
}

@test "a planted bug is found: a read answered with what was read before" {
	finds stale
}

@test "a planted bug is found: a write done twice" {
	finds repeat
}

@test "a planted bug is found: a write acknowledged and lost" {
	finds lost
}
