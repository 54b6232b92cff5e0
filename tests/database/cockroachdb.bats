#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The service on simulated CockroachDB: what it makes of errors at a statement and at the commit, of lists that end after
# their first rows, and of a gateway that hangs, and goes on when its clients have left.
#
# CRDB_ROUNDS (3) of the stalled write: `make soak` asks for more.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

load ../lib/postgres
load ../lib/world

WS=5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f # the workspace of the token
UNKNOWN="Outcome unknown: the write may or may not have happened"

setup_file()
{
	WORLD_DATABASE=cockroachdb world_cluster
	world_start nginx HULY_REQUEST_TIMEOUT=3 HULY_STATEMENT_TIMEOUT=30 HULY_WORKERS=1
	world_save "$BATS_FILE_TMPDIR/world"
}

teardown_file()
{
	# shellcheck disable=SC1091 # as world_save left it
	. "$BATS_FILE_TMPDIR/world"
	world_end
}

setup()
{
	# shellcheck disable=SC1091 # as world_save left it
	. "$BATS_FILE_TMPDIR/world"
	KEY=/api2/$WS/n/k$BATS_TEST_NUMBER
}

teardown()
{
	crdb_order '{"forget": true, "set": ["latency=0"]}' >/dev/null
}

# The next statements meet this fault.
arm()
{
	crdb_order "{\"set\": [\"$1\"]}" >/dev/null
}

faults_left()
{
	crdb_order '{"status": true}' | python3 -c 'import json, sys; print(json.load(sys.stdin)["faults"])'
}

# put VALUE: the body, if any, and the status.
put()
{
	world_get "$KEY" -T - <<<"$1" | tr '\n' ' '
}

get()
{
	world_get "$KEY" | tr '\n' ' '
}

is()
{
	if [ "$1" != "$2" ]; then
		echo "'$1', not '$2'" >&2
		return 1
	fi
}

met()
{
	is "$(faults_left)" 0
}

@test "what has to be tried again is, at a statement and at the commit" {
	local fault

	for fault in '3*40001' '3*sync-40001'; do
		arm "$fault:^insert into"
		is "$(put "$fault")" ' 204'
		met
	done
	is "$(get)" "$fault  200"
	for fault in '2*40001' 57014 57P01 58C00 58C01 XXUUU cut; do
		arm "$fault:^select .*md5, value"
		is "$(get)" "3*sync-40001  200"
		met
	done
}

@test "a write of unknown outcome is said to be one, and is not done again" {
	local how

	is "$(put before)" ' 204'
	for how in sync-40003 57014 58C00 XXUUU 57P01 sync-57P01 cut; do
		arm "$how:^insert into"
		is "$(put "$how")" "$UNKNOWN 503"
		met
		is "$(get)" 'before  200'
	done
	for how in after-40003 after-57014 after-58C01 after-XXUUU after-57P01 after-cut; do
		arm "$how:^insert into"
		is "$(put "$how")" "$UNKNOWN 503"
		met
		is "$(get)" "$how  200"
	done
}

@test "errors that prove that nothing happened are no unknown outcome" {
	is "$(put before)" ' 204'
	arm 53200:'^insert into'
	is "$(put 53200)" 'Database unavailable 503'
	met
	is "$(get)" 'before  200'
	arm 0A000:'^insert into' # cached plan must not change result type: prepared again, on another connection
	is "$(put again)" ' 204'
	met
	is "$(get)" 'again  200'
}

# How many keys a list has, if it is a whole one.
count()
{
	world_get "/api2/$WS/long" | head -n -1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["count"])' 2>&1
}

# A list of more than the 512 KiB that CockroachDB keeps back.
@test "a list that meets an error after its first rows is not taken for a whole one" {
	pg_sql "w${WORLD_DIR##*.}" -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value)
		select '$WS', 'long', repeat('x', 100) || n, '', '' from generate_series(10000, 19999) as n"
	is "$(count)" 10000
	arm late-40001:'^select key'
	run count
	[ "$output" = 10000 ] || [[ $output == *JSONDecodeError* ]]
	met
	arm '40001:^select key'
	is "$(count)" 10000
	met
}

# batch VALUE: puts two keys and reads a third one; the body, if it is a refusal, and the status.
batch()
{
	local value

	value=$(base64 <<<"$1")
	world_get "/api2/$WS/n" -H 'Content-Type: application/json' --data-binary @- <<<"{\"operations\": [
		{\"op\": \"put\", \"key\": \"${KEY##*/}\", \"value\": \"$value\"}, {\"op\": \"get\", \"key\": \"none\"},
		{\"op\": \"put\", \"key\": \"second\", \"value\": \"$value\", \"if_match\": \"*\"}]}" |
		tr '\n' ' ' | sed 's/^{"results":.*} *//'
}

# Both keys have the value.
both_are()
{
	is "$(get)" "$1  200"
	is "$(KEY=/api2/$WS/n/second get)" "$1  200"
}

@test "a batch is tried again as a whole, at a statement and at the commit" {
	local fault

	is "$(KEY=/api2/$WS/n/second put first)" ' 204'
	for fault in '3*40001:^insert into' '3*sync-40001:^insert into' '2*40001:^update' '2*40001:^select key' 40001:^begin \
		'3*40001:^commit' 2*40001:^select.1 57P01:^begin 58C00:^insert XXUUU:^update 40003:^select cut:^insert \
		after-40003:^insert after-cut:^update after-57P01:^insert sync-57P01:^update 22012:^select.1 57014:^update 57014:^begin; do
		arm "$fault"
		is "$fault: $(batch "$fault")" "$fault: 200"
		met
		both_are "$fault"
	done
}

@test "a batch of unknown outcome is said to be one, is not done again, and is done as a whole or not at all" {
	local how

	is "$(batch before)" 200
	for how in 40003 57014 58C00 XXUUU 57P01 cut; do
		arm "$how:^commit"
		is "$(batch "$how")" "$UNKNOWN 503"
		met
		both_are before
	done
	for how in after-40003 after-57014 after-58C01 after-XXUUU after-57P01 after-cut; do
		arm "$how:^commit"
		is "$(batch "$how")" "$UNKNOWN 503"
		met
		both_are "$how"
	done
}

@test "errors that prove that a batch did nothing are no unknown outcome" {
	local fault

	is "$(batch before)" 200
	for fault in 53200:^insert 53200:^commit 53200:^begin; do
		arm "$fault"
		is "$(batch "$fault")" 'Database unavailable 503'
		met
		both_are before
	done
}

is_stored()
{
	is "$(get)" "$1  200"
}

stalled_is_over()
{
	[ "$(crdb_order '{"status": true}' | python3 -c 'import json, sys; print(json.load(sys.stdin)["stalled"])')" = 0 ]
}

# The first write hangs in the gateway, and goes on when the later one was acknowledged.
@test "a write that was given up never happens after a later one" {
	local round

	for round in $(seq "${CRDB_ROUNDS:-3}"); do
		is "$(put "before $round")" ' 204'
		arm stall6:'^insert into'
		is "$(put "old $round")" "$UNKNOWN 503"
		world_until 20 stored "new $round"
		is_stored "new $round"
		world_until 20 stalled_is_over
		is_stored "new $round"
	done
}

stored()
{
	[ "$(put "$1")" = ' 204' ]
}

@test "a gateway that hangs as a whole, and goes on" {
	local gateway

	gateway=$(pgrep -f "cockroachdb_simulator.py $PG_DIR/cockroachdb/")
	is "$(put before)" ' 204'
	kill -STOP "$gateway"
	run put old
	kill -CONT "$gateway"
	is "$output" "$UNKNOWN 503"
	world_until 20 stored new
	is_stored new
}

@test "a time limit of the role for idle sessions ends none of the service's" {
	is "$(put before)" ' 204'
	is_stored before
	[ "$(world_status "/api2/$WS/n")" = 200 ]
	crdb_order '{"idle": true}' | python3 -c '
import json, sys
told = json.load(sys.stdin)
assert told["idle"] >= 3 and told["ended"] == 0, told'
	is "$(put after)" ' 204'
}

@test "nothing was done that CockroachDB would not take" {
	crdb_check
	world_stop
}
