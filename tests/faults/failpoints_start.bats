#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# Every call of ours into the allocator, libpq, libfcgi and the other libraries fails once, at the start of a program or in
# hulykvs-migrate: nothing crashes or leaks, and the program serves, or ends with a reason (see tests/tools/failpoints.py).

# shellcheck disable=SC2153 # FAULT_DIR comes from faults.bash

load ../lib/postgres
load ../lib/world
load ../lib/migrate
load ../lib/faults
load ../lib/failpoints

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
