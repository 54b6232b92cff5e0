#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# Every call of ours into the allocator, libpq, libfcgi and the other libraries fails once, at the start of a program or in
# hulykvs-migrate: nothing crashes or leaks,
# every answer is true, no write is lost or done twice, and the service goes on (see tests/tools/failpoints.py).

load ../lib/postgres
load ../lib/world
load ../lib/migrate
load ../lib/faults
load ../lib/failpoints

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

@test "any library call from the start on fails: it serves, or ends with a reason and the right status" { fails_in start; }

@test "any library call of hulykvs-migrate fails: it ends with a reason, and the next run ends well" {
	fault_directory
	FAULT_DB=$(pg_db field)
	field_original field 1
	{
		echo 'drop schema if exists hulykvs cascade;'
		"$PG_BIN/pg_dump" -d "$FAULT_DB" -n hulykvs
	} >"$FAULT_DIR/field.sql"
	failpoints migrate "$FAULT_DIR/field.sql"
}
