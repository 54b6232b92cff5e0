#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# hulykvs-migrate on the databases of the field.

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

# PgBouncer in front of the database, with one connection to it; sets POOLED.
bouncer()
{
	local dir=$BATS_TEST_TMPDIR/bouncer

	command -v "${PGBOUNCER:-pgbouncer}" >/dev/null || skip "no pgbouncer"
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
	pg_as_user "${PGBOUNCER:-pgbouncer}" -d -q "$dir/ini" </dev/null >/dev/null 2>&1 3>&-
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
	for words in 'postgresql://u:canary@h/db' 'status postgresql://u:canary@h/db'; do
		# shellcheck disable=SC2086 # words
		run -64 migrate "$URL" $words
		[[ $output == *command* && $output != *canary* ]]
	done
	run -64 migrate "$URL" up up
	run -64 migrate "$URL" --wait soon
	run -64 migrate "$URL" --dry-run status
	run -78 migrate "$URL" HULY_BIND_PORT=none
	run -78 migrate "postgresql://u:s3cret@h/db?nonsense=1"
	[[ $output == *HULY_DB_CONNECTION* && $output != *s3cret* ]]
	run -69 migrate "postgresql://u:s3cret@/nowhere?host=$BATS_TEST_TMPDIR"
	[[ $output != *s3cret* ]]
}
