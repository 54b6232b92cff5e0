#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# bats file_tags=long
# Faults that meet one of the program's database connections while the others go on: tests/tools/connections.py.

# shellcheck disable=SC2154 # FAULT_* come from faults.bash

load ../lib/postgres
load ../lib/world
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
	fault_leave
}

answers()
{
	python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import fcgi_peer
with fcgi_peer.Peer(sys.argv[2]) as peer:
    sys.exit(peer.ask("GET", "/readyz").status != 200)' "$WORLD_TOP/tests/tools" "$WORLD_SOCKET"
}

connections()
{
	local control=-

	[ -z "${FAULT_PROXY:-}" ] || control=$FAULT_DIR/control
	world_until 20 answers
	PSQL=$PG_BIN/psql python3 "$FAULT_SCRIPTS/connections.py" "$1" "$WORLD_SOCKET" "$control" "$FAULT_DB" "$FAULT_PROGRAM"
}

@test "a write that was given up does not happen after a later one of another worker" {
	fault_world none HULY_WORKERS=2 HULY_REQUEST_TIMEOUT=2
	connections other_workers
	fault_end
}

@test "a write that was given up because its connection broke does not happen after a later one" {
	fault_proxied none
	connections broken
	fault_end
}

@test "a write that was given up does not happen after one that the program acknowledged while it ended" {
	fault_world none HULY_WORKERS=2 HULY_REQUEST_TIMEOUT=3
	connections ends
}

@test "a write that was given up does not happen after a later one, also where a role is set" {
	fault_directory
	fault_database
	"$PG_BIN/psql" -X -q -d "$FAULT_DB" -c 'create role connections_owner' -c 'create role connections_login login' \
		-c 'grant connections_owner to connections_login' -c 'grant usage on schema hulykvs to connections_owner' \
		-c 'grant all on all tables in schema hulykvs to connections_owner'
	fault_serve none HULY_REQUEST_TIMEOUT=2 \
		HULY_DB_CONNECTION="${FAULT_DB/postgres@/connections_login@}&options=-c%20role%3Dconnections_owner&connect_timeout=2"
	connections role
	fault_end
}

@test "a connection that was dropped while it was idle is tried with a read before a write goes over it" {
	fault_proxied none
	connections idle
	fault_end
}

@test "once the database is known to take no writes, they are refused without being sent to it" {
	fault_proxied none
	connections read_only
	fault_end
}

@test "a request that is tried again ends by its deadline" {
	fault_proxied none HULY_REQUEST_TIMEOUT=4
	connections deadlines
	fault_end
}

@test "while a statement takes its time the program sleeps" {
	fault_proxied none
	connections sleeps
	fault_end
}

@test "a connection that has grown is kept while no other can be made" {
	fault_world none
	connections keeps
	fault_end
}

@test "rows of a list whose client left do not reach a new connection" {
	fault_world none
	connections descriptor
	fault_end
}

list_sessions()
{
	"$PG_BIN/psql" -X -q -A -t -d "$FAULT_DB" -c "select count(*) from pg_stat_activity
		where datname = current_database() and application_name = 'hulykvs' and state = 'active' and query ~ 'count'"
}

no_list_runs()
{
	[ "$(list_sessions)" = 0 ]
}

list_runs()
{
	[ "$(list_sessions)" -gt 0 ]
}

# Nothing has a time limit there but the service itself, and the database sends nothing meanwhile.
@test "a list that was given up ends in the database, too" {
	local lock

	fault_world nginx HULY_REQUEST_TIMEOUT=1 HULY_STATEMENT_TIMEOUT=30
	fault_ready
	coproc "$PG_BIN/psql" -X -q -A -t -d "$FAULT_DB" 2>&1 3>&-
	lock=$COPROC_PID
	echo "begin; lock table hulykvs.kvs in access exclusive mode; select 'locked';" >&"${COPROC[1]}"
	read -r -t 10 -u "${COPROC[0]}" REPLY
	[ "$REPLY" = locked ]
	[ "$(world_status "/api2/$WS?include=counts")" = 503 ]
	world_until 20 no_list_runs
	kill "$lock"
	fault_end
}
