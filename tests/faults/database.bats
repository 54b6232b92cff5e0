#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# What becomes of requests when the database is taken away, frozen, cut off or full: an acknowledged write is
# there, a write runs at most once, "outcome unknown" is said only where it is so, and all works again by itself.
#
# FAULT_ROUNDS (5) stops and starts, FAULT_KILLS (3) kills of each kind, FAULT_PROMOTIONS (1), FAULT_REQUESTS
# (5000) of a contest: `make soak` asks for more.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status
# shellcheck disable=SC2154 # FAULT_* come from faults.bash

load ../lib/postgres
load ../lib/world
load ../lib/faults
load ../lib/bouncer

WS=5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f # the workspace of the token

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
	own_cluster_end
	fault_leave
	database_up
}

# --- the database's own faults ---

database_up()
{
	"$PG_BIN/pg_isready" -q -U postgres -h "$PG_DIR/socket" -p "$PG_PORT" || pg_start "$PG_DIR"
}

# With other settings than those of setup_file.
database_anew()
{
	pg_stop fast
	pg_start "$PG_DIR" "$@"
}

database_name()
{
	local name=${FAULT_DB%%\?*}

	echo "${name##*/}"
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

# One of this test alone, where it might not survive; `own` lists them.
own_cluster()
{
	shared=$PG_DIR
	own=$(pg_tmpdir)
	pg_start "$own"
}

own_cluster_end()
{
	[ -n "${own:-}" ] || return 0
	for PG_DIR in $own; do
		pg_remove
	done
	# shellcheck disable=SC2153 # from faults.bash
	if mountpoint -q "$FAULT_DIR/disk"; then
		umount "$FAULT_DIR/disk"
	fi
	PG_DIR=$shared own=
}

# --- what clients see ---

status_is()
{
	[ "$(world_status "$1" "${@:3}")" = "$2" ]
}

# A 503 that says when to come back, unless the outcome is unknown: then a write must not just be repeated.
refused()
{
	local head known=yes comes_back=no

	head=$(world_get "$1" -m 30 -D - "${@:2}")
	! grep -q '^Outcome unknown' <<<"$head" || known=no
	! grep -qi '^Retry-After: ' <<<"$head" || comes_back=yes
	if ! grep -q '^HTTP/1.1 503' <<<"$head" || [ "$known" != "$comes_back" ]; then
		echo "$1 ${*:2}: $head" >&2
		return 1
	fi
}

# Whatever is asked; all at once, since each may take until its deadline.
all_refused()
{
	local pid ok=0
	local -a pids

	refused "/api2/$WS/n/k" 3>&- & pids+=($!)
	refused "/api2/$WS/n/k" -I 3>&- & pids+=($!)
	refused "/api2/$WS/n/k" -T - <<<value 3>&- & pids+=($!)
	refused "/api2/$WS/n/k" -X DELETE 3>&- & pids+=($!)
	refused "/api2/$WS/n" 3>&- & pids+=($!)
	refused /readyz 3>&- & pids+=($!)
	status_is /livez 200 || ok=1
	for pid in "${pids[@]}"; do
		wait "$pid" || ok=1
	done
	return "$ok"
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

# What the ledger must not have seen, as names of its figures.
without()
{
	local name

	for name; do
		if grep -q " $name=[1-9]" <<<"$FAULT_OUTPUT"; then
			echo "$FAULT_OUTPUT" >&2
			return 1
		fi
	done
}

@test "down at start: refuses, stays, and works as soon as the database is there" {
	fault_directory
	fault_database
	pg_stop
	fault_serve nginx HULY_DB_CONNECTION="$FAULT_DB"
	world_until 10 status_is /livez 200
	all_refused
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
		all_refused
		recovers
		pg_start "$PG_DIR"
		recovered
		fault_acknowledged 50
	done
	say_recoveries
	fault_check
	without 5xx web cut not_sent
	fault_end
}

# bats test_tags=cockroachdb
@test "frozen: every request ends by its deadline, and all goes on afterwards" {
	fault_world nginx HULY_REQUEST_TIMEOUT=1 HULY_STATEMENT_TIMEOUT=1
	fault_ready
	status_is "/api2/$WS/n/k" 204 -T - <<<before
	pg_freeze
	all_refused
	pg_thaw
	world_until 20 status_is "/api2/$WS/n/k" 204 -T - <<<after
	fault_ready
	fault_end
}

@test "frozen under load: nothing acknowledged is lost" {
	fault_world nginx HULY_REQUEST_TIMEOUT=1 HULY_STATEMENT_TIMEOUT=1
	fault_ready
	fault_ledger
	for _ in $(seq $(((${FAULT_ROUNDS:-5} + 4) / 5))); do
		pg_freeze
		all_refused
		recovers
		pg_thaw
		recovered
		fault_acknowledged 50
	done
	say_recoveries
	fault_check
	without 5xx web cut not_sent
	fault_end
}

# bats test_tags=cockroachdb
@test "black-holed: every request ends by its deadline, new connections are made" {
	fault_proxied nginx HULY_REQUEST_TIMEOUT=1 HULY_STATEMENT_TIMEOUT=1
	fault_order '{"mode": "blackhole"}' >/dev/null
	all_refused
	fault_order '{"mode": "pass"}' >/dev/null
	world_until 20 status_is "/api2/$WS/n/k" 204 -T - <<<value
	fault_ready
	fault_end
}

@test "black-holed: ends when told to" {
	fault_proxied nginx HULY_REQUEST_TIMEOUT=1 HULY_STATEMENT_TIMEOUT=1
	fault_order '{"mode": "blackhole"}' >/dev/null
	fault_order '{"cut": true}' >/dev/null
	refused "/api2/$WS/n/k"
	fault_end
}

@test "black-holed while a connection is being made ready: another is made" {
	fault_proxied nginx HULY_REQUEST_TIMEOUT=1 HULY_STATEMENT_TIMEOUT=1
	fault_order '{"arm": {"statement": "check", "do": "blackhole"}}' >/dev/null
	fault_order '{"cut": true}' >/dev/null
	world_until 20 status_is "/api2/$WS/n/k" 204 -T - <<<value
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
	without 5xx
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
	without 5xx
	fault_end
}

@test "the answers of the database arrive byte by byte" {
	fault_proxied nginx
	fault_order '{"mode": "bytes"}' >/dev/null
	fault_cut
	fault_ledger --writers 4 --requests 40
	fault_check wait
	without 5xx web cut not_sent refused unknown
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
	without 5xx web cut not_sent
	fault_end
}

@test "SERIALIZABLE as the default, 64 writers on one key: no error reaches a client" {
	# A batch of writes is one transaction, so it takes some workers for many conflicts.
	fault_world nginx HULY_WORKERS=8
	name=$(database_name)
	pg_sql postgres -c "alter database $name set default_transaction_isolation = serializable" \
		-c "select pg_terminate_backend(pid) from pg_stat_activity where datname = '$name'" >/dev/null
	fault_ready
	before=$(conflicts)
	run python3 "$FAULT_SCRIPTS/contend.py" --requests "${FAULT_REQUESTS:-5000}" "$WORLD_URL"
	echo "$output"
	[ "$status" -eq 0 ]
	conflicts=$(($(conflicts) - before))
	fault_say "$output, $conflicts conflicts"
	[ "$conflicts" -gt 10 ]
	# No statement names a key twice.
	run grep -c 'cannot affect row a second time' "$PG_DIR/data/server.log"
	[ "$output" = 0 ]
	fault_end
}

conflicts()
{
	grep -c 'ERROR:  could not serialize access' "$PG_DIR/data/server.log" || :
}

@test "max_connections reached: refuses, says why, and works as soon as there is room" {
	fault_directory
	fault_database
	database_anew max_connections=8 superuser_reserved_connections=0
	python3 "$FAULT_SCRIPTS/hog.py" "$PG_DIR/socket/.s.PGSQL.$PG_PORT" >"$FAULT_DIR/hog" 2>&1 3>&- &
	hog=$!
	world_until 10 grep -q full "$FAULT_DIR/hog"
	fault_serve nginx HULY_DB_CONNECTION="$FAULT_DB"
	world_until 10 status_is /livez 200
	all_refused
	world_probe /readyz | grep -q 'too many clients'
	kill "$hog"
	world_until 20 status_is "/api2/$WS/n/k" 204 -T - <<<value
	fault_ready
	fault_end
	database_anew
}

kinds_failed()
{
	[ "$(world_probe /readyz | grep -c '^\[-\].*: .*too many connections for role')" = "$1" ]
}

@test "a role with one connection left: /readyz names the kinds of operations that have none" {
	fault_directory
	fault_database
	name=$(database_name)
	pg_sql "$name" -c 'create role narrow login connection limit 1; grant usage on schema hulykvs to narrow;
		grant select, insert, update, delete on all tables in schema hulykvs to narrow'
	fault_serve nginx HULY_DB_CONNECTION="${FAULT_DB/postgres@/narrow@}" HULY_WORKERS=1
	world_until 10 status_is /livez 200
	world_until 10 kinds_failed 2
	run world_get /readyz
	[ "${lines[-1]}" = 503 ]
	[ "$(grep -c '^\[-\][a-z]* failed$' <<<"$output")" = 2 ]
	pg_sql "$name" -c 'alter role narrow connection limit 100'
	fault_ready
	fault_end
	pg_sql "$name" -c 'drop owned by narrow; drop role narrow'
}

@test "no new connection allowed: reads go on where they have one" {
	fault_directory
	fault_database
	name=$(database_name)
	pg_sql "$name" -c "create role app login" -c "grant usage on schema hulykvs to app" \
		-c "grant all on all tables in schema hulykvs to app"
	fault_serve nginx HULY_DB_CONNECTION="${FAULT_DB/postgres@/app@}"
	fault_ready
	for key in a b c d; do
		status_is "/api2/$WS/n/$key" 204 -T - <<<value
	done
	pg_sql "$name" -c "alter role app connection limit 0"
	# Until both workers have lost the connection that they write on.
	world_until 20 writes_are_refused
	status_is "/api2/$WS/n/a" 200
	pg_sql "$name" -c "alter role app connection limit -1"
	world_until 20 status_is "/api2/$WS/n/a" 204 -T - <<<value
	fault_ready
	fault_end
}

list_answer()
{
	curl -s -m 30 -o "$FAULT_DIR/$1" -w '%{http_code} %header{retry-after}' -H "Authorization: Bearer $(world_token)" \
		"$WORLD_URL/api2/$WS/$1"
}

@test "lists that find all list connections taken say so" {
	fault_directory
	fault_database
	fault_serve nginx HULY_DB_CONNECTION="$FAULT_DB" HULY_WORKERS=1 HULY_DB_LIST_CONNECTIONS=1 HULY_REQUEST_TIMEOUT=2 \
		HULY_STATEMENT_TIMEOUT=30
	fault_ready
	coproc LOCK { "$PG_BIN/psql" -X -q -A -t -d "$FAULT_DB" 3>&-; }
	lock=$LOCK_PID
	echo "begin; lock table hulykvs.kvs in access exclusive mode; select 'locked';" >&"${LOCK[1]}"
	read -r word <&"${LOCK[0]}"
	[ "$word" = locked ]
	list_answer first >"$FAULT_DIR/first.status" 3>&- &
	list=$!
	world_until 10 list_waits
	[[ $(list_answer second) == '503 '[1-9]* ]]
	[ "$(cat "$FAULT_DIR/second")" = 'Too many lists at once' ]
	grep -q 'status=503 .*refusal="LISTS_BUSY"' "$WORLD_DIR/program.log"
	curl -s "$WORLD_OPERATOR_URL/metrics" | grep -q '^hulykvs_db_operations_total{operation="list",outcome="busy"} 1$'
	echo 'rollback;' >&"${LOCK[1]}"
	world_until 10 status_is "/api2/$WS/third" 200
	wait "$list"
	echo '\q' >&"${LOCK[1]}"
	wait "$lock" || :
	fault_end
}

# The session's own limits count, and for lists there is none; a transaction_timeout would end the connection, too.
# bats test_tags=matrix
@test "time limits of the role do not end a list" {
	local limit

	fault_directory
	fault_database
	coproc LOCK { "$PG_BIN/psql" -X -q -A -t -d "$FAULT_DB" 3>&-; }
	lock=$LOCK_PID
	echo "select 'open';" >&"${LOCK[1]}"
	read -r word <&"${LOCK[0]}"
	[ "$word" = open ]
	for limit in statement_timeout transaction_timeout; do
		[ "$(pg_sql postgres -c "select count(*) from pg_settings where name = '$limit'")" = 1 ] || continue
		pg_sql postgres -c "alter database $(database_name) set $limit = '2s'"
	done
	fault_serve nginx HULY_DB_CONNECTION="$FAULT_DB"
	fault_ready
	echo "begin; lock table hulykvs.kvs in access exclusive mode; select 'locked';" >&"${LOCK[1]}"
	read -r word <&"${LOCK[0]}"
	[ "$word" = locked ]
	list_answer first >"$FAULT_DIR/first.status" 3>&- &
	list=$!
	world_until 20 list_waits "and now() - query_start > interval '3 s'"
	echo 'rollback;' >&"${LOCK[1]}"
	wait "$list"
	[[ $(<"$FAULT_DIR/first.status") == 200* ]]
	echo '\q' >&"${LOCK[1]}"
	wait "$lock" || :
	fault_end
}

# The first list stands in front of the lock.
list_waits()
{
	[ "$(pg_sql "$(database_name)" -c "select count(*) from pg_stat_activity
		where application_name = 'hulykvs' and wait_event_type = 'Lock' ${1:-}")" = 1 ]
}

# Of those connections of the program that the condition holds for.
end_connections()
{
	pg_sql postgres -c "select pg_terminate_backend(pid) from pg_stat_activity
		where datname = '$name' and application_name = 'hulykvs' and $1" >/dev/null
}

none_is_connecting()
{
	curl -s "$WORLD_OPERATOR_URL/metrics" | grep -q '^hulykvs_db_connections{state="connecting"} 0$'
}

lost_are()
{
	[ "$(grep -c 'msg="database connection lost"' "$WORLD_DIR/program.log")" -ge "$1" ]
}

@test "if the server ends a connection, the log says what the server said" {
	fault_world nginx HULY_WORKERS=1
	fault_ready
	name=$(database_name)
	status_is "/api2/$WS/n/k" 204 -T - <<<value
	status_is "/api2/$WS/n" 200
	# While no statement runs: the connections for reads, for writes and for lists.
	end_connections true
	world_until 20 lost_are 3
	world_until 20 status_is "/api2/$WS/n" 200
	world_until 20 none_is_connecting
	# While a list runs.
	lost=$(grep -c 'msg="database connection lost"' "$WORLD_DIR/program.log")
	coproc LOCK { "$PG_BIN/psql" -X -q -A -t -d "$FAULT_DB" 3>&-; }
	lock=$LOCK_PID
	echo "begin; lock table hulykvs.kvs in access exclusive mode; select 'locked';" >&"${LOCK[1]}"
	read -r word <&"${LOCK[0]}"
	[ "$word" = locked ]
	list_answer n >/dev/null 3>&- &
	list=$!
	world_until 10 list_waits
	end_connections "wait_event_type = 'Lock'"
	world_until 20 lost_are $((lost + 1))
	printf 'rollback;\n\\q\n' >&"${LOCK[1]}"
	wait "$list"
	wait "$lock" || :
	run grep 'msg="database connection lost"' "$WORLD_DIR/program.log"
	echo "$output"
	[ "$(grep -vc 'reason="FATAL: terminating connection due to administrator command"' <<<"$output")" = 0 ]
	fault_end
}

# A writing connection is known by what it last did.
writes_are_refused()
{
	pg_sql "$name" -c "select pg_terminate_backend(pid) from pg_stat_activity
		where usename = 'app' and query ~* 'insert'" >/dev/null
	for key in a b c d; do
		refused "/api2/$WS/n/$key" -T - <<<other || return 1
	done
}

# Of the database `name`, for its new sessions; ends the present ones.
read_only_is()
{
	pg_sql postgres -c "alter database $name set default_transaction_read_only = $1" \
		-c "select pg_terminate_backend(pid) from pg_stat_activity
			where datname = '$name' and application_name = 'hulykvs'" >/dev/null
}

read_only_workers()
{
	curl -s "$WORLD_OPERATOR_URL/metrics" | grep -q "^hulykvs_db_read_only $1\$"
}

@test "read-only: writes are refused at once, reads go on, and writes work again by themselves" {
	fault_world nginx HULY_REQUEST_TIMEOUT=60
	fault_ready
	name=$(database_name)
	status_is "/api2/$WS/n/k" 204 -T - <<<value
	read_only_is on
	# A minute is not waited for: the time limit of `refused` is half of it.
	refused "/api2/$WS/n/k" -T - <<<other
	refused "/api2/$WS/n/k" -X DELETE
	world_until 20 status_is "/api2/$WS/n/k" 200
	curl -s "$WORLD_OPERATOR_URL/readyz?verbose" | grep -q '^\[-\]writable failed: the database takes no writes'
	[ "$(grep -c 'sqlstate="25006" reason=' "$WORLD_DIR/program.log")" -eq 1 ]
	read_only_workers '[1-9]'
	read_only_is off
	world_until 20 status_is "/api2/$WS/n/k" 204 -T - <<<value
	grep -q 'msg="the database takes writes again"' "$WORLD_DIR/program.log"
	fault_ready
	world_until 10 read_only_workers 0
	fault_end
}

@test "disk full: writes are refused, reads go on, and writes work again by themselves" {
	[ "$(id -u)" -eq 0 ] || skip "mounting needs root"
	fault_directory
	mkdir "$FAULT_DIR/disk"
	mount -t tmpfs -o size=6m tmpfs "$FAULT_DIR/disk" || skip "mounting is not allowed here"
	mkdir "$FAULT_DIR/disk/space"
	pg_give_away "$FAULT_DIR/disk" "$FAULT_DIR/disk/space"
	own_cluster
	fault_database
	name=$(database_name)
	pg_sql "$name" -c "create tablespace small location '$FAULT_DIR/disk/space'"
	pg_sql "$name" -c "alter table hulykvs.kvs set tablespace small"
	fault_serve nginx HULY_DB_CONNECTION="$FAULT_DB"
	fault_ready
	status_is "/api2/$WS/n/k" 204 -T - <<<value
	free=$(df --output=avail -B1 "$FAULT_DIR/disk" | tail -n 1)
	head -c $((free - 500000)) /dev/zero >"$FAULT_DIR/disk/filler"
	fault_ledger
	world_until 60 fault_progress 2 1
	status_is "/api2/$WS/n/k" 200
	rm "$FAULT_DIR/disk/filler"
	fault_acknowledged 50
	fault_check
	without 5xx web cut not_sent unknown
	own_cluster_end
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
		all_refused
		bouncer_start
		fault_acknowledged 50
	done
	fault_check
	without 5xx web cut not_sent
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
	own_cluster
	first=$own
	second=$(pg_tmpdir)
	own+=" $second"
	fault_directory
	fault_database
	standby_of "$first" "$second"
	name=$(database_name)
	# In front of both, a host that takes connections and says nothing.
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
	without 5xx web cut not_sent
	[ "$(cat "$first/data/server.log" "$second/data/server.log" | grep -c 'read-only transaction')" -eq 0 ]
	own_cluster_end
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
		status_is "/api2/$WS/n/k" 204 -T - <<<value || return 1
	done
}

@test "the wait for a synchronous standby is cancelled: the log says that the database warned" {
	own_cluster
	fault_world nginx HULY_WORKERS=1
	fault_ready
	pg_sql postgres -c "alter system set synchronous_standby_names = '*'" -c 'select pg_reload_conf()' >/dev/null
	write_again_and_again 3>&- &
	writer=$!
	world_until 20 commit_is_cancelled
	world_until 20 warned
	pg_sql postgres -c "alter system set synchronous_standby_names = ''" -c 'select pg_reload_conf()' >/dev/null
	wait "$writer"
	own_cluster_end
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
