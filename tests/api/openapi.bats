#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# /openapi.json is what is in deploy/, and its examples do what it says.

load ../lib/postgres
load ../lib/world

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
	world_leave
}

examples_run()
{
	world_start "$1"
	curl -s "$WORLD_URL/openapi.json" | cmp - "$WORLD_TOP/deploy/openapi.json"
	run "$WORLD_TOP/tests/tools/openapi.py" "$WORLD_URL" /metrics
	echo "$output"
	[ "$status" -eq 0 ]
	world_stop
}

@test "nginx: the examples of the API's description run" { examples_run nginx; }
@test "lighttpd: the examples of the API's description run" { examples_run lighttpd; }
@test "plain CGI: the examples of the API's description run" { examples_run cgi; }
