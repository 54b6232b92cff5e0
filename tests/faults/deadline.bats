#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# A write that was given up never happens after a later one that was acknowledged (docs/architecture.md): it gets
# stuck on its way to the database, is answered "Outcome unknown", another one is acknowledged, and then the first goes on.
#
# DEADLINE_ROUNDS (6) such writes in each test.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status
# shellcheck disable=SC2154 # FAULT_* come from faults.bash

load ../lib/postgres
load ../lib/world
load ../lib/faults
load ../lib/bouncer

ROUNDS=${DEADLINE_ROUNDS:-6}
# Clocks may differ by half a second on CockroachDB and behind poolers, which has to fit into the time of a request.
PATIENCE=0.6
[ -z "${WORLD_DATABASE:-}" ] || PATIENCE=1.5

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

	for pid in ${STALL:-} $(bouncer_pid); do
		kill "$pid" 2>/dev/null || :
	done
	fault_leave
}

# The wire that writes get stuck on, in front of the database; STALLED is the database behind it.
stall()
{
	local name=.s.PGSQL.$PG_PORT

	mkdir "$FAULT_DIR/stall" && chmod 777 "$FAULT_DIR/stall"
	python3 "$FAULT_SCRIPTS/stall.py" "$FAULT_DIR/stall/$name" "$(crdb_socket)" "$FAULT_DIR/stall" \
		</dev/null >"$FAULT_DIR/stall.log" 2>&1 3>&- &
	STALL=$!
	STALLED="${FAULT_DB%%\?*}?host=${FAULT_DIR//\//%2F}%2Fstall&port=$PG_PORT"
	world_until 10 test -S "$FAULT_DIR/stall/$name"
}

# A world whose writes can get stuck.
stalled_world()
{
	fault_directory && fault_database && stall &&
		fault_serve nginx HULY_DB_CONNECTION="$STALLED" HULY_REQUEST_TIMEOUT="$PATIENCE" "$@" && fault_ready
}

# The status of a PUT of a value.
put()
{
	world_status "/api2/$WS/n/k$1" -m 30 -T - <<<"$2"
}

value_is()
{
	local got

	got=$(world_get "/api2/$WS/n/k$1" | head -n 1)
	[ "$got" = "$2" ] || { echo "k$1 is '$got', not '$2'" >&2; return 1; }
}

# round N COMMAND …: the command writes "new N"
round()
{
	local n=$1
	shift

	# Every other key is there already, so that both arms of the statement are tried.
	[ $((n % 2)) -eq 0 ] || [ "$(put "$n" before)" = 204 ]
	[ "$(put "$n" "stall-$n-old")" = 503 ]
	[ -e "$FAULT_DIR/stall/stalled.$n" ]
	"$@" "$n" "new $n"
	value_is "$n" "new $n"
	go_on "$n"
	value_is "$n" "new $n"
}

# The write that is stuck goes on, and the server answers it.
go_on()
{
	[ ! -e "$FAULT_DIR/stall/ended.$1" ]
	touch "$FAULT_DIR/stall/release.$1"
	world_until 30 test -e "$FAULT_DIR/stall/ended.$1"
}

acknowledged()
{
	[ "$(put "$1" "$2")" = 204 ]
}

rounds()
{
	local n

	for n in $(seq "$ROUNDS"); do
		round "$n" "$@"
	done
}

# bats test_tags=cockroachdb
@test "a write that got stuck does not happen later" {
	stalled_world
	rounds acknowledged
	fault_end
}

@test "the same without prepared statements" {
	stalled_world HULY_DB_PREPARED=off
	rounds acknowledged
	fault_end
}

# A second program: the same as plain CGI, which goes to the database directly.
acknowledged_by_another()
{
	local answer

	world_environment
	printf '%s\n' "$2" >"$FAULT_DIR/body"
	# shellcheck disable=SC2016,SC2094 # the inner shell's; its size is taken before it is read
	answer=$("${WORLD_ENV[@]}" GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 HTTP_AUTHORIZATION="Bearer $WORLD_TOKEN" \
		HULY_DB_CONNECTION="$(crdb_url "$FAULT_DB")" HULY_REQUEST_TIMEOUT=10 REQUEST_METHOD=PUT REQUEST_URI="/api2/$WS/n/k$1" \
		CONTENT_LENGTH="$(stat -c %s "$FAULT_DIR/body")" sh -c '"$0" 2>/dev/null' "$HULYKVS_BUILD/hulykvs" \
		<"$FAULT_DIR/body")
	[[ $answer == *"Status: 204"* ]] || { echo "$answer" >&2; return 1; }
}

@test "the same where another program writes the later value" {
	stalled_world
	rounds acknowledged_by_another
	fault_end
}

# bats test_tags=cockroachdb
@test "the same where the later one is a DELETE, and then a PUT" {
	stalled_world
	rounds deleted_and_put
	fault_end
}

deleted_and_put()
{
	local status

	status=$(world_status "/api2/$WS/n/k$1" -X DELETE)
	[ "$status" = 204 ] || [ "$status" = 404 ]
	acknowledged "$@"
}

@test "the same behind PgBouncer with one connection" {
	command -v "${PGBOUNCER:-pgbouncer}" >/dev/null || skip "no pgbouncer"
	[ -z "${WORLD_DATABASE:-}" ] || skip "PgBouncer is not between the simulator and the program"
	for prepared in $(bouncer_prepared); do
		fault_directory
		fault_database
		stall
		bouncer_configure "$FAULT_DIR/stall" 1
		bouncer_start
		fault_serve nginx HULY_DB_PREPARED="$prepared" HULY_REQUEST_TIMEOUT=1.5 HULY_DB_CONNECTION="$(bouncer_url)"
		fault_ready
		rounds acknowledged
		kill "$(bouncer_pid)" "$STALL"
		fault_end
	done
}

# Its sessions end with it, so nothing of it can happen any more: the next one does not wait for a minute, and neither for
# a host that answers nothing.
@test "kill -9 of the program: writes go on when none of its sessions is left" {
	fault_directory
	fault_database
	mkdir "$FAULT_DIR/silent"
	"$FAULT_SCRIPTS/silent_hosts.py" "$FAULT_DIR/silent/.s.PGSQL.$PG_PORT" 3>&- &
	STALL=$!
	world_until 10 test -S "$FAULT_DIR/silent/.s.PGSQL.$PG_PORT"
	fault_serve nginx HULY_STATEMENT_TIMEOUT=60 \
		HULY_DB_CONNECTION="${FAULT_DB/host=/host=${FAULT_DIR//\//%2F}%2Fsilent,}"
	fault_ready
	acknowledged 1 before
	kill -KILL "$FAULT_PROGRAM"
	world_until 10 world_gone "$FAULT_PROGRAM"
	world_until 30 acknowledged 1 after
	value_is 1 after
	grep -q 'no session of the program that crashed is left' "$WORLD_DIR/program.log"
	fault_leave
}

# The one that is gone cannot say "unknown" in time; the next one waits for the deadline of its writes.
round_of_kill()
{
	local n=$1 pid client

	pid=$(world_pid)
	put "$n" "stall-$n-old" >/dev/null 3>&- &
	client=$!
	world_until 10 test -e "$FAULT_DIR/stall/stalled.$n"
	kill -KILL "$pid"
	world_until 10 world_gone "$pid"
	wait "$client" || :
	world_until 20 acknowledged "$n" "new $n"
	go_on "$n"
	value_is "$n" "new $n"
}

@test "the same after kill -9 of the program while a write is stuck" {
	local n

	stalled_world HULY_STATEMENT_TIMEOUT=0.5 HULY_REQUEST_TIMEOUT=5
	for n in $(seq "$ROUNDS"); do
		round_of_kill "$n"
	done
	fault_leave
}
