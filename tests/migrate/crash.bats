#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# hulykvs-migrate while PostgreSQL crashes and undoes the last commits, because they did not wait for the disk.

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world
load ../lib/migrate
load ../lib/sealed

# Nothing but the process walwriter writes what has been committed to disk; it is stopped by crash_soon().
setup_file()
{
	local dir

	dir=$(pg_tmpdir)
	PG_FSYNC=on pg_start "$dir" autovacuum=off bgwriter_lru_maxpages=0 wal_buffers=16MB
}

teardown_file()
{
	pg_remove
}

setup()
{
	ROWS=1000
	field_enter
	KEYS=$BATS_TEST_TMPDIR/keys LOG=$BATS_TEST_TMPDIR/log
	sealed_keys "$KEY_A"
	migrate "$URL" 2>"$LOG"
}

teardown()
{
	field_leave
}

fill()
{
	pg_sql "$DB" -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value)
		select '$MIGRATE_DEFAULT', 'n', 'k' || n, decode(md5(n::text), 'hex'), convert_to(n::text, 'UTF8')
		from generate_series(1, $ROWS) as n"
}

with_keys()
{
	migrate "$URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" "$@" 2>>"$LOG"
}

# rows CONDITION: how many there are.
rows()
{
	pg_sql "$DB" -c "select count(*) from hulykvs.kvs where $1"
}

sealed="namespace = 'n' and substring(value for 8) = '\\x89484b565345414c'"

# From here on a commit that does not wait for the disk is not on it.
crash_soon()
{
	pg_sql "$DB" -c checkpoint
	WALWRITER=$(pg_sql "$DB" -c "select pid from pg_stat_activity where backend_type = 'walwriter'")
	kill -STOP "$WALWRITER"
}

# crash: the server loses what is not on disk, and recovers.
crash()
{
	kill -KILL "$WALWRITER"
	world_until 60 crash_over
}

crash_over()
{
	[ "$(pg_sql postgres -c "select pid <> $WALWRITER from pg_stat_activity where backend_type = 'walwriter'" \
		2>/dev/null)" = t ]
}

# at_least N CONDITION
at_least()
{
	[ "$(rows "$2")" -ge "$1" ]
}

# crash_during CONDITION WORD …: hulykvs-migrate with the keys, and a crash when 100 rows are as it makes them.
crash_during()
{
	local condition=$1 pid
	shift

	crash_soon
	MIGRATE_EXEC=1 with_keys "$@" 3>&- &
	pid=$!
	PIDS+=("$pid")
	world_until 60 at_least 100 "$condition"
	kill -STOP "$pid"
	before=$(rows "$condition")
	crash
	after=$(rows "$condition")
	kill -CONT "$pid"
	echo "$before rows were changed before the crash, and $after after it"
	[ "$after" -lt "$before" ]
	wait "$pid"
}

@test "reencrypt: what a crash undoes is sealed again" {
	fill
	crash_during "$sealed" --rate 400 reencrypt
	[ "$(rows "$sealed")" = "$ROWS" ]
	[ "$(rows "namespace = 'hulykvs-keys'")" = 1 ]
}

@test "decrypt: what a crash undoes is opened again, before the proofs of keys are deleted" {
	fill
	with_keys reencrypt
	crash_during "namespace = 'n' and not ($sealed)" --rate 400 decrypt
	[ "$(rows "$sealed")" = 0 ]
	[ "$(rows "namespace = 'hulykvs-keys'")" = 0 ]
}

@test "the commit that waits for the disk does so also where the database says otherwise" {
	fill
	pg_sql postgres -c "alter database $DB set synchronous_commit = off"
	crash_soon
	with_keys reencrypt
	crash
	[ "$(rows "$sealed")" = "$ROWS" ]
}

@test "import: what is in is on disk, also where the database has synchronous_commit = off" {
	local export=$BATS_TEST_TMPDIR/export pid

	ROWS=5000
	fill
	migrate "$URL" export >"$export" 2>>"$LOG"
	pg_sql "$DB" -c 'delete from hulykvs.kvs'
	pg_sql postgres -c "alter database $DB set synchronous_commit = off"
	mkfifo "$export.fifo"
	crash_soon
	MIGRATE_EXEC=1 migrate "$URL" import <"$export.fifo" 2>>"$LOG" 3>&- &
	pid=$!
	PIDS+=("$pid")
	exec 8>"$export.fifo"
	# A batch is full after 2000 rows.
	head -n 3001 "$export" >&8
	world_until 60 at_least 2000 true
	crash
	[ "$(rows true)" = 2000 ]
	timeout 60 tail -n +3002 "$export" >&8
	exec 8>&-
	wait "$pid"
	[ "$(rows true)" = "$ROWS" ]
	grep -F 'if an asynchronous standby took over' "$LOG"
}
