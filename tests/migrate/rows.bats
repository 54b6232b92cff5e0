#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# What hulykvs-migrate does with rows: their order, their place, how they are compressed, and their time.

bats_require_minimum_version 1.5.0

load ../lib/postgres
load ../lib/world
load ../lib/migrate

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
	field_enter
}

teardown()
{
	field_leave
}

# bats test_tags=slow
@test "keys come in byte order from an index range, whatever the collation" {
	local plan

	field_original "$DB" 1
	field_fill
	pg_sql "$DB" -c "insert into hulykvs.kvs select 'order', k, '', ''
		from unnest('{b,A,a,B,_,é,z,Z1,~,1}'::text[]) as k"
	# The database would have it otherwise.
	[ "$(pg_sql "$DB" -c "select string_agg(key, '' order by key) from hulykvs.kvs
		where namespace = 'order'")" != '1ABZ1_abz~é' ]
	run -0 migrate "$URL"
	field_ok "$DB"
	[ "$(pg_sql "$DB" -c "select string_agg(key, '' order by key) from hulykvs.kvs
		where namespace = 'order'")" = '1ABZ1_abz~é' ]
	for collate in '' 'collate "C"'; do
		plan=$(pg_sql "$DB" -c "explain select key from hulykvs.kvs where workspace = '$MIGRATE_DEFAULT'
			and namespace = 'big' and key $collate >= 'k12' and key $collate < 'k13' order by key $collate limit 100")
		[[ $plan == *'using kvs_pkey'* && $plan != *Sort* ]]
		[[ $plan == *"(key >= 'k12'::text) AND (key < 'k13'::text)"* ]]
		[[ $plan == *'Index Cond'* && $plan != *Filter* ]]
	done
}

# bats test_tags=matrix
@test "stranded rows go to the default workspace, page by page" {
	local other=22222222-3333-4444-5555-666666666666

	field_original "$DB" 5
	pg_sql "$DB" -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value)
		select '$MIGRATE_STRANDED', 'page' || n % 2, 'k' || n, '', int4send(n) from generate_series(1, 3500) as n" \
		-c "update hulykvs.kvs set workspace = '$other' where namespace = 'ns0'"
	run -0 migrate "$URL" status
	[[ $output == *'stranded rows: 3500'* ]]
	run -0 migrate "$URL"
	[[ $output == *'moved rows'*'rows=3500'* ]]
	[ "$(pg_sql "$DB" -c "select count(*), count(distinct value) from hulykvs.kvs
		where workspace = '$MIGRATE_DEFAULT' and namespace ~ '^page'")" = '3500|3500' ]
	[ "$(pg_sql "$DB" -c "select count(*) from hulykvs.kvs where workspace = '$MIGRATE_STRANDED'")" = 0 ]
	[ "$(pg_sql "$DB" -c "select distinct namespace from hulykvs.kvs where workspace = '$other'")" = ns0 ]
}

@test "they go where HULY_DEFAULT_WORKSPACE_UUID says, or stay if that is where they are" {
	local other=22222222-3333-4444-5555-666666666666

	field_original "$DB" 3
	run -0 migrate "$URL" HULY_DEFAULT_WORKSPACE_UUID="$MIGRATE_STRANDED"
	field_ok "$DB"
	[ "$(pg_sql "$DB" -c "select distinct workspace from hulykvs.kvs")" = "$MIGRATE_STRANDED" ]
	run -0 migrate "$URL" HULY_DEFAULT_WORKSPACE_UUID=$other
	[ "$(pg_sql "$DB" -c "select distinct workspace from hulykvs.kvs")" = "$other" ]
}

@test "sealed rows are not moved to where they do not open" {
	local keys=$BATS_TEST_TMPDIR/keys

	(umask 077 && echo "a $(head -c 32 /dev/zero | base64)" >"$keys")
	field_original "$DB" 5
	migrate "$URL"
	pg_sql "$DB" -c "update hulykvs.kvs set workspace = '$MIGRATE_STRANDED', md5 = decode(md5(value), 'hex')"
	rows=$(field_rows "$DB")
	migrate "$URL" HULY_ENCRYPTION_KEYS_FILE="$keys" reencrypt
	run -0 migrate "$URL"
	[[ $output == *"sealed rows stay in the workspace $MIGRATE_STRANDED"* ]]
	migrate "$URL" HULY_ENCRYPTION_KEYS_FILE="$keys" decrypt
	run -0 migrate "$URL"
	[[ $output == *'msg="moved rows to the default workspace"'* && $output != *"stay in the workspace"* ]]
	[ "$(field_rows "$DB")" = "$rows" ]
}

@test "a stranded row whose place is taken stays, with a warning" {
	field_original "$DB" 5
	pg_sql "$DB" -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value) values
		('$MIGRATE_DEFAULT', 'n', 'taken', '', 'new'), ('$MIGRATE_STRANDED', 'n', 'taken', '', 'old'),
		('$MIGRATE_STRANDED', 'n', 'free', '', 'old'), ('$MIGRATE_STRANDED', 'o', 'taken', '', 'old')"
	for _ in 1 2; do
		run -0 migrate "$URL"
		[[ $output == *'level=warn'*'rows=1'* ]]
		[ "$(pg_sql "$DB" -c "select workspace, namespace, key, convert_from(value, 'UTF8') from hulykvs.kvs
			where key in ('taken', 'free') order by 1, 2, 3")" = "$MIGRATE_DEFAULT|n|free|old
$MIGRATE_DEFAULT|n|taken|new
$MIGRATE_DEFAULT|o|taken|old
$MIGRATE_STRANDED|n|taken|old" ]
	done
	# Keys are personal data.
	[[ $output != *taken* && $output != *free* ]]
}

# Whether the column value has this compression: l, p, or nothing for the server's default.
compression()
{
	pg_sql "$DB" -c "select attcompression from pg_attribute
		where attrelid = 'hulykvs.kvs'::regclass and attname = 'value'"
}

# Large enough for TOAST, and easy to compress; by the original's statement.
put_large()
{
	pg_sql "$DB" -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value)
		select '$MIGRATE_DEFAULT', 'large', '$1', decode(md5(v), 'hex'), convert_to(v, 'UTF8')
		from (select string_agg(md5((n % 50)::text), '') from generate_series(1, 2000) as n) as rows (v)"
}

compression_of()
{
	pg_sql "$DB" -c "select pg_column_compression(value) from hulykvs.kvs where namespace = 'large' and key = '$1'"
}

@test "large values are compressed with lz4, and no row is rewritten" {
	local file

	field_original "$DB" 5
	put_large before
	file=$(pg_sql "$DB" -c "select pg_relation_filenode('hulykvs.kvs'), xmin from hulykvs.kvs where key = 'before'")
	run -0 migrate "$URL"
	[ "$(compression)" = l ]
	put_large after
	[ "$(compression_of before)" = pglz ]
	[ "$(compression_of after)" = lz4 ]
	[ "$(pg_sql "$DB" -c "select pg_relation_filenode('hulykvs.kvs'), xmin from hulykvs.kvs where key = 'before'")" = "$file" ]
}

@test "HULY_DB_COMPRESSION=default leaves the compression as it is, until it is lz4" {
	field_original "$DB" 5
	run -0 migrate "$URL" HULY_DB_COMPRESSION=default
	[[ $output == *'msg="step left out" step="S3__compression" why="HULY_DB_COMPRESSION is default"'* ]]
	[ "$(compression)" = '' ]
	[ "$(pg_sql "$DB" -c 'select count(*) from hulykvs.hulykvs_steps where version = 3')" = 0 ]
	run -0 migrate "$URL" HULY_DB_COMPRESSION=default status
	[ "${lines[2]}" = 'database: current' ]
	[ "${lines[10]}" = 'S3__compression: left out, HULY_DB_COMPRESSION is default' ]
	run -0 migrate "$URL"
	[ "$(compression)" = l ]
	field_ok "$DB"
	run -78 migrate "$URL" HULY_DB_COMPRESSION=zstd
	[[ $output == *'HULY_DB_COMPRESSION: neither lz4 nor default'* ]]
}

@test "a server that was built without lz4 keeps its compression" {
	field_original "$DB" 5
	pg_sql "$DB" -c "set allow_system_table_mods = on" -c "do \$\$ begin execute
		'create or replace view pg_catalog.pg_settings as '
		|| regexp_replace(pg_get_viewdef('pg_catalog.pg_settings'::regclass),
			'(a\.)?enumvals', 'array_remove(\\1enumvals, ''lz4'') as enumvals'); end \$\$"
	run -0 migrate "$URL"
	[[ $output == *'msg="step left out" step="S3__compression" why="the server has no lz4"'* ]]
	[ "$(compression)" = '' ]
	run -0 migrate "$URL" status
	[ "${lines[2]}" = 'database: current' ]
}

# The statements of the original, at a moment of their own; $1: put, delete or list; $2: a key.
original()
{
	pg_sql "$DB" <<-SQL
		set search_path = hulykvs;
		prepare get (uuid, text, text) as select value, md5 from kvs where workspace = \$1 and namespace = \$2 and key = \$3;
		prepare put (uuid, text, text, bytea, bytea) as insert into kvs (workspace, namespace, key, md5, value)
			values (\$1, \$2, \$3, \$4, \$5) on conflict (workspace, namespace, key)
			do update set md5 = excluded.md5, value = excluded.value;
		prepare put_new (uuid, text, text, bytea, bytea) as insert into kvs (workspace, namespace, key, md5, value)
			values (\$1, \$2, \$3, \$4, \$5) on conflict (workspace, namespace, key) do nothing;
		prepare put_if (uuid, text, text, bytea, bytea, bytea) as update kvs set md5 = \$4, value = \$5
			where workspace = \$1 and namespace = \$2 and key = \$3 and md5 = \$6;
		prepare list (uuid, text, text) as select key from kvs where workspace = \$1 and namespace = \$2 and key like \$3;
		prepare delete (uuid, text, text) as delete from kvs where workspace = \$1 and namespace = \$2 and key = \$3;
		execute $1 ('$MIGRATE_DEFAULT', 'm', $2);
	SQL
}

# The time of a key's last write: null, or whether it is later than $2.
modified()
{
	pg_sql "$DB" -c "select coalesce((modified > '${2:--infinity}')::text, 'null') from hulykvs.kvs
		where namespace = 'm' and key = '$1'"
}

now()
{
	pg_sql "$DB" -c 'select clock_timestamp()'
}

# bats test_tags=matrix
@test "the time of the last write is kept, whoever writes, and null before" {
	local file time

	field_original "$DB" 5
	original put "'old', '\x00', 'a'"
	file=$(pg_sql "$DB" -c "select pg_relation_filenode('hulykvs.kvs')")
	run -0 migrate "$URL"
	[ "$(pg_sql "$DB" -c "select pg_relation_filenode('hulykvs.kvs')")" = "$file" ]
	[ "$(pg_sql "$DB" -c 'select count(*) from hulykvs.kvs where modified is not null')" = 0 ]
	# The original's statements set it: insert, update of an old row, update of a new one, update with a condition.
	time=$(now)
	original put "'new', '\x00', 'a'"
	[ "$(modified new "$time")" = true ]
	original put "'old', '\x01', 'b'"
	[ "$(modified old "$time")" = true ]
	time=$(now)
	original put "'new', '\x01', 'b'"
	[ "$(modified new "$time")" = true ]
	time=$(now)
	original put_if "'new', '\x02', 'c', '\x01'"
	[ "$(modified new "$time")" = true ]
	# A write that does nothing changes nothing.
	time=$(now)
	original put_new "'new', '\x03', 'd'"
	original put_if "'new', '\x03', 'd', '\x01'"
	[ "$(modified new "$time")" = false ]
	original put_new "'newer', '\x03', 'd'"
	[ "$(modified newer "$time")" = true ]
	[ "$(original get "'new'")" = '\x63|\x02' ]
	[ "$(original list "'new%'")" = $'new\nnewer' ]
	original delete "'newer'"
	[ "$(modified newer)" = '' ]
	# A writer that names the column has its own time.
	pg_sql "$DB" -c "update hulykvs.kvs set value = 'e', modified = '2001-02-03Z' where key = 'new'"
	[ "$(pg_sql "$DB" -c "select modified = '2001-02-03Z' from hulykvs.kvs where key = 'new'")" = t ]
}

@test "moving and sealing rows leaves the time of their last write as it is" {
	local keys=$BATS_TEST_TMPDIR/keys times

	(umask 077 && echo "a $(head -c 32 /dev/zero | base64)" >"$keys")
	field_original "$DB" 5
	migrate "$URL"
	pg_sql "$DB" -c "update hulykvs.kvs set workspace = '$MIGRATE_STRANDED', md5 = decode(md5(value), 'hex'),
		modified = case when key < 'key 2' then '2001-02-03Z'::timestamptz end"
	# This very statement has set the null ones.
	pg_sql "$DB" -c "set hulykvs.keep_modified = 'on'" \
		-c "update hulykvs.kvs set modified = null where modified > '2002-01-01'"
	times=$(pg_sql "$DB" -c 'select key, modified from hulykvs.kvs order by key')
	[[ $(pg_sql "$DB" -c 'select count(modified), count(*) > count(modified) from hulykvs.kvs') == [1-9]*'|t' ]]
	migrate "$URL"
	[ "$(pg_sql "$DB" -c 'select distinct workspace from hulykvs.kvs')" = "$MIGRATE_DEFAULT" ]
	[ "$(pg_sql "$DB" -c 'select key, modified from hulykvs.kvs order by key')" = "$times" ]
	migrate "$URL" HULY_ENCRYPTION_KEYS_FILE="$keys" reencrypt
	migrate "$URL" HULY_ENCRYPTION_KEYS_FILE="$keys" decrypt
	[ "$(pg_sql "$DB" -c 'select key, modified from hulykvs.kvs order by key')" = "$times" ]
}

# Whether the move of rows has waited for the lock for longer than the time between two lines.
moving_waits()
{
	[ "$(pg_sql "$1" -c "select count(*) from pg_stat_activity where datname = '$1' and wait_event_type = 'Lock'
		and now() - query_start > '5500 ms'")" -eq 1 ]
}

# bats test_tags=slow
@test "hulykvs-migrate says on a terminal how far it is" {
	migrate "$URL"
	pg_sql "$DB" -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value)
		select '$MIGRATE_STRANDED', 'canary', 'canary' || n, '', '' from generate_series(1, 1500) as n"
	mkfifo "$BATS_TEST_TMPDIR/hold"
	pg_sql "$DB" <"$BATS_TEST_TMPDIR/hold" >"$BATS_TEST_TMPDIR/held" 3>&- &
	exec 7>"$BATS_TEST_TMPDIR/hold"
	printf '%s\n' 'begin;' "select 1 from hulykvs.kvs where key = 'canary1' for update;" '\echo held' >&7
	world_until 20 grep -q held "$BATS_TEST_TMPDIR/held"
	python3 -c 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' \
		env -i "PATH=$PATH" "HULY_DB_CONNECTION=$URL" "$HULYKVS_BUILD/hulykvs-migrate" </dev/null >"$BATS_TEST_TMPDIR/terminal" 2>&1 3>&- 7>&- &
	world_until 30 moving_waits "$DB"
	echo 'commit;' >&7
	exec 7>&-
	wait
	cat "$BATS_TEST_TMPDIR/terminal"
	grep -qE 'moving rows .*done=[0-9]+ of=1500' "$BATS_TEST_TMPDIR/terminal"
	grep -q 'moved rows .*rows=1500' "$BATS_TEST_TMPDIR/terminal"
	run ! grep -q canary "$BATS_TEST_TMPDIR/terminal"
}
