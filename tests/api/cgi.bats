#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The program as plain CGI: it serves the one request that it was started for.

load ../lib/postgres
load ../lib/world

setup_file()
{
	world_cluster
	world_start cgi
}

teardown_file()
{
	world_end
}

# A share of them: what answers is the same code as behind a web server, and each request starts a program.
run_cases()
{
	run "$WORLD_TOP/tests/tools/http_cases.py" --through cgi --every "${CGI_EVERY:-6}" "$WORLD_URL" "$WORLD_TOP/tests/api/cases/$1.json"
	echo "$output"
	[ "$status" -eq 0 ]
}

# cgi NAME=VALUE … [<BODY]: one request, by hand; without the log.
cgi()
{
	world_environment
	# shellcheck disable=SC2016 # the inner shell's
	run "${WORLD_ENV[@]}" GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 \
		HTTP_AUTHORIZATION="Bearer $WORLD_TOKEN" "$@" sh -c '"$0" 2>/dev/null' "$HULYKVS_BUILD/hulykvs"
	output=${output//$'\r'/}
}

@test "keys" { run_cases keys; }
@test "paths" { run_cases paths; }
@test "values" { run_cases values; }
@test "conditions" { run_cases conditions; }
@test "tokens" { run_cases tokens; }
@test "workspaces" { run_cases workspaces; }
@test "lists" { run_cases lists; }
@test "batches" { run_cases batches; }
@test "cors" { run_cases cors; }
@test "problems" { run_cases problems; }

@test "an answer is a CGI header, an empty line and the body" {
	cgi REQUEST_METHOD=GET REQUEST_URI=/status </dev/null
	[ "$status" -eq 0 ]
	[[ $output == *"Status: 200 OK"* ]]
	[ "${lines[-1]}" = ok ]
}

@test "a body shorter than announced stores nothing" {
	workspace=$(sed -n 's/^WS = "\(.*\)"/\1/p' "$WORLD_TOP/tests/tools/http_cases.py")
	printf 'short' >"$BATS_TEST_TMPDIR/body"
	cgi REQUEST_METHOD=PUT REQUEST_URI="/api2/$workspace/cgi/cut" CONTENT_LENGTH=100 <"$BATS_TEST_TMPDIR/body"
	[[ $output != *"Status: 2"* ]]
	[ "$(world_status "/api2/$workspace/cgi/cut")" = 404 ]
	cgi REQUEST_METHOD=PUT REQUEST_URI="/api2/$workspace/cgi/whole" CONTENT_LENGTH=5 <"$BATS_TEST_TMPDIR/body"
	[[ $output == *"Status: 204"* ]]
	[ "$(world_status "/api2/$workspace/cgi/whole")" = 200 ]
}

@test "a body whose length nobody tells is refused" {
	workspace=$(sed -n 's/^WS = "\(.*\)"/\1/p' "$WORLD_TOP/tests/tools/http_cases.py")
	cgi REQUEST_METHOD=PUT REQUEST_URI="/api2/$workspace/cgi/chunked" HTTP_TRANSFER_ENCODING=chunked <<<$'5\r\nhello\r\n0\r\n\r'
	[[ $output == *"Status: 400"* ]]
	[ "$(world_status "/api2/$workspace/cgi/chunked")" = 404 ]
}

@test "without REQUEST_URI no key is said to be missing" {
	cgi REQUEST_METHOD=GET SCRIPT_NAME=/api PATH_INFO=/n/k </dev/null
	[[ $output == *"Status: 400"*"REQUEST_URI is missing"* ]]
}

@test "a body longer than announced is cut there" {
	workspace=$(sed -n 's/^WS = "\(.*\)"/\1/p' "$WORLD_TOP/tests/tools/http_cases.py")
	cgi REQUEST_METHOD=PUT REQUEST_URI="/api2/$workspace/cgi/longer" CONTENT_LENGTH=3 <<<"longer"
	[[ $output == *"Status: 204"* ]]
	run world_get "/api2/$workspace/cgi/longer"
	[ "${lines[0]}" = lon ]
}

@test "without a database: 503 and an end" {
	cgi HULY_DB_CONNECTION="host=$WORLD_DIR" REQUEST_METHOD=GET REQUEST_URI=/readyz </dev/null
	[ "$status" -eq 0 ]
	[[ $output == *"Status: 503"* ]]
}

@test "ends cleanly" { WORLD_ERRORS_EXPECTED=1 world_stop; }
