#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# purge of hulykvs-migrate.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0

load ../lib/postgres
load ../lib/world
load ../lib/migrate
load ../lib/transfer

setup_file()
{
	pg_start "$(pg_tmpdir)"
}

teardown_file()
{
	pg_remove
}

setup()
{
	transfer_enter
}

teardown()
{
	transfer_leave
}

@test "purge deletes what was last written so long ago, and no row without a time" {
	transfer_rows "$A" 200
	run -0 migrate "$A_URL" --namespace a --older-than 90d --dry-run purge
	[[ $output == *$'to be deleted: '*$'younger: '*$'without a time, kept: '* ]]
	[ "$(sed -n 's/to be deleted: //p' <<<"$output")" = "$(transfer_count "$A" "namespace = 'a' and modified < now() - interval '90 days'")" ]
	[ "$(sed -n 's/without a time, kept: //p' <<<"$output")" = "$(transfer_count "$A" "namespace = 'a' and modified is null")" ]
	[ "$(transfer_count "$A")" = 200 ]
	migrate "$A_URL" --workspace "$WS" --namespace a --prefix '<key 1' --older-than 90d purge
	[ "$(transfer_count "$A" "workspace = '$WS' and namespace = 'a' and starts_with(key, '<key 1') and modified < now() - interval '90 days'")" = 0 ]
	left=$(transfer_count "$A" "workspace = '$WS' and namespace = 'a' and starts_with(key, '<key 1') and modified is null")
	[ "$left" -gt 0 ]
	[ "$(transfer_count "$A" "namespace = 'a' and modified < now() - interval '90 days'")" -gt 0 ]
	[ "$(transfer_count "$A" "namespace <> 'a'")" = "$(pg_sql "$A" -c 'select count(*) from generate_series(1, 200) as n where n % 3 > 0')" ]
	# A prefix is literal.
	run -0 migrate "$A_URL" --namespace B --prefix '%' --older-than 1s purge
	[[ $output == *'rows were deleted" rows=0'* ]]
	run -0 migrate "$A_URL" --namespace B --older-than 1s --rate 100000 purge
	[ "$(transfer_count "$A" "namespace = 'B' and modified is not null")" = 0 ]
	[ "$(transfer_count "$A" "namespace = 'B' and modified is null")" -gt 0 ]
	migrate "$A_URL" --workspace "$WS" --older-than 1s purge
	[ "$(transfer_count "$A" "workspace = '$WS' and modified is not null")" = 0 ]
}

# In this form the time zone is CST, which is read as that of Chicago, 14 hours later.
@test "purge finds its time whatever the form of times is" {
	pg_sql "$A" -c "alter database $A set datestyle = 'SQL, MDY'" -c "alter database $A set timezone = 'Asia/Shanghai'" \
		-c "insert into hulykvs.kvs (workspace, namespace, key, md5, value, modified) select '$WS', 'a', key, '', '', now() - interval '1 hour' * n
			from (values ('young', 1), ('old', 3)) as r (key, n)"
	run -0 migrate "$A_URL" --namespace a --older-than 2h --dry-run purge
	[[ $output == *'to be deleted: 1'*'younger: 1'* ]]
	migrate "$A_URL" --namespace a --older-than 2h purge
	[ "$(pg_sql "$A" -c 'select key from hulykvs.kvs')" = young ]
}

@test "purge leaves rows that a client writes meanwhile, and goes on after it was killed" {
	local pid

	transfer_rows "$A" 3000
	pg_sql "$A" -c "update hulykvs.kvs set namespace = 'a', modified = now() - interval '100 days'"
	MIGRATE_EXEC=1 migrate "$A_URL" --namespace a --older-than 90d --rate 400 purge 2>"$FILE.log" 3>&- &
	pid=$!
	world_until 60 less_than "$A" 3000
	# What is left is written, as a client does; then no page finds it.
	pg_sql "$A" -c "update hulykvs.kvs set value = value where key > '<key 5'"
	kill -KILL "$pid"
	wait "$pid" || :
	[ "$(transfer_count "$A")" -gt 1000 ]
	run -0 migrate "$A_URL" --namespace a --older-than 90d purge
	[ "$(transfer_count "$A")" = "$(transfer_count "$A" "modified > now() - interval '1 hour'")" ]
	[ "$(transfer_count "$A" "key > '<key 5'")" -gt 0 ]
}

less_than()
{
	[ "$(transfer_count "$1")" -lt "$2" ]
}

@test "if the server ends the connection, the log says what the server said" {
	transfer_rows "$A" 1000
	pg_sql "$A" -c "update hulykvs.kvs set namespace = 'a', modified = now() - interval '100 days'"
	# With a rate, the connection is idle most of the time.
	migrate "$A_URL" --namespace a --older-than 90d --rate 400 purge 2>"$FILE.log" 3>&- &
	world_until 60 less_than "$A" 1000
	pg_sql postgres -c "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hulykvs-migrate'"
	wait $!
	[ "$(transfer_count "$A")" = 0 ]
	grep 'terminating connection due to administrator command' "$FILE.log"
}

@test "a row that is written between its reading and its deletion is not purged" {
	local pid

	transfer_rows "$A" 10
	pg_sql "$A" -c "update hulykvs.kvs set namespace = 'a', modified = now() - interval '100 days'"
	# A writer has the row, and ends only when the deletion waits for it.
	{
		echo "begin; update hulykvs.kvs set value = 'mine' where key = '<key 3@é\"\\>';"
		world_until 60 waits_for_lock
		echo 'commit;'
	} | pg_sql "$A" &
	pid=$!
	world_until 60 writer_has_row
	run -0 migrate "$A_URL" --namespace a --older-than 90d purge
	[[ $output == *'rows were deleted" rows=9 written_meanwhile=1'* ]]
	wait "$pid"
	[ "$(pg_sql "$A" -c 'select value from hulykvs.kvs')" = "$(pg_sql "$A" -c "select 'mine'::bytea")" ]
}

waits_for_lock()
{
	[ "$(pg_sql postgres -c "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'hulykvs-migrate'")" = 1 ]
}

writer_has_row()
{
	[ "$(pg_sql postgres -c "select count(*) from pg_stat_activity where datname = '$A' and state = 'idle in transaction'")" = 1 ]
}
