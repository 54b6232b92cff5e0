#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The simulator of CockroachDB keeps its own rules: what it refuses, what it counts as a violation, its faults.  And
# tests/on-cockroachdb reports well of what runs on it.

bats_require_minimum_version 1.5.0

load ../lib/postgres
load ../lib/world

setup_file()
{
	world_cluster
	[ -d "$PG_DIR/cockroachdb" ] || crdb_start
	pg_db s >/dev/null
}

# The cases do on purpose what is a violation.
teardown_file()
{
	rm -f "$PG_DIR/cockroachdb/violations"
	pg_remove
}

# The cases of tests/tools/simulator_cases.py whose names begin so.
cases()
{
	run -0 python3 "$WORLD_TOP/tests/tools/simulator_cases.py" "$(crdb_socket)" s "$PG_DIR/cockroachdb/violations" "$1"
	echo "$output"
}

@test "CockroachDB's refusals have their SQLSTATEs" { cases refused; }

@test "what CockroachDB would not let a program do is a violation, and nothing else is" { cases violation; }

@test "faults come before, at and after the commit, as often as they are asked for" { cases fault; }

@test "sessions are cancelled, also statements, and a stalled one goes on without its client" { cases session; }

@test "AS OF SYSTEM TIME reads what was there then, and stands where it may" { cases past; }

@test "schema changes: one at a time, without their client, and the old key stays behind" { cases change; }

@test "tests/on-cockroachdb finds nothing wrong on it" {
	: >"$PG_DIR/cockroachdb/violations"
	CHECK_ROWS=500 CHECK_LISTS=20 CHECK_REQUESTS=640 CHECK_SECONDS=1 \
		run "$WORLD_TOP/tests/on-cockroachdb" "$(crdb_url "$(pg_url s)")"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output != *"$PG_DIR"* ]]
	crdb_check
	[ "$(pg_sql s -c "select count(*) from pg_namespace where nspname like 'hulykvs_check%'")" = 0 ]
}
