#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The cases of tests/api/cases, played through each web server.

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

play()
{
	visit "$1"
	run "$WORLD_TOP/tests/tools/play.py" --through "$1" "$WORLD_URL" "$WORLD_TOP/tests/api/cases/$2.json"
	echo "$output"
	[ "$status" -eq 0 ]
}

stops_cleanly()
{
	visit "$1"
	world_stop
}

# bats test_tags=cockroachdb
@test "through nginx: keys" { play nginx keys; }
@test "through nginx: paths" { play nginx paths; }
# bats test_tags=cockroachdb
@test "through nginx: values" { play nginx values; }
# bats test_tags=cockroachdb
@test "through nginx: conditions" { play nginx conditions; }
@test "through nginx: tokens" { play nginx tokens; }
# bats test_tags=cockroachdb
@test "through nginx: workspaces" { play nginx workspaces; }
# bats test_tags=cockroachdb
@test "through nginx: lists" { play nginx lists; }
@test "through nginx: cors" { play nginx cors; }
# bats test_tags=cockroachdb
@test "through nginx: problems" { play nginx problems; }
# bats test_tags=cockroachdb
@test "through nginx: ends cleanly" { stops_cleanly nginx; }

@test "through lighttpd: keys" { play lighttpd keys; }
@test "through lighttpd: paths" { play lighttpd paths; }
@test "through lighttpd: values" { play lighttpd values; }
@test "through lighttpd: conditions" { play lighttpd conditions; }
@test "through lighttpd: tokens" { play lighttpd tokens; }
@test "through lighttpd: workspaces" { play lighttpd workspaces; }
@test "through lighttpd: lists" { play lighttpd lists; }
@test "through lighttpd: cors" { play lighttpd cors; }
@test "through lighttpd: problems" { play lighttpd problems; }
@test "through lighttpd: ends cleanly" { stops_cleanly lighttpd; }
