#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# Another program in the same pool of PgBouncer, transaction mode: nothing that the service does changes what that one has
# set in the session.  All transactions share one session of the server, so each of them would meet what is changed.

load ../lib/postgres
load ../lib/world
load ../lib/faults
load ../lib/bouncer

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
	local pid

	pid=$(bouncer_pid) && kill "$pid" 2>/dev/null
	fault_leave
}

neighbour()
{
	"$PG_BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -d "$(bouncer_url)" "$@"
}

# What the neighbour finds in the session.
session()
{
	neighbour -c "select pg_backend_pid()" \
		-c "select name, setting from pg_settings where source = 'session' order by name" \
		-c "select name, setting from pg_settings where name in ('search_path', 'statement_timeout', 'role') order by name" \
		-c "select 'prepared', name from pg_prepared_statements" \
		-c "select 'locked', objid, pid from pg_locks where locktype = 'advisory'" \
		-c "select 'listens', * from pg_listening_channels()" \
		-c "select 'temporary', relname from pg_class where relpersistence = 't'"
}

unchanged_after()
{
	local found

	found=$(session)
	[ "$found" = "$BEFORE" ] || {
		echo "after $1 the session is changed:" >&2
		diff <(echo "$BEFORE") <(echo "$found") >&2
		return 1
	}
}

# request STATUS NAME PATH [CURL-ARG …]
request()
{
	local got

	got=$(world_status "/api2/$WS$3" "${@:4}")
	[ "$got" = "$1" ] || { echo "$2: status $got" >&2; return 1; }
	unchanged_after "$2"
}

requests()
{
	request 204 "a write" /n/k -T - <<<value
	request 204 "a write with a condition" /n/k -H 'If-Match: *' -T - <<<second
	request 412 "a write whose condition does not hold" /n/k -H 'If-None-Match: *' -T - <<<third
	request 204 "a large value" /n/large -T "$FAULT_DIR/large"
	request 200 "a read" /n/k
	request 200 "a read of a large value" /n/large
	request 404 "a read of nothing" /n/none
	request 200 "a list" /n
	request 200 "a list with metadata" '/n?include=metadata'
	request 200 "a list with values" '/n?include=values'
	request 200 "a list of namespaces" '?include=counts'
	request 200 "a batch that reads" /n -H 'Content-Type: application/json' --data-binary \
		'{"operations": [{"op": "get", "key": "k"}, {"op": "get", "key": "none"}]}'
	request 200 "a batch that reads and writes" /n -H 'Content-Type: application/json' --data-binary \
		'{"operations": [{"op": "put", "key": "b", "value": "YQ=="}, {"op": "get", "key": "k"}]}'
	request 412 "a batch that is rolled back" /n -H 'Content-Type: application/json' --data-binary \
		'{"operations": [{"op": "put", "key": "c", "value": "YQ=="}, {"op": "delete", "key": "none", "if_match": "*"}]}'
	request 204 "a DELETE" /n/k -X DELETE
}

@test "nothing that the service does changes the session of a neighbour" {
	command -v "${PGBOUNCER:-pgbouncer}" >/dev/null || skip "no pgbouncer"
	fault_directory
	fault_database
	bouncer_configure "$PG_DIR/socket" 1
	bouncer_start
	head -c 300000 /dev/urandom >"$FAULT_DIR/large"
	# What another client leaves in a session that it uses as if it were its own.
	neighbour -c "set search_path = 'neighbour', public" -c "set statement_timeout = '1234s'" \
		-c "set enable_seqscan = on" -c 'prepare neighbours as select 1' -c 'select pg_advisory_lock(7)' \
		-c 'listen neighbours' -c 'create temporary table neighbours (n int)'
	BEFORE=$(session)
	[[ $BEFORE == *statement_timeout\|1234000* && $BEFORE == *prepared\|neighbours* && $BEFORE == *locked\|7* ]]
	fault_serve nginx HULY_DB_PREPARED=off HULY_DB_CONNECTION="$(bouncer_url)"
	fault_ready
	unchanged_after "the start"
	requests
	# Several at a time.
	run python3 "$FAULT_SCRIPTS/contend.py" --requests 500 "$WORLD_URL"
	echo "$output"
	[ "$status" -eq 0 ]
	unchanged_after "many requests at once"
	WORLD_ERRORS_EXPECTED=1 world_stop
	unchanged_after "the end"
}
