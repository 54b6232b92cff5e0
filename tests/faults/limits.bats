#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# What becomes of requests when the database is there and refuses: conflicts, no more connections, time limits, no
# writes, a full disk.
#
# FAULT_REQUESTS (5000) of a contest: `make soak` asks for more.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status
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
	[ -z "${stopped:-}" ] || kill -CONT "$stopped"
	pg_thaw
	fault_own_cluster_end
	fault_leave
	fault_database_up
}

# With other settings than those of setup_file.
database_anew()
{
	pg_stop fast
	pg_start "$PG_DIR" "$@"
}

@test "SERIALIZABLE as the default, 64 writers on one key: no error reaches a client" {
	# A batch of writes is one transaction, so it takes some workers for many conflicts.
	fault_world nginx HULY_WORKERS=8
	name=$(fault_database_name)
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

in_flight_are()
{
	[ "$(world_metric hulykvs_http_requests_in_flight)" -eq $(($1 + 1)) ] # one is the question for it
}

# One connection for writes, and a request time that ends before a second wait for the statement_timeout would.
@test "a row that another program has locked holds up no writes of other rows" {
	local i pids=()

	fault_world nginx HULY_WORKERS=1 HULY_DB_CONNECTIONS=2 HULY_STATEMENT_TIMEOUT=9
	fault_ready
	world_status_is "/api2/$WS/n/first" 204 -T - <<<value
	world_status_is "/api2/$WS/n/a-locked" 204 -T - <<<value
	coproc LOCK { "$PG_BIN/psql" -X -q -A -t -d "$FAULT_DB" 3>&-; }
	lock=$LOCK_PID
	echo "begin; select key from hulykvs.kvs where key = 'a-locked' for update; savepoint s;
		select key from hulykvs.kvs where key = 'first' for update;" >&"${LOCK[1]}"
	read -r word <&"${LOCK[0]}"
	read -r word <&"${LOCK[0]}"
	[ "$word" = first ]
	world_status "/api2/$WS/n/first" -T - <<<value >"$FAULT_DIR/first.status" 3>&- &
	first=$!
	world_until 10 list_waits
	# All of these become the next batch.
	world_status "/api2/$WS/n/a-locked" -T - <<<value >"$FAULT_DIR/locked.status" 3>&- &
	locked=$!
	for i in {1..9}; do
		world_status "/api2/$WS/n/k$i" -T - <<<value >"$FAULT_DIR/$i.status" 3>&- &
		pids+=($!)
	done
	world_until 10 in_flight_are 11
	echo 'rollback to s;' >&"${LOCK[1]}"
	wait "$first" "${pids[@]}"
	for i in first {1..9}; do
		[ "$(<"$FAULT_DIR/$i.status")" = 204 ]
	done
	echo 'rollback;' >&"${LOCK[1]}"
	wait "$locked"
	echo '\q' >&"${LOCK[1]}"
	wait "$lock" || :
	fault_end
}

@test "max_connections reached: refuses, says why, and works as soon as there is room" {
	fault_directory
	fault_database
	database_anew max_connections=8 superuser_reserved_connections=0
	python3 "$FAULT_SCRIPTS/hog.py" "$PG_DIR/socket/.s.PGSQL.$PG_PORT" >"$FAULT_DIR/hog" 2>&1 3>&- &
	hog=$!
	world_until 10 grep -q full "$FAULT_DIR/hog"
	fault_serve nginx HULY_DB_CONNECTION="$FAULT_DB"
	world_until 10 world_status_is /livez 200
	fault_all_refused
	world_probe /readyz | grep -q 'too many clients'
	kill "$hog"
	world_until 20 world_status_is "/api2/$WS/n/k" 204 -T - <<<value
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
	name=$(fault_database_name)
	pg_sql "$name" -c 'create role narrow login connection limit 1; grant usage on schema hulykvs to narrow;
		grant select, insert, update, delete on all tables in schema hulykvs to narrow'
	fault_serve nginx HULY_DB_CONNECTION="${FAULT_DB/postgres@/narrow@}" HULY_WORKERS=1
	world_until 10 world_status_is /livez 200
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
	name=$(fault_database_name)
	pg_sql "$name" -c "create role app login" -c "grant usage on schema hulykvs to app" \
		-c "grant all on all tables in schema hulykvs to app"
	fault_serve nginx HULY_DB_CONNECTION="${FAULT_DB/postgres@/app@}"
	fault_ready
	for key in a b c d; do
		world_status_is "/api2/$WS/n/$key" 204 -T - <<<value
	done
	pg_sql "$name" -c "alter role app connection limit 0"
	# Until both workers have lost the connection that they write on.
	world_until 20 writes_are_refused
	world_status_is "/api2/$WS/n/a" 200
	pg_sql "$name" -c "alter role app connection limit -1"
	world_until 20 world_status_is "/api2/$WS/n/a" 204 -T - <<<value
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
	world_until 10 world_status_is "/api2/$WS/third" 200
	wait "$list"
	echo '\q' >&"${LOCK[1]}"
	wait "$lock" || :
	fault_end
}

# The question whether keys of encryption are missing goes over the connections for reads.
@test "while no list can be read, the program is ready, takes HUP and writes" {
	fault_world nginx HULY_WORKERS=1 HULY_DB_LIST_CONNECTIONS=1 HULY_REQUEST_TIMEOUT=30
	fault_ready
	world_status_is "/api2/$WS/n" 200
	stopped=$(pg_sql "$(fault_database_name)" -c "select pid from pg_stat_activity
		where application_name = 'hulykvs' and query like '%order by key%'")
	[ -n "$stopped" ]
	kill -STOP "$stopped"
	list_answer n >"$FAULT_DIR/list.status" 3>&- &
	list=$!
	world_until 10 list_runs
	[ "$(world_status /readyz)" = 200 ]
	kill -HUP "$(world_pid)"
	world_until 10 grep -q 'msg="settings read again"' "$WORLD_DIR/program.log"
	[ "$(world_status "/api2/$WS/n/k" -T - <<<value)" = 204 ]
	kill -0 "$list" # all this was answered while the list waited
	kill -CONT "$stopped"
	stopped=
	wait "$list"
	[[ $(<"$FAULT_DIR/list.status") == 200* ]]
	fault_end
}

list_runs()
{
	curl -s "$WORLD_OPERATOR_URL/metrics" | grep -q '^hulykvs_db_connections{state="busy"} 1$'
}

# Each key by another statement; a and b share one.  The batch waits for a before it writes the others.
# bats test_tags=matrix
@test "the time of a write is later than what it has waited for" {
	local batch='{"operations": [
		{"op": "put", "key": "a", "value": "eA=="}, {"op": "put", "key": "b", "value": "eA=="},
		{"op": "put", "key": "c", "value": "eA==", "if_match": "\"9dd4e461268c8034f5c8564e155c67a6\""},
		{"op": "put", "key": "d", "value": "eA==", "if_none_match": "*"},
		{"op": "put", "key": "e", "value": "eA==", "if_match": "*"}, {"op": "put", "key": "f", "value": "eA=="}]}'

	fault_world nginx HULY_WORKERS=1 HULY_REQUEST_TIMEOUT=60 HULY_STATEMENT_TIMEOUT=60
	fault_ready
	for key in a b c e f; do
		[ "$(world_status "/api2/$WS/n/$key" -T - <<<x)" = 204 ]
	done
	pg_sql "$(fault_database_name)" -c "update hulykvs.kvs set md5 = decode(md5('x'), 'hex'), value = 'x'"
	coproc LOCK { "$PG_BIN/psql" -X -q -A -t -d "$FAULT_DB" 3>&-; }
	lock=$LOCK_PID
	echo "begin; select key from hulykvs.kvs where key = 'a' for update;" >&"${LOCK[1]}"
	read -r word <&"${LOCK[0]}"
	[ "$word" = a ]
	world_status "/api2/$WS/n" -H 'Content-Type: application/json' --data-binary "$batch" >"$FAULT_DIR/batch.status" 3>&- &
	writer=$!
	world_until 10 list_waits
	echo "update hulykvs.kvs set value = 'x' where key <> 'd'; select clock_timestamp(); commit;" >&"${LOCK[1]}"
	read -r time <&"${LOCK[0]}"
	wait "$writer"
	[ "$(<"$FAULT_DIR/batch.status")" = 200 ]
	run pg_sql "$(fault_database_name)" -c "select string_agg(key, ' ' order by key) from hulykvs.kvs where modified > '$time'"
	[ "$output" = 'a b c d e f' ]
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
		pg_sql postgres -c "alter database $(fault_database_name) set $limit = '2s'"
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
	[ "$(pg_sql "$(fault_database_name)" -c "select count(*) from pg_stat_activity
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
	name=$(fault_database_name)
	world_status_is "/api2/$WS/n/k" 204 -T - <<<value
	world_status_is "/api2/$WS/n" 200
	# While no statement runs: the connections for reads, for writes and for lists.
	end_connections true
	world_until 20 lost_are 3
	world_until 20 world_status_is "/api2/$WS/n" 200
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
		fault_refused "/api2/$WS/n/$key" -T - <<<other || return 1
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
	name=$(fault_database_name)
	world_status_is "/api2/$WS/n/k" 204 -T - <<<value
	read_only_is on
	# A minute is not waited for: the time limit of `refused` is half of it.
	fault_refused "/api2/$WS/n/k" -T - <<<other
	fault_refused "/api2/$WS/n/k" -X DELETE
	world_until 20 world_status_is "/api2/$WS/n/k" 200
	curl -s "$WORLD_OPERATOR_URL/readyz?verbose" | grep -q '^\[-\]writable failed: the database takes no writes'
	[ "$(grep -c 'sqlstate="25006" reason=' "$WORLD_DIR/program.log")" -eq 1 ]
	read_only_workers '[1-9]'
	read_only_is off
	world_until 20 world_status_is "/api2/$WS/n/k" 204 -T - <<<value
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
	fault_own_cluster
	fault_database
	name=$(fault_database_name)
	pg_sql "$name" -c "create tablespace small location '$FAULT_DIR/disk/space'"
	pg_sql "$name" -c "alter table hulykvs.kvs set tablespace small"
	fault_serve nginx HULY_DB_CONNECTION="$FAULT_DB"
	fault_ready
	world_status_is "/api2/$WS/n/k" 204 -T - <<<value
	free=$(df --output=avail -B1 "$FAULT_DIR/disk" | tail -n 1)
	head -c $((free - 500000)) /dev/zero >"$FAULT_DIR/disk/filler"
	fault_ledger
	world_until 60 fault_progress 2 1
	world_status_is "/api2/$WS/n/k" 200
	rm "$FAULT_DIR/disk/filler"
	fault_acknowledged 50
	fault_check
	fault_without 5xx web cut not_sent unknown
	fault_own_cluster_end
	fault_end
}
