#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# bats file_tags=long
# What becomes of requests when the database is taken away, frozen or cut off: an acknowledged write is there, a write
# runs at most once, "outcome unknown" is said only where it is so, and all works again by itself.
#
# FAULT_ROUNDS (5) stops and starts, FAULT_KILLS (3) kills of each kind, FAULT_PROMOTIONS (1): `make soak` asks for more.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status
# shellcheck disable=SC2154 # FAULT_* come from faults.bash

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
	pg_thaw
	fault_own_cluster_end
	fault_leave
	fault_database_up
}

crash_database()
{
	local pid children

	pid=$(pg_pid)
	children=$(pgrep -P "$pid" | tr '\n' ' ')
	kill -KILL "$pid"
	# Its children see that it is gone and end, too.
	for pid in $pid $children; do
		world_until 20 world_gone "$pid"
	done
	# Where nobody reaps it, its id is still taken.
	rm -f "$PG_DIR/data/postmaster.pid" "$PG_DIR/socket/.s.PGSQL.$PG_PORT.lock"
}

# Background: the figures of recovery.py, once the database is back.
recovers()
{
	python3 "$FAULT_SCRIPTS/recovery.py" "$WORLD_URL" "$PG_DIR/socket/.s.PGSQL.$PG_PORT" \
		>>"$BATS_TEST_TMPDIR/recovery" 2>&1 3>&- &
	RECOVERY=$!
}

recovered()
{
	wait "$RECOVERY" || { cat "$BATS_TEST_TMPDIR/recovery"; return 1; }
}

# The slowest of the recoveries, by write and by read.
say_recoveries()
{
	fault_say "$(awk '{ n++; if ($4 > w) w = $4; if ($9 > r) r = $9; a += $4 }
		END { printf "%d recoveries: first write after at most %d ms (mean %d), first read after at most %d ms",
			n, w, a / n, r }' "$BATS_TEST_TMPDIR/recovery")"
}

@test "down at start: refuses, stays, and works as soon as the database is there" {
	fault_directory
	fault_database
	pg_stop
	fault_serve nginx HULY_DB_CONNECTION="$FAULT_DB"
	world_until 10 world_status_is /livez 200
	fault_all_refused
	world_probe /readyz | grep -q 'onnect' # libpq's reason
	recovers
	pg_start "$PG_DIR"
	recovered
	say_recoveries
	fault_ready
	fault_end
}

# bats test_tags=cockroachdb,matrix
@test "stopped and started under load: nothing acknowledged is lost, no error but 503" {
	fault_world nginx
	fault_ready
	fault_ledger
	for round in $(seq "${FAULT_ROUNDS:-5}"); do
		case $((round % 3)) in
		0) pg_stop immediate ;;
		1) pg_stop fast ;;
		2) crash_database ;;
		esac
		fault_all_refused
		recovers
		pg_start "$PG_DIR"
		recovered
		fault_acknowledged 50
	done
	say_recoveries
	fault_check
	fault_without 5xx web cut not_sent
	fault_end
}

# bats test_tags=cockroachdb
@test "frozen: every request ends by its deadline, and all goes on afterwards" {
	fault_world nginx HULY_REQUEST_TIMEOUT=1 HULY_STATEMENT_TIMEOUT=1
	fault_ready
	world_status_is "/api2/$WS/n/k" 204 -T - <<<before
	pg_freeze
	fault_all_refused
	pg_thaw
	world_until 20 world_status_is "/api2/$WS/n/k" 204 -T - <<<after
	fault_ready
	fault_end
}

@test "frozen under load: nothing acknowledged is lost" {
	fault_world nginx HULY_REQUEST_TIMEOUT=1 HULY_STATEMENT_TIMEOUT=1
	fault_ready
	fault_ledger
	for _ in $(seq $(((${FAULT_ROUNDS:-5} + 4) / 5))); do
		pg_freeze
		fault_all_refused
		recovers
		pg_thaw
		recovered
		fault_acknowledged 50
	done
	say_recoveries
	fault_check
	fault_without 5xx web cut not_sent
	fault_end
}

# bats test_tags=cockroachdb
@test "black-holed: every request ends by its deadline, new connections are made" {
	fault_proxied nginx HULY_REQUEST_TIMEOUT=1 HULY_STATEMENT_TIMEOUT=1
	fault_order '{"mode": "blackhole"}' >/dev/null
	fault_all_refused
	fault_order '{"mode": "pass"}' >/dev/null
	world_until 20 world_status_is "/api2/$WS/n/k" 204 -T - <<<value
	fault_ready
	fault_end
}

@test "black-holed: ends when told to" {
	fault_proxied nginx HULY_REQUEST_TIMEOUT=1 HULY_STATEMENT_TIMEOUT=1
	fault_order '{"mode": "blackhole"}' >/dev/null
	fault_order '{"cut": true}' >/dev/null
	fault_refused "/api2/$WS/n/k"
	fault_end
}

@test "black-holed while a connection is being made ready: another is made" {
	fault_proxied nginx HULY_REQUEST_TIMEOUT=1 HULY_STATEMENT_TIMEOUT=1
	fault_order '{"arm": {"statement": "check", "do": "blackhole"}}' >/dev/null
	fault_order '{"cut": true}' >/dev/null
	world_until 20 world_status_is "/api2/$WS/n/k" 204 -T - <<<value
	fault_order '{"status": true}' | grep -q '"fired": 1'
	fault_ready
	fault_end
}

# bats test_tags=cockroachdb
@test "kill -9 of the program under the ledger" {
	fault_world nginx
	fault_ready
	fault_ledger
	for _ in $(seq "${FAULT_KILLS:-3}"); do
		before=$(world_pid)
		kill -KILL "$before"
		world_until 10 world_gone "$before"
		world_until 20 fault_has_program
		fault_acknowledged 50
	done
	fault_check
	fault_without 5xx
	fault_leave
}

@test "kill -9 of nginx under the ledger" {
	fault_world nginx
	fault_ready
	fault_ledger
	for _ in $(seq "${FAULT_KILLS:-3}"); do
		children=$(pgrep -P "$WORLD_WEB")
		# shellcheck disable=SC2086 # words
		kill -KILL "$WORLD_WEB" $children
		world_until 10 world_gone "$WORLD_WEB"
		world_web
		fault_acknowledged 50
	done
	fault_check
	fault_without 5xx
	fault_end
}

@test "the answers of the database arrive byte by byte" {
	fault_proxied nginx
	fault_order '{"mode": "bytes"}' >/dev/null
	fault_cut
	fault_ledger --writers 4 --requests 40
	fault_check wait
	fault_without 5xx web cut not_sent refused unknown
	fault_end
}

# Connections that were made in another mode.
fault_cut()
{
	fault_order '{"cut": true}' >/dev/null
	fault_ready
}

# bats test_tags=cockroachdb
@test "cut again and again under load" {
	fault_proxied nginx
	fault_ledger
	for _ in $(seq $((2 * ${FAULT_ROUNDS:-5}))); do
		fault_order '{"cut": true}' >/dev/null
		fault_acknowledged 20
	done
	fault_check
	fault_without 5xx web cut not_sent
	fault_end
}

behind_bouncer()
{
	fault_directory
	fault_database
	bouncer_configure "$PG_DIR/socket" 3 # fewer connections than the program has, so that they change hands
	bouncer_start
	fault_serve nginx HULY_DB_PREPARED="$1" HULY_DB_CONNECTION="$(bouncer_url)"
	fault_ready
	run python3 "$FAULT_SCRIPTS/contend.py" --requests 1000 "$WORLD_URL"
	echo "$output"
	[ "$status" -eq 0 ]
	fault_ledger
	for _ in $(seq "${FAULT_KILLS:-3}"); do
		kill -KILL "$(bouncer_pid)"
		world_until 10 world_gone "$(bouncer_pid)"
		fault_all_refused
		bouncer_start
		fault_acknowledged 50
	done
	fault_check
	fault_without 5xx web cut not_sent
	kill "$(bouncer_pid)"
	fault_end
}

# bats test_tags=matrix
@test "PgBouncer, transaction mode: works, also when it is killed" {
	command -v "${PGBOUNCER:-pgbouncer}" >/dev/null || skip "no pgbouncer"
	for prepared in $(bouncer_prepared); do
		behind_bouncer "$prepared"
	done
}

@test "a standby takes over: nothing acknowledged is lost, nothing is written to a read-only server" {
	fault_own_cluster
	first=$own
	second=$(pg_tmpdir)
	own+=" $second"
	fault_directory
	fault_database
	standby_of "$first" "$second"
	name=$(fault_database_name)
	# In front of both, a host that takes connections and says nothing.
	# shellcheck disable=SC2153 # from faults.bash
	mkdir "$FAULT_DIR/silent"
	"$FAULT_SCRIPTS/silent_hosts.py" "$FAULT_DIR/silent/.s.PGSQL.$PG_PORT" 3>&- &
	silent=$!
	world_until 10 test -S "$FAULT_DIR/silent/.s.PGSQL.$PG_PORT"
	hosts=${FAULT_DIR//\//%2F}%2Fsilent,${first//\//%2F}%2Fsocket,${second//\//%2F}%2Fsocket
	fault_serve nginx \
		HULY_DB_CONNECTION="postgresql://postgres@/$name?host=$hosts&port=$PG_PORT&target_session_attrs=read-write"
	fault_ready
	fault_ledger
	for _ in $(seq "${FAULT_PROMOTIONS:-1}"); do
		fault_acknowledged 50
		crash_database
		take_over "$second"
		fault_acknowledged 50
		old=$first first=$second second=$old
		rm -rf "${second:?}"/*
		standby_of "$first" "$second"
	done
	kill "$silent"
	say_recoveries
	FAULT_DB=$(pg_url "$name")
	fault_check
	fault_without 5xx web cut not_sent
	[ "$(cat "$first/data/server.log" "$second/data/server.log" | grep -c 'read-only transaction')" -eq 0 ]
	fault_own_cluster_end
	fault_end
}

# Cancels a commit that waits for a synchronous standby.
commit_is_cancelled()
{
	[ "$(pg_sql postgres -c "select count(pg_cancel_backend(pid)) from pg_stat_activity where wait_event = 'SyncRep'")" -gt 0 ]
}

warned()
{
	grep -q 'level=warn msg="the database warned about a statement that it executed" sqlstate="01000"' \
		"$WORLD_DIR/program.log"
}

# Until the log has the warning.
write_again_and_again()
{
	until warned; do
		world_status_is "/api2/$WS/n/k" 204 -T - <<<value || return 1
	done
}

@test "the wait for a synchronous standby is cancelled: the log says that the database warned" {
	fault_own_cluster
	fault_world nginx HULY_WORKERS=1
	fault_ready
	pg_sql postgres -c "alter system set synchronous_standby_names = '*'" -c 'select pg_reload_conf()' >/dev/null
	write_again_and_again 3>&- &
	writer=$!
	world_until 20 commit_is_cancelled
	world_until 20 warned
	pg_sql postgres -c "alter system set synchronous_standby_names = ''" -c 'select pg_reload_conf()' >/dev/null
	wait "$writer"
	fault_own_cluster_end
	fault_end
}

# A synchronous one: a commit waits for both.
standby_of()
{
	mkdir -p "$2/data" "$2/socket"
	chmod 700 "$2/data"
	pg_give_away "$2/data" "$2/socket"
	pg_as_user "$PG_BIN/pg_basebackup" -D "$2/data" -R -X stream -c fast -h "$1/socket" -p "$PG_PORT" -U postgres
	rm -f "$2/data/server.log"
	PG_DIR=$2 pg_start "$2"
	PG_DIR=$1
	pg_sql postgres -c "alter system set synchronous_standby_names = '*'" -c 'select pg_reload_conf()' >/dev/null
	world_until 20 is_synchronous
}

is_synchronous()
{
	[ "$(pg_sql postgres -c "select count(*) from pg_stat_replication where sync_state = 'sync'")" = 1 ]
}

# It is alone then, and waits for nobody.
take_over()
{
	PG_DIR=$1
	pg_sql postgres -c "alter system set synchronous_standby_names = ''" -c 'select pg_reload_conf()' >/dev/null
	recovers
	pg_as_user "$PG_BIN/pg_ctl" -D "$PG_DIR/data" -w -s promote </dev/null >/dev/null 3>&-
	recovered
}
