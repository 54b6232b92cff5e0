#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# bats file_tags=long
# hulykvs-migrate beside others: many at once, under traffic, behind locks, killed or stopped.
#
# MIGRATE_ROUNDS (1) of MIGRATE_AT_ONCE (20) migrators at once, MIGRATE_ROWS (50000) of the table that is migrated under
# traffic: `make soak` asks for more.

bats_require_minimum_version 1.5.0

load ../lib/postgres
load ../lib/world
load ../lib/migrate

setup_file()
{
	pg_start "$(pg_tmpdir)" max_connections=200
}

teardown_file()
{
	pg_remove
}

setup()
{
	field_enter
}

teardown()
{
	field_leave
}

# A session that keeps what the SQL did in a transaction until hold_end; sets HOLD.
hold()
{
	mkfifo "$BATS_TEST_TMPDIR/hold"
	pg_sql "$DB" <"$BATS_TEST_TMPDIR/hold" >"$BATS_TEST_TMPDIR/hold.out" 3>&- &
	PIDS+=($!)
	HOLD=$!
	exec 7>"$BATS_TEST_TMPDIR/hold"
	printf 'begin;\n%s;\n\\echo held\n' "$1" >&7
	world_until 20 grep -q held "$BATS_TEST_TMPDIR/hold.out"
}

hold_end()
{
	echo 'commit;' >&7
	exec 7>&-
	wait "$HOLD"
}

# hulykvs-migrate in the background; sets JOB.
migrate_start()
{
	MIGRATE_EXEC=1 migrate "$URL" "$@" >"$BATS_TEST_TMPDIR/job.out" 2>"$BATS_TEST_TMPDIR/job.log" 3>&- 7>&- &
	JOB=$!
	PIDS+=("$JOB")
}

many_at_once()
{
	local i pids=() failed=0

	for i in $(seq "${MIGRATE_AT_ONCE:-20}"); do
		migrate "$URL" >"$BATS_TEST_TMPDIR/$i.log" 2>&1 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || failed=$((failed + 1))
	done
	[ "$failed" -eq 0 ] || { cat "$BATS_TEST_TMPDIR"/*.log; return 1; }
}

# bats test_tags=matrix,slow
@test "many at once: each step once, all end well" {
	local round i

	for round in $(seq "${MIGRATE_ROUNDS:-1}"); do
		pg_sql "$DB" -c 'drop schema if exists hulykvs cascade'
		field_original "$DB" 1
		field_fill
		many_at_once
		field_ok "$DB"
		for i in V2__workspace_uuid V3__workspace_uuid V4__workspace_uuid V5__workspace_uuid S1__byte_order S2__plain_bytes; do
			[ "$(cat "$BATS_TEST_TMPDIR"/*.log | grep -c "step=\"$i\"")" -eq 1 ]
		done
	done
	echo "# $round rounds of ${MIGRATE_AT_ONCE:-20}" >&3
}

@test "many at once on an empty database" {
	many_at_once
	field_ok "$DB"
}

# bats test_tags=slow
@test "the time limit of --wait ends the run at every step" {
	for version in 2 5; do
		field_original "$DB" "$version"
		hold "update hulykvs.kvs set value = value"
		MIGRATE_PATIENCE=20 run -75 migrate "$URL" --wait 1
		hold_end
		rm -f "$BATS_TEST_TMPDIR/hold"
		pg_sql "$DB" -c 'drop schema hulykvs cascade'
	done
}

# bats test_tags=matrix,slow
@test "traffic that holds a lock is waited for, and is not held up itself" {
	field_original "$DB" 1
	hold "insert into hulykvs.kvs values ('lock', 'held', '', '')"
	run -75 migrate "$URL" --wait 1
	[[ $output == *'gave up waiting'* ]]
	[ "$(pg_sql "$DB" -c 'select count(*) from hulykvs.migrations_pg')" = 1 ]

	migrate_start
	world_until 20 grep -q 'msg="will try again"' "$BATS_TEST_TMPDIR/job.log"
	# Writers get through between the attempts; a lock without a limit would keep them out.
	for _ in 1 2 3 4 5; do
		pg_sql "$DB" -c "set statement_timeout = '10s'" \
			-c "update hulykvs.kvs set value = value || 'x' where namespace = 'ns1'"
	done
	kill -0 "$JOB"
	hold_end
	wait "$JOB"
	field_ok "$DB"
}

# Writers by the original's statements, each transaction's time in the logs stall.*; sets WRITERS.
write_on()
{
	cat >"$BATS_TEST_TMPDIR/write.sql" <<-SQL
		\set n random(1, $1)
		update hulykvs.kvs set value = convert_to('written ' || :n, 'UTF8') where namespace = 'big' and key = 'k' || :n
	SQL
	(cd "$BATS_TEST_TMPDIR" && exec "$PG_BIN/pgbench" -n -c 4 -T 600 -f write.sql --log --log-prefix=stall \
		-h "$PG_DIR/socket" -p "$PG_PORT" -U postgres "$DB") >"$BATS_TEST_TMPDIR/write.log" 2>&1 3>&- &
	WRITERS=$!
	PIDS+=("$WRITERS")
}

has_written()
{
	[ "$(cat "$BATS_TEST_TMPDIR"/stall.* | wc -l)" -ge "$1" ]
}

# How many writes, and the longest of them in ms.
stalls()
{
	cat "$BATS_TEST_TMPDIR"/stall.* | awk '{ n++; if ($3 > most) most = $3 } END { print n, int(most / 1000) }'
}

# bats test_tags=slow
@test "a large table is migrated under traffic, which goes on" {
	local rows=${MIGRATE_ROWS:-50000} started before n longest

	field_original "$DB" 1
	pg_sql "$DB" -c "insert into hulykvs.kvs (namespace, key, md5, value)
		select 'big', 'k' || n, '', convert_to(repeat('v', 100), 'UTF8') from generate_series(1, $rows) as n"
	write_on "$rows"
	world_until 20 has_written 100
	started=$SECONDS
	read -r before _ < <(stalls)
	MIGRATE_PATIENCE=600 migrate "$URL"
	started=$((SECONDS - started))
	read -r n _ < <(stalls)
	[ "$n" -gt "$before" ]
	world_until 20 has_written $((n + 100))
	kill -INT "$WRITERS"
	wait "$WRITERS" || :
	run -1 grep -i error "$BATS_TEST_TMPDIR/write.log"
	field_ok "$DB"
	[ "$(pg_sql "$DB" -c "select count(*) from hulykvs.kvs where namespace = 'big'
		and workspace = '$MIGRATE_DEFAULT'")" = "$rows" ]
	read -r n longest < <(stalls)
	echo "# $rows rows in $started s, $n writes meanwhile, the longest took $longest ms" >&3
}

# bats test_tags=slow
@test "an index build of a large table does not keep writers out" {
	field_original "$DB" 2
	field_fill
	hold "select count(*) from hulykvs.kvs;
		insert into hulykvs.kvs (namespace, key, md5, value) values ('a', 'b', '', '')"
	migrate_start
	# The build waits for the transaction that we hold.
	world_until 20 building
	pg_sql "$DB" -c "set lock_timeout = '1s'" \
		-c "insert into hulykvs.kvs (namespace, key, md5, value) values ('a', 'c', '', '')"
	hold_end
	wait "$JOB"
	field_ok "$DB"
	[ "$(pg_sql "$DB" -c "select count(*) from hulykvs.kvs where namespace = 'a'
		and workspace = '$MIGRATE_DEFAULT'")" = 2 ]
}

building()
{
	[ "$(pg_sql "$DB" -c "select count(*) from pg_stat_progress_create_index where datname = current_database()
		and phase ~ 'waiting'")" = 1 ]
}

# bats test_tags=slow
@test "a migrator killed while it builds an index leaves nothing that stops the next" {
	field_original "$DB" 2
	field_fill
	hold "insert into hulykvs.kvs (namespace, key, md5, value) values ('a', 'b', '', '')"
	migrate_start
	world_until 20 building
	kill -9 "$JOB"
	hold_end
	run -0 migrate "$URL"
	field_ok "$DB"
}

# bats test_tags=slow
@test "an index that an interrupted build left is built anew" {
	field_original "$DB" 2
	field_fill
	pg_sql "$DB" -c 'create unique index kvs_pkey_v3 on hulykvs.kvs (workspace, namespace, key)' \
		-c "update pg_index set indisvalid = false where indexrelid = 'hulykvs.kvs_pkey_v3'::regclass"
	run -0 migrate "$URL"
	field_ok "$DB"
}

# The build waits for the old snapshot, the drop of what is left of it does not: it must not count as progress.
# bats test_tags=slow
@test "a build that is ended each time does not keep the run going for ever" {
	field_original "$DB" 2
	field_fill
	hold 'set transaction isolation level repeatable read; select count(*) from pg_class'
	while pg_sql "$DB" -c "select pg_terminate_backend(pid) from pg_stat_progress_create_index
		where datname = current_database() and phase ~ 'old snapshots'"; do
		sleep 0.1
	done >/dev/null 3>&- 7>&- &
	PIDS+=($!)
	MIGRATE_PATIENCE=60 run migrate "$URL" --wait 3
	# 75 if the time is over while what is left of a build waits for a lock.
	[ "$status" -eq 69 ] || [ "$status" -eq 75 ]
	[ "$(pg_sql "$DB" -c 'select max(version) from hulykvs.migrations_pg')" = 2 ]
	kill "${PIDS[-1]}"
	hold_end
	run -0 migrate "$URL"
	field_ok "$DB"
}

is_stopped()
{
	grep -q '^State:[[:space:]]*T' "/proc/$1/status"
}

# In a transaction it would keep the lock for five seconds only, see sql/postgresql/session.sql.
stopped_between_attempts()
{
	kill -STOP "$1"
	world_until 20 is_stopped "$1"
	[ "$(pg_sql "$DB" -c "select state from pg_stat_activity where application_name = 'hulykvs-migrate'")" = idle ] || {
		kill -CONT "$1"
		return 1
	}
}

# bats test_tags=matrix,slow
@test "a stopped migrator keeps the others waiting and does no harm when it goes on" {
	local stopped

	field_original "$DB" 1
	hold "insert into hulykvs.kvs values ('lock', 'held', '', '')"
	migrate_start
	stopped=$JOB
	world_until 20 grep -q 'msg="will try again"' "$BATS_TEST_TMPDIR/job.log"
	world_until 20 stopped_between_attempts "$stopped"
	hold_end
	run -75 migrate "$URL" --wait 1
	[[ $output == *'another migration'* ]]
	kill -CONT "$stopped"
	wait "$stopped"
	field_ok "$DB"
	run -0 migrate "$URL" --wait 1
}

@test "--wait: a database that is not up yet" {
	local dir url

	dir=$(pg_tmpdir)
	PG_DIR=$dir
	url=$(pg_url postgres)
	run -69 migrate "$url"
	[[ $output == *'cannot connect to the database'* ]]
	run -69 migrate "$url" --wait 0.3
	URL=$url migrate_start --wait 60
	world_until 20 grep -q 'msg="will try again"' "$BATS_TEST_TMPDIR/job.log"
	# All that the log of the server says: how long each statement may wait for a lock.
	pg_start "$dir" log_statement=all
	wait "$JOB"
	field_ok postgres
	limits=$(sed -n "s/.*[Pp]arameters: \$1 = '\([0-9]*\)ms', \$2 = 'f'.*/\1/p" "$dir/data/server.log")
	[ -n "$limits" ]
	# What the wait for the database has taken is not there for locks any more.
	for limit in $limits; do
		[ "$limit" -lt 60000 ]
	done
}
