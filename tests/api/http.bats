#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The cases of tests/api/cases, run through each web server.

load ../lib/postgres
load ../lib/world

setup_file()
{
	world_cluster
	for server in nginx lighttpd; do
		world_start "$server"
		world_save "$BATS_FILE_TMPDIR/$server"
	done
}

teardown_file()
{
	for server in nginx lighttpd; do
		[ ! -f "$BATS_FILE_TMPDIR/$server" ] || { visit "$server"; world_leave; }
	done
	pg_remove
}

visit()
{
	# shellcheck disable=SC1090 # as world_save left it
	. "$BATS_FILE_TMPDIR/$1"
}

run_cases()
{
	visit "$1"
	run "$WORLD_TOP/tests/tools/http_cases.py" --through "$1" "$WORLD_URL" "$WORLD_TOP/tests/api/cases/$2.json"
	echo "$output"
	[ "$status" -eq 0 ]
}

stops_cleanly()
{
	visit "$1"
	world_stop
}

# bats test_tags=cockroachdb
@test "through nginx: keys" { run_cases nginx keys; }
@test "through nginx: paths" { run_cases nginx paths; }
# bats test_tags=cockroachdb,matrix
@test "through nginx: values" { run_cases nginx values; }
# bats test_tags=cockroachdb,matrix
@test "through nginx: conditions" { run_cases nginx conditions; }
@test "through nginx: tokens" { run_cases nginx tokens; }
# bats test_tags=cockroachdb
@test "through nginx: workspaces" { run_cases nginx workspaces; }
# bats test_tags=cockroachdb,matrix
@test "through nginx: batches" { run_cases nginx batches; }
# bats test_tags=cockroachdb,matrix
@test "through nginx: lists" { run_cases nginx lists; }
@test "through nginx: cors" { run_cases nginx cors; }
# bats test_tags=cockroachdb
@test "through nginx: problems" { run_cases nginx problems; }
# bats test_tags=cockroachdb,matrix
@test "through nginx: ends cleanly" { stops_cleanly nginx; }

@test "through lighttpd: keys" { run_cases lighttpd keys; }
@test "through lighttpd: paths" { run_cases lighttpd paths; }
@test "through lighttpd: values" { run_cases lighttpd values; }
@test "through lighttpd: conditions" { run_cases lighttpd conditions; }
@test "through lighttpd: tokens" { run_cases lighttpd tokens; }
@test "through lighttpd: workspaces" { run_cases lighttpd workspaces; }
@test "through lighttpd: lists" { run_cases lighttpd lists; }
@test "through lighttpd: batches" { run_cases lighttpd batches; }
@test "through lighttpd: cors" { run_cases lighttpd cors; }
@test "through lighttpd: problems" { run_cases lighttpd problems; }
@test "through lighttpd: ends cleanly" { stops_cleanly lighttpd; }
