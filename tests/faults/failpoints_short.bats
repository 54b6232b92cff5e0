#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# Every call of ours into the allocator, libpq, libfcgi and the other libraries fails once, in the programs that end by
# themselves: a CGI program and hulykvs-migrate (see tests/tools/failpoints.py).

# shellcheck disable=SC2153 # FAULT_DIR comes from faults.bash

load ../lib/postgres
load ../lib/world
load ../lib/migrate
load ../lib/faults
load ../lib/failpoints

@test "any library call of a CGI program fails: the answer is right" { fails_in cgi; }

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
