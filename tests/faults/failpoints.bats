#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# Every call of ours into the allocator, libpq, libfcgi and the other libraries fails once: nothing crashes or leaks,
# every answer is true, no write is lost or done twice, and the service goes on (see tests/tools/failpoints.py).
#
# The programs are those of `make failpoints`, built with AddressSanitizer.  FAILPOINTS_DEPTH (3) says how many
# callers make a place, of which the first call fails; 0: the n-th call, for every n (`make soak`).

load ../lib/postgres
load ../lib/world
load ../lib/migrate
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
	[ -z "${FAULT_DIR:-}" ] || rm -rf "$FAULT_DIR"
}

failpoints()
{
	run env "PATH=$PG_BIN:$PATH" python3 "$FAULT_SCRIPTS/failpoints.py" --depth "${FAILPOINTS_DEPTH:-3}" \
		${FEATURES:+--features} "$1" "$HULYKVS_BUILD/tests/faults/failing" "$FAULT_DB" "${@:2}"
	echo "$output"
	[ "$status" -eq 0 ]
	fault_say "$(tail -n 1 <<<"$output")"
}

fails_in()
{
	fault_directory
	fault_database
	fault_audit
	failpoints "$1"
}

@test "any system call of a running program fails: the answers are right, and it goes on serving" { fails_in serve; }
@test "the same, where values are sealed and traces are sent" { FEATURES=1 fails_in serve; }
@test "any system call from the start on fails: it serves, or ends with a reason and the right status" { fails_in start; }
@test "any system call of a CGI program fails: the answer is right" { fails_in cgi; }

@test "any system call of hulykvs-migrate fails: it ends with a reason, and the next run ends well" {
	fault_directory
	FAULT_DB=$(pg_db field)
	field_original field 1
	{
		echo 'drop schema if exists hulykvs cascade;'
		"$PG_BIN/pg_dump" -d "$FAULT_DB" -n hulykvs
	} >"$FAULT_DIR/field.sql"
	failpoints migrate "$FAULT_DIR/field.sql"
}
