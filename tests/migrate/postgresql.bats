#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# hulykvs-migrate on the databases of the field.
#
# MIGRATE_ROUNDS (1) of MIGRATE_AT_ONCE (20) migrators at once, MIGRATE_ROWS (50000) of the table that is migrated under
# traffic: `make soak` asks for more.

bats_require_minimum_version 1.5.0

load ../lib/postgres
load ../lib/world
load ../lib/migrate

setup_file()
{
	local dir

	dir=$(pg_tmpdir)
	pg_start "$dir" max_connections=200
}

teardown_file()
{
	pg_remove
}

# An English database: the hardest for byte order.
setup()
{
	DB=t$BATS_TEST_NUMBER
	URL=$(pg_db_en "$DB")
	PIDS=()
	MAIN=$PG_DIR
}

teardown()
{
	local pid

	for pid in ${PIDS[@]+"${PIDS[@]}"}; do
		kill -CONT "$pid" 2>/dev/null || :
		kill "$pid" 2>/dev/null || :
	done
	[ "$PG_DIR" = "$MAIN" ] || pg_remove
	PG_DIR=$MAIN
	pg_sql postgres -c "drop database $DB with (force)"
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

# All of the schema's definitions and rows, and which transaction made the rows.
picture()
{
	pg_sql "$DB" -c "select table_name, column_name, data_type, collation_name, column_default
		from information_schema.columns where table_schema = 'hulykvs' order by 1, 2" \
		-c "select indexdef from pg_indexes where schemaname = 'hulykvs' order by 1"
	for table in kvs migrations_pg hulykvs_steps; do
		[ "$(pg_sql "$DB" -c "select to_regclass('hulykvs.$table') is null")" = t ] ||
			pg_sql "$DB" -c "select xmin, ctid, * from hulykvs.$table order by ctid"
	done
}

# More than the 4 MiB from which on indexes are built beside the traffic.
fill()
{
	pg_sql "$DB" -c "insert into hulykvs.kvs (namespace, key, md5, value)
		select 'big', 'k' || n, '', convert_to(repeat('v', 100), 'UTF8') from generate_series(1, 40000) as n"
}

# bats test_tags=matrix
@test "an empty database gets schema, table and history" {
	run -0 migrate "$URL"
	field_ok "$DB"
	[ "$(pg_sql "$DB" -c 'select count(*) from hulykvs.kvs')" = 0 ]
}

@test "the history is written as the original's library does" {
	run -0 migrate "$URL"
	[ "$(pg_sql "$DB" -c "select column_name, data_type, character_maximum_length, is_nullable
		from information_schema.columns where table_schema = 'hulykvs' and table_name = 'migrations_pg'
		order by ordinal_position")" = "version|integer||NO
name|character varying|255|YES
applied_on|character varying|255|YES
checksum|character varying|255|YES" ]
	[ "$(pg_sql "$DB" -c "select count(*) from hulykvs.migrations_pg
		where applied_on ~ '^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z$'
		and applied_on::timestamptz between now() - interval '1 minute' and now()")" = 5 ]
}

# bats test_tags=matrix
@test "each state of the original's history is brought up to date, with its rows" {
	local version rows

	for version in 1 2 3 4 5; do
		pg_sql "$DB" -c 'drop schema if exists hulykvs cascade'
		field_original "$DB" "$version"
		rows=$(field_rows "$DB")
		run -0 migrate "$URL"
		field_ok "$DB"
		[ "$(field_rows "$DB")" = "$rows" ]
		[ "$(pg_sql "$DB" -c 'select distinct workspace from hulykvs.kvs')" = "$MIGRATE_DEFAULT" ]
		# What was recorded stays as it was.
		[ "$(pg_sql "$DB" -c "select count(*) from hulykvs.migrations_pg
			where applied_on = '2025-03-04T05:06:0' || version || '.123456789Z'")" = "$version" ]
	done
}

# bats test_tags=matrix
@test "a database of an original before 0.3 is adopted, rid of its domain" {
	local rows file

	field_old "$DB"
	rows=$(field_rows "$DB")
	file=$(pg_sql "$DB" -c "select pg_relation_filenode('hulykvs.kvs')")
	run -0 migrate "$URL"
	field_ok "$DB"
	# No row was rewritten.
	[ "$(pg_sql "$DB" -c "select pg_relation_filenode('hulykvs.kvs')")" = "$file" ]
	[ "$(field_rows "$DB")" = "$rows" ]
	[ "$(pg_sql "$DB" -c 'select version, checksum from hulykvs.migrations')" = '1|12345678901234567890' ]
	pg_sql "$DB" <<-SQL
		prepare put (uuid, text, text, bytea, bytea) as insert into hulykvs.kvs
			(workspace, namespace, key, md5, value)
			values (\$1, \$2, \$3, \$4, \$5) on conflict (workspace, namespace, key)
			do update set md5 = excluded.md5, value = excluded.value;
		execute put ('$MIGRATE_DEFAULT', 'ns1', 'k', '\x00', '\x00ff');
		execute put ('$MIGRATE_DEFAULT', 'ns1', 'k', '\x01', '\x01ff');
	SQL
	[ "$(pg_sql "$DB" -c "select value from hulykvs.kvs where key = 'k'")" = '\x01ff' ]
}

@test "a table without its history is brought up to date from where it is" {
	local version rows

	for version in 1 2 3 4; do
		pg_sql "$DB" -c 'drop schema if exists hulykvs cascade'
		field_original "$DB" "$version" 0
		rows=$(field_rows "$DB")
		run -0 migrate "$URL"
		field_ok "$DB"
		[ "$(field_rows "$DB")" = "$rows" ]
	done
}

@test "steps that are recorded but not done are done" {
	field_original "$DB" 2 5
	run -0 migrate "$URL" status
	[[ $output == *'V3__workspace_uuid: recorded, but not done'* ]]
	run -0 migrate "$URL"
	field_ok "$DB"
}

@test "a second run changes nothing" {
	local before

	field_original "$DB" 1
	run -0 migrate "$URL"
	before=$(picture)
	run -0 migrate "$URL"
	[ "$(picture)" = "$before" ]
	[[ $output != *'step done'* ]]
}

# bats test_tags=matrix
@test "the statements of the original work on the result" {
	field_original "$DB" 1
	run -0 migrate "$URL"
	pg_sql "$DB" <<-SQL >"$BATS_TEST_TMPDIR/keys"
		set search_path = hulykvs;
		prepare put (uuid, text, text, bytea, bytea) as insert into kvs
			(workspace, namespace, key, md5, value)
			values (\$1, \$2, \$3, \$4, \$5) on conflict (workspace, namespace, key)
			do update set md5 = excluded.md5, value = excluded.value;
		execute put ('$MIGRATE_DEFAULT', 'like', 'ab', '\x', '\x');
		execute put ('$MIGRATE_DEFAULT', 'like', 'ab', '\x', '\x');
		execute put ('$MIGRATE_DEFAULT', 'like', 'Ab', '\x', '\x');
		prepare list (uuid, text, text) as
			select key from kvs where workspace = \$1 and namespace = \$2 and key like \$3;
		execute list ('$MIGRATE_DEFAULT', 'like', 'a%');
	SQL
	[ "$(cat "$BATS_TEST_TMPDIR/keys")" = ab ]
}

# bats test_tags=slow
@test "keys come in byte order from an index range, whatever the collation" {
	local plan

	field_original "$DB" 1
	fill
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
		fill
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

@test "a primary key of another name, beside the table that it was copied from" {
	for version in 2 5; do
		field_original "$DB" "$version"
		pg_sql "$DB" -c 'alter table hulykvs.kvs rename to kvs_old' \
			-c 'create table hulykvs.kvs (like hulykvs.kvs_old including all)' \
			-c 'insert into hulykvs.kvs select * from hulykvs.kvs_old'
		migrate "$URL" --wait 5
		run -0 migrate "$URL" status
		[[ $output == *'database: current'* ]]
		pg_sql "$DB" -c 'drop table hulykvs.kvs_old'
		migrate "$URL" --wait 5
		pg_sql "$DB" -c 'drop schema hulykvs cascade'
	done
	field_original "$DB" 5
	pg_sql "$DB" -c 'alter table hulykvs.kvs rename constraint kvs_pkey to "odd ""name"'
	migrate "$URL" --wait 5
	field_ok "$DB"
}

@test "what an interrupted run had built is dropped where the original went on instead" {
	field_original "$DB" 5
	pg_sql "$DB" -c 'create unique index kvs_pkey_v3 on hulykvs.kvs (workspace, namespace, key)'
	migrate "$URL"
	field_ok "$DB"
	[ "$(pg_sql "$DB" -c "select count(*) from pg_indexes where tablename = 'kvs'")" = 1 ]
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

# PgBouncer in front of the database, with one connection to it; sets POOLED.
bouncer()
{
	local dir=$BATS_TEST_TMPDIR/bouncer

	command -v pgbouncer >/dev/null || skip "no pgbouncer"
	dir=$(pg_tmpdir)
	pg_give_away "$dir"
	cat >"$dir/ini" <<-END
		[databases]
		* = host=$PG_DIR/socket port=$PG_PORT user=postgres
		[pgbouncer]
		listen_addr =
		listen_port = 6432
		unix_socket_dir = $dir
		auth_type = any
		pool_mode = $1
		default_pool_size = 1
		pidfile = $dir/pid
		logfile = $dir/log
	END
	pg_as_user pgbouncer -d -q "$dir/ini" </dev/null >/dev/null 2>&1 3>&-
	world_until 10 test -s "$dir/pid"
	PIDS+=("$(cat "$dir/pid")")
	POOLED="postgresql://postgres@/$DB?host=${dir//\//%2F}&port=6432"
}

@test "a connection pooler is noticed before anything is changed" {
	local before mode

	field_original "$DB" 1
	before=$(picture)
	for mode in transaction session; do
		bouncer "$mode"
		for command in up --dry-run status key-status; do
			run -69 migrate "$POOLED" --wait 2 "$command"
			[[ $output == *'a direct connection is needed'* ]]
		done
		[ "$(picture)" = "$before" ]
		# The one connection of the pool is as it was for its next client.
		# shellcheck disable=SC2016 # a setting that reads so
		[ "$("$PG_BIN/psql" -X -A -t -d "$POOLED" -c "select current_setting('search_path'),
			current_setting('enable_seqscan'), current_setting('lock_timeout')")" = '"$user", public|on|0' ]
	done
}

@test "YugabyteDB is refused at once, before anything is changed" {
	local before

	field_original "$DB" 1
	pg_sql "$DB" -c "create function public.version() returns text language sql
		as 'select ''PostgreSQL 15.2-YB-2025.1.0.0-b0 on x86_64-pc-linux-gnu''::text'"
	before=$(picture)
	MIGRATE_PATIENCE=60 run -69 migrate "$URL&options=-csearch_path%3Dpublic%2Cpg_catalog" --wait 600
	[[ $output == *'cannot migrate'*'YugabyteDB, which is not supported'* ]]
	[ "$(picture)" = "$before" ]
}

@test "a database that is not in UTF8 is refused" {
	local encoding tables

	for encoding in LATIN1 SQL_ASCII; do
		pg_db "other_$DB" --template=template0 --encoding="$encoding" --locale=C >/dev/null
		run -69 migrate "$(pg_url "other_$DB")"
		tables=$(pg_sql "other_$DB" -c "select count(*) from pg_namespace where nspname = 'hulykvs'")
		pg_sql postgres -c "drop database other_$DB"
		[[ $output == *"the database's encoding is $encoding, and UTF8 is needed"* ]]
		[ "$tables" = 0 ]
	done
}

@test "an error names its cause, and quotes no row" {
	field_original "$DB" 5
	pg_sql "$DB" -c 'create view public.watched as select key from hulykvs.kvs'
	run -69 migrate "$URL"
	[[ $output == *'cannot migrate'*'sqlstate="0A000" statement="postgresql/S1__byte_order"'* ]]
	[[ $output == *'detail: rule _RETURN on view public.watched depends on column'* ]]
	pg_sql "$DB" -c 'drop view public.watched' -c 'drop schema hulykvs cascade'
	# Two rows of one name, which the detail of the error quotes.
	field_original "$DB" 2
	pg_sql "$DB" -c 'alter table hulykvs.kvs drop constraint kvs_pkey' \
		-c "insert into hulykvs.kvs (namespace, key, md5, value) values ('n', 'canary', '', ''), ('n', 'canary', '', '')"
	run -75 migrate "$URL" --wait 0.2
	[[ $output == *'sqlstate="23505"'* && $output != *canary* ]]
}

@test "a schema that was not there is created with a warning that names it" {
	run -0 migrate "$URL" HULY_DB_SCHEME=misspelt
	[[ $output == *'level=warn'*'the schema of HULY_DB_SCHEME was not there and has been created'*'schema="misspelt"'* ]]
	run -0 migrate "$URL" HULY_DB_SCHEME=misspelt
	[[ $output != *'level=warn'* ]]
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
	fill
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
	fill
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
	fill
	pg_sql "$DB" -c 'create unique index kvs_pkey_v3 on hulykvs.kvs (workspace, namespace, key)' \
		-c "update pg_index set indisvalid = false where indexrelid = 'hulykvs.kvs_pkey_v3'::regclass"
	run -0 migrate "$URL"
	field_ok "$DB"
}

# The build waits for the old snapshot, the drop of what is left of it does not: it must not count as progress.
# bats test_tags=slow
@test "a build that is ended each time does not keep the run going for ever" {
	field_original "$DB" 2
	fill
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

# bats test_tags=matrix,slow
@test "a stopped migrator keeps the others waiting and does no harm when it goes on" {
	local stopped

	field_original "$DB" 1
	hold "insert into hulykvs.kvs values ('lock', 'held', '', '')"
	migrate_start
	stopped=$JOB
	world_until 20 grep -q 'msg="will try again"' "$BATS_TEST_TMPDIR/job.log"
	kill -STOP "$stopped"
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

@test "--dry-run changes nothing, and its SQL does the same as up" {
	local before

	field_original "$DB" 1
	before=$(picture)
	migrate "$URL" --dry-run >"$BATS_TEST_TMPDIR/plan.sql"
	[ "$(picture)" = "$before" ]
	pg_sql "$DB" <"$BATS_TEST_TMPDIR/plan.sql" >"$BATS_TEST_TMPDIR/plan.out"
	field_ok "$DB"
	[ "$(pg_sql "$DB" -c 'select distinct workspace from hulykvs.kvs')" = "$MIGRATE_DEFAULT" ]
	run -0 --separate-stderr migrate "$URL" --dry-run
	[ -z "$output" ]
}

@test "--dry-run of an empty database" {
	migrate "$URL" --dry-run >"$BATS_TEST_TMPDIR/plan.sql"
	[ "$(pg_sql "$DB" -c "select to_regnamespace('hulykvs') is null")" = t ]
	pg_sql "$DB" <"$BATS_TEST_TMPDIR/plan.sql" >"$BATS_TEST_TMPDIR/plan.out"
	field_ok "$DB"
}

@test "status says what is there" {
	run -0 --separate-stderr migrate "$URL" status
	[ "$output" = "server: PostgreSQL
schema: hulykvs
database: empty
V1__initial: pending
V2__workspace_uuid: pending
V3__workspace_uuid: pending
V4__workspace_uuid: pending
V5__workspace_uuid: pending
S1__byte_order: pending
S2__plain_bytes: pending
S3__compression: pending
S4__modified: pending
stranded rows: 0" ]
	field_original "$DB" 2
	run -0 migrate "$URL" status
	[ "${lines[2]}" = 'database: behind' ]
	[ "${lines[4]}" = 'V2__workspace_uuid: applied 2025-03-04T05:06:02.123456789Z' ]
	[ "${lines[5]}" = 'V3__workspace_uuid: pending' ]
	run -0 migrate "$URL"
	run -0 migrate "$URL" status
	[ "${lines[2]}" = 'database: current' ]
	[[ "${lines[8]}" == 'S1__byte_order: applied 20'* ]]
	pg_sql "$DB" -c 'drop schema hulykvs cascade'
	field_old "$DB"
	run -0 migrate "$URL" status
	[ "${lines[2]}" = 'database: of an original before 0.3' ]
}

@test "a history newer than this program is left alone" {
	local before

	field_original "$DB" 5
	pg_sql "$DB" -c "insert into hulykvs.migrations_pg values (6, 'later', '2026-01-01T00:00:00Z', '1')"
	before=$(picture)
	run -69 migrate "$URL"
	[[ $output == *'version 6'* ]]
	[ "$(picture)" = "$before" ]
	run -0 migrate "$URL" status
	[[ $output == *'newer than this program'* ]]
}

@test "a history whose table is gone is left alone" {
	field_original "$DB" 0 5
	run -69 migrate "$URL"
	[[ $output == *'it is gone'* ]]
	[ "$(pg_sql "$DB" -c "select to_regclass('hulykvs.kvs') is null")" = t ]
}

@test "a role that may not create schemas can migrate within its own" {
	pg_sql "$DB" -c 'create role plain login' -c 'create schema hulykvs authorization plain'
	run -0 migrate "${URL/postgres@/plain@}"
	field_ok "$DB"
	pg_sql "$DB" -c 'drop owned by plain cascade' -c 'drop role plain'
}

@test "a role without rights gets one line and 69" {
	pg_sql "$DB" -c 'create role nobody_here login'
	run -69 migrate "${URL/postgres@/nobody_here@}"
	[[ $output == *'cannot migrate'*'permission denied'* ]]
	pg_sql "$DB" -c 'drop role nobody_here'
}

@test "schema names are read as the original has the server read them" {
	run -0 migrate "$URL" HULY_DB_SCHEME=MyKeys
	[ "$(pg_sql "$DB" -c "select count(*) from mykeys.migrations_pg")" = 5 ]
	run -0 migrate "$URL" 'HULY_DB_SCHEME="Odd ""name"'
	[ "$(pg_sql "$DB" -c 'select count(*) from "Odd ""name".migrations_pg')" = 5 ]
	run -0 migrate "$URL" 'HULY_DB_SCHEME="Odd ""name"' status
	[[ $output == *'database: current'* ]]
}

@test "usage and settings" {
	run -0 migrate "$URL" --help
	[[ $output == *HULY_DB_CONNECTION* && $output == *--dry-run* ]]
	run -0 migrate "$URL" --version
	[[ $output == 'hulykvs-migrate '* ]]
	run -64 migrate "$URL" --no-such-option
	run -64 migrate "$URL" sideways
	run -64 migrate "$URL" up up
	run -64 migrate "$URL" --wait soon
	run -64 migrate "$URL" --dry-run status
	run -78 migrate "$URL" HULY_BIND_PORT=none
	run -78 migrate "postgresql://u:s3cret@h/db?nonsense=1"
	[[ $output == *HULY_DB_CONNECTION* && $output != *s3cret* ]]
	run -69 migrate "postgresql://u:s3cret@/nowhere?host=$BATS_TEST_TMPDIR"
	[[ $output != *s3cret* ]]
}
