#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# compare and the export of a difference, on PostgreSQL and on the simulator of CockroachDB.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0

load ../lib/postgres
load ../lib/world
load ../lib/migrate
load ../lib/transfer
load ../lib/sealed

setup_file()
{
	pg_start "$(pg_tmpdir)" max_connections=120
	crdb_start
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

@test "compare tells in what two databases differ" {
	transfer_rows "$A" 60
	migrate "$A_URL" export | migrate "$B_URL" import
	run -0 transfer_same
	[ "$output" = $'same: 60\nsame, other time: 0\ndifferent: 0\nonly here: 0\nonly there: 0' ]
	pg_sql "$B" -c "update hulykvs.kvs set modified = now() where key = '<key 7@é\"\\>'"
	run -0 transfer_same
	[ "$output" = $'same: 59\nsame, other time: 1\ndifferent: 0\nonly here: 0\nonly there: 0' ]
	pg_sql "$B" -c "delete from hulykvs.kvs where key ~ '^<key 1.@'" \
		-c "update hulykvs.kvs set value = 'other' where key = '<key 8@é\"\\>'" \
		-c "update hulykvs.kvs set md5 = '\\x00' where key = '<key 9@é\"\\>'" \
		-c "insert into hulykvs.kvs (workspace, namespace, key, md5, value) values ('$WS', 'C', 'k', '', '')"
	run -1 transfer_same
	[ "$output" = $'same: 47\nsame, other time: 1\ndifferent: 2\nonly here: 10\nonly there: 1' ]
	# The connection string of the other database may be in a file, and stands in no list of processes.
	(umask 077 && echo "$B_URL" >"$FILE.url")
	run -1 migrate "$A_URL" HULY_OTHER_DB_CONNECTION_FILE="$FILE.url" compare
	run -78 migrate "$A_URL" compare
	[[ $output == *'cannot compare'*'HULY_OTHER_DB_CONNECTION is not set'* ]]
	run -78 migrate "$A_URL" HULY_OTHER_DB_CONNECTION="postgresql://u:s3cret@h/db?nonsense=1" compare
	[[ $output == *'the other database'* && $output != *s3cret* ]]
	run -69 migrate "$A_URL" HULY_OTHER_DB_CONNECTION="postgresql://u:s3cret@/nowhere?host=$BATS_TEST_TMPDIR" compare
	[[ $output == *'the other database'* && $output != *s3cret* ]]
}

@test "a row whose column md5 is wrong is the same as the one that an import makes of it" {
	transfer_rows "$A" 10
	pg_sql "$A" -c "update hulykvs.kvs set md5 = '\\x00' where key = '<key 1@é\"\\>'" \
		-c "update hulykvs.kvs set md5 = decode(md5('other'), 'hex') where key = '<key 2@é\"\\>'"
	migrate "$A_URL" export | migrate "$B_URL" import
	run -0 transfer_same
	[[ $output == *'same: 10'* ]]
	migrate "$A_URL" HULY_OTHER_DB_CONNECTION="$B_URL" --difference export >"$FILE"
	[ "$(wc -l <"$FILE")" = 2 ]
	run -1 migrate "$B_URL" HULY_OTHER_DB_CONNECTION="$A_URL" compare
	[[ $output == *'different: 2'* ]]
}

# changed_meanwhile FROM DB ARG …: an export of FROM to the file, while rows at the end of FROM's order are written and
# deleted.  The pipe is full until then, so that these rows cannot have been read.
changed_meanwhile()
{
	local from=$1 db=$2 pid header
	shift 2

	mkfifo "$FILE.pipe"
	migrate "$from" "$@" export >"$FILE.pipe" 3>&- &
	pid=$!
	exec 4<"$FILE.pipe"
	read -r header <&4
	pg_sql "$db" <<-SQL
		delete from hulykvs.kvs where key >= 'key 11900' and key < 'key 11950';
		update hulykvs.kvs set value = 'later', md5 = decode(md5('later'), 'hex') where key >= 'key 11950';
		insert into hulykvs.kvs (workspace, namespace, key, md5, value)
		values ('$WS', 'a', 'key 99999', decode(md5('new'), 'hex'), 'new');
	SQL
	{ printf '%s\n' "$header" && cat <&4; } >"$FILE"
	exec 4<&-
	wait "$pid"
}

@test "what is written and deleted during an export is not in it, on CockroachDB either" {
	local from to before
	local -a words

	for from in "$A_URL" "$(crdb_url "$A_URL")"; do
		for to in all difference; do
			pg_sql "$A" -c 'truncate hulykvs.kvs' -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value)
				select '$WS', 'a', 'key ' || lpad(n::text, 5, '0'), decode(md5(v), 'hex'), v::bytea
				from (select n, repeat(md5(n::text), 4) as v from generate_series(1, 12000) as n) as r"
			pg_sql "$B" -c 'truncate hulykvs.kvs'
			before=$(transfer_digest "$A")
			words=()
			[ "$to" = all ] || words=("HULY_OTHER_DB_CONNECTION=$B_URL" --difference)
			changed_meanwhile "$from" "$A" "${words[@]}"
			rm "$FILE.pipe"
			[ "$(transfer_digest "$A")" != "$before" ]
			migrate "$B_URL" --existing replace import <"$FILE"
			[ "$(transfer_digest "$B")" = "$before" ]
		done
	done
	crdb_check
}

@test "a difference carries over what changed, and what was deleted" {
	transfer_rows "$A" 2000
	migrate "$A_URL" export | migrate "$B_URL" import
	pg_sql "$A" -c "delete from hulykvs.kvs where key ~ '1@'" \
		-c "update hulykvs.kvs set value = 'new', md5 = decode(md5('new'), 'hex') where key ~ '2@'" \
		-c "insert into hulykvs.kvs (workspace, namespace, key, md5, value) values ('$WS', 'C', 'k', decode(md5(''), 'hex'), '')"
	migrate "$A_URL" HULY_OTHER_DB_CONNECTION="$B_URL" --difference export >"$FILE"
	[ "$(wc -l <"$FILE")" = 403 ]
	run -65 migrate "$B_URL" import <"$FILE"
	[[ $output == *'the file is a difference: it needs --existing replace'* ]]
	# A row that is to be deleted, and has been written meanwhile, stays.
	pg_sql "$B" -c "update hulykvs.kvs set value = 'mine', md5 = decode(md5('mine'), 'hex') where key = '<key 1@é\"\\>'"
	run -0 migrate "$B_URL" --existing replace import <"$FILE"
	[[ $output == *'rows=201 were_there=1 deleted=199'* ]]
	[ "$(transfer_count "$B" "value = 'mine'")" = 1 ]
	migrate "$A_URL" HULY_OTHER_DB_CONNECTION="$B_URL" --difference export | migrate "$B_URL" --existing replace import
	[ "$(transfer_digest "$A")" = "$(transfer_digest "$B")" ]
	# Without a difference it is an export of nothing.
	migrate "$A_URL" HULY_OTHER_DB_CONNECTION="$B_URL" --difference export >"$FILE"
	[ "$(wc -l <"$FILE")" = 2 ]
}

# with_keys URL ARG …
with_keys()
{
	local url=$1
	shift

	migrate "$url" HULY_ENCRYPTION_KEYS_FILE="$KEYS" "$@"
}

@test "a difference carries over the proofs of keys, and that they were deleted" {
	local from

	KEYS=$FILE.keys
	sealed_keys "$KEY_A"
	for from in "$A_URL" "$(crdb_url "$A_URL")"; do
		pg_sql "$A" -c 'drop schema hulykvs cascade' 2>"$FILE.log"
		pg_sql "$B" -c 'delete from hulykvs.kvs'
		migrate "$from" 2>"$FILE.log"
		transfer_rows "$A" 20
		migrate "$from" export | migrate "$B_URL" import
		with_keys "$from" reencrypt
		migrate "$from" HULY_OTHER_DB_CONNECTION="$B_URL" --difference export | migrate "$B_URL" --existing replace import
		[ "$(transfer_digest "$A")" = "$(transfer_digest "$B")" ]
		[ "$(transfer_count "$B" "namespace = 'hulykvs-keys'")" = 1 ]
		# Two proofs of a key do not have the same bytes, and mean the same.
		pg_sql "$B" -c "update hulykvs.kvs set md5 = decode(md5('other'), 'hex') where namespace = 'hulykvs-keys'"
		run -0 migrate "$from" HULY_OTHER_DB_CONNECTION="$B_URL" compare
		[[ $output == *$'same: 20\n'* ]]
		pg_sql "$B" -c "delete from hulykvs.kvs where namespace = 'hulykvs-keys'"
		run -1 migrate "$from" HULY_OTHER_DB_CONNECTION="$B_URL" compare
		[[ $output == *$'only here: 1\n'* ]]
		migrate "$from" HULY_OTHER_DB_CONNECTION="$B_URL" --difference export | migrate "$B_URL" --existing replace import
		with_keys "$from" decrypt
		migrate "$from" HULY_OTHER_DB_CONNECTION="$B_URL" --difference export >"$FILE"
		run -0 migrate "$B_URL" --existing replace import <"$FILE"
		[[ $output == *'rows=20 were_there=0 deleted=1'* ]]
		[ "$(transfer_digest "$A")" = "$(transfer_digest "$B")" ]
		with_keys "$B_URL" reencrypt
		pg_sql "$B" -c "delete from hulykvs.kvs where namespace <> 'hulykvs-keys'"
		run -1 migrate "$from" HULY_OTHER_DB_CONNECTION="$B_URL" compare
		[[ $output == *'only there: 1' ]]
	done
	crdb_check
}

@test "from CockroachDB to PostgreSQL, with what changed meanwhile" {
	local from

	from=$(crdb_url "$A_URL")
	# Made anew, as it is on CockroachDB; more than two pages of a scan.
	pg_sql "$A" -c 'drop schema hulykvs cascade' 2>"$FILE.log"
	migrate "$from" 2>"$FILE.log"
	transfer_rows "$A" 12000
	migrate "$from" export >"$FILE"
	migrate "$B_URL" import <"$FILE"
	[ "$(transfer_digest "$A")" = "$(transfer_digest "$B")" ]
	pg_sql "$A" -c "delete from hulykvs.kvs where key ~ '1@'" \
		-c "update hulykvs.kvs set value = 'new', md5 = decode(md5('new'), 'hex') where key ~ '2@'"
	run -1 migrate "$from" HULY_OTHER_DB_CONNECTION="$B_URL" compare
	migrate "$from" HULY_OTHER_DB_CONNECTION="$B_URL" --difference export >"$FILE"
	migrate "$B_URL" --existing replace import <"$FILE"
	[ "$(transfer_digest "$A")" = "$(transfer_digest "$B")" ]
	run -0 migrate "$from" HULY_OTHER_DB_CONNECTION="$B_URL" compare
	# And the way back.
	pg_sql "$A" -c 'delete from hulykvs.kvs'
	migrate "$B_URL" export | migrate "$from" import
	run -0 migrate "$B_URL" HULY_OTHER_DB_CONNECTION="$from" compare
	pg_sql "$A" -c "update hulykvs.kvs set value = 'new', md5 = decode(md5('new'), 'hex') where key ~ '3@'" \
		-c "insert into hulykvs.kvs (workspace, namespace, key, md5, value) values ('$WS', 'C', 'k', '\\x00', '')"
	run -69 migrate "$B_URL" HULY_OTHER_DB_CONNECTION="$from" --difference export
	[[ $output == *'a row to delete has no MD5'* ]]
	pg_sql "$A" -c "update hulykvs.kvs set md5 = decode(md5(''), 'hex') where namespace = 'C'"
	migrate "$B_URL" HULY_OTHER_DB_CONNECTION="$from" --difference export | migrate "$from" --existing replace import
	run -0 migrate "$B_URL" HULY_OTHER_DB_CONNECTION="$from" compare
	migrate "$from" --namespace a --older-than 1h purge
	[ "$(transfer_count "$A" "namespace = 'a' and modified < now() - interval '1 hour'")" = 0 ]
	[ "$(transfer_count "$A" "namespace = 'a' and modified is null")" -gt 0 ]
	crdb_check
}

@test "what goes wrong on the second connection of a difference is in the log" {
	local from

	transfer_rows "$A" 10
	# It cannot be had.
	pg_sql "$A" -c 'drop role if exists narrow' -c 'create role narrow login connection limit 1' \
		-c 'grant usage on schema hulykvs to narrow' -c 'grant select on all tables in schema hulykvs to narrow'
	run -69 migrate "${A_URL/postgres@/narrow@}" HULY_OTHER_DB_CONNECTION="$B_URL" --difference export
	pg_sql "$A" -c 'drop owned by narrow' -c 'drop role narrow'
	[[ $output == *'msg="cannot '*'why="the second connection: '*'too many connections for role'* ]]
	# A statement on it is refused.
	from=$(crdb_url "$A_URL")
	pg_sql "$A" -c 'drop schema hulykvs cascade' 2>"$FILE.log"
	migrate "$from" 2>"$FILE.log"
	transfer_rows "$A" 10
	crdb_order '{"set": ["42501:unnest"]}' >"$FILE.log"
	run -69 migrate "$from" HULY_OTHER_DB_CONNECTION="$B_URL" --difference export
	[[ $output == *'msg="cannot export" why="the second connection: simulated" sqlstate="42501" statement="migrate/export_rows"'* ]]
	# It ends.
	crdb_order '{"set": ["cut:unnest"]}' >"$FILE.log"
	run -69 migrate "$from" HULY_OTHER_DB_CONNECTION="$B_URL" --difference export
	[[ $output == *'msg="cannot connect to the database" why="the second connection: '?*'"'* ]]
}
