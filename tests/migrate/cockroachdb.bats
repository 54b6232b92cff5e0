#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# hulykvs-migrate on CockroachDB, as far as the simulator can show it: the order of
# its statements, the lease, and what it makes of CockroachDB's errors.

bats_require_minimum_version 1.5.0

load ../lib/postgres
load ../lib/world
load ../lib/migrate

setup_file()
{
	local dir

	dir=$(pg_tmpdir)
	pg_start "$dir" max_connections=120
}

teardown_file()
{
	pg_remove
}

setup()
{
	DB=t$BATS_TEST_NUMBER
	pg_db "$DB" >/dev/null
	DIR=$(pg_tmpdir)
	URL="host=$DIR port=5432 user=postgres dbname=$DB"
	SIMULATOR=''
}

teardown()
{
	[ -z "$SIMULATOR" ] || kill "$SIMULATOR"
	rm -rf "$DIR"
	pg_sql postgres -c "drop database $DB with (force)"
}

# The simulator in front of the database, with these words.
simulator()
{
	[ -z "$SIMULATOR" ] || kill "$SIMULATOR"
	rm -f "$DIR/.s.PGSQL.5432" "$DIR/log"
	python3 "$WORLD_TOP/tests/tools/cockroachdb_simulator.py" "$DIR/.s.PGSQL.5432" "$PG_DIR/socket/.s.PGSQL.$PG_PORT" \
		log="$DIR/log" violations="$DIR/violations" "$@" 3>&- &
	SIMULATOR=$!
	world_until 20 test -S "$DIR/.s.PGSQL.5432"
}

# As the original leaves it on CockroachDB after a version; the history may say more.
crdb_original()
{
	local version=$1 history=${2:-$1} step

	pg_sql "$DB" -c 'create schema hulykvs'
	field_history "$DB" migrations MIGRATE_SUMS_CRDB "$history"
	field_table "$DB" bytea
	for step in $(seq 2 "$version"); do
		field_alter "$DB" "$step"
		[ "$step" -ne 3 ] ||
			pg_sql "$DB" -c "alter table hulykvs.kvs add constraint kvs_namespace_key_key unique (namespace, key)"
		[ "$step" -ne 5 ] || pg_sql "$DB" -c "alter table hulykvs.kvs drop constraint kvs_namespace_key_key"
	done
}

crdb_ok()
{
	[ ! -s "$DIR/violations" ] || { cat "$DIR/violations"; return 1; }
	diff <(pg_sql "$DB" -c "select conname, pg_get_constraintdef(oid) from pg_constraint
			where conrelid = 'hulykvs.kvs'::regclass and contype <> 'n'" \
		-c "select column_name, column_default from information_schema.columns
			where table_schema = 'hulykvs' and table_name = 'kvs' order by 1") - <<-'TEXT'
		kvs_pkey|PRIMARY KEY (workspace, namespace, key)
		key|
		md5|
		modified|now()
		namespace|
		value|
		workspace|
	TEXT
	diff <(pg_sql "$DB" -c 'select version, name, checksum from hulykvs.migrations order by version') \
		<(migrate_history MIGRATE_SUMS_CRDB 5)
	[ "$(pg_sql "$DB" -c 'select version, name from hulykvs.hulykvs_steps')" = "4|modified" ]
	[ "$(pg_sql "$DB" -c "select to_regclass('hulykvs.hulykvs_lease') is null")" = t ] ||
		[ "$(pg_sql "$DB" -c 'select count(*) from hulykvs.hulykvs_lease')" = 0 ]
}

# How often a statement that begins so has run.
ran()
{
	grep -c "^$1" "$DIR/log"
}

@test "an empty database gets schema, table and history, each change once" {
	simulator
	run -0 migrate "$URL"
	crdb_ok
	[ "$(ran 'alter table .* alter primary key')" -eq 1 ]
	[ "$(ran 'drop index')" -eq 1 ]
	: >"$DIR/log"
	run -0 migrate "$URL"
	[ "$(grep -Ecv '^(select|set)' "$DIR/log")" -eq 0 ]
}

@test "each state of the original's history is brought up to date, with its rows" {
	local version rows

	simulator
	for version in 1 2 3 4 5; do
		pg_sql "$DB" -c 'drop schema if exists hulykvs cascade'
		crdb_original "$version"
		rows=$(field_rows "$DB")
		run -0 migrate "$URL"
		crdb_ok
		[ "$(field_rows "$DB")" = "$rows" ]
		[ "$(pg_sql "$DB" -c 'select distinct workspace from hulykvs.kvs')" = "$MIGRATE_DEFAULT" ]
	done
}

@test "another checksum of V1 is left as it is" {
	simulator
	crdb_original 1
	pg_sql "$DB" -c "update hulykvs.migrations set checksum = '42'"
	run -0 migrate "$URL"
	[ "$(pg_sql "$DB" -c 'select checksum from hulykvs.migrations order by version limit 1')" = 42 ]
}

@test "steps that were recorded, but whose change failed after the commit, are done" {
	local version

	simulator
	for version in 1 2 3 4; do
		pg_sql "$DB" -c 'drop schema if exists hulykvs cascade'
		crdb_original "$version" 5
		run -0 migrate "$URL"
		crdb_ok
	done
}

@test "errors that ask for another try, and outcomes that are not known" {
	simulator '40001:create schema' 'after-40003:hulykvs_lease \(' 'XXA00:create table .*kvs ' \
		'after-cut:add column' 'cut:insert into .*migrations' 'after-40003:insert into .*migrations' '0A000:alter primary key' \
		'after-40003:alter primary key' 'after-cut:drop default' '55000:drop index' '40001:delete from .*lease'
	run -0 migrate "$URL"
	[ "$(ran 'alter table .* alter primary key')" -eq 1 ]
	# The lease was not given back: it runs out.
	pg_sql "$DB" -c 'delete from hulykvs.hulykvs_lease'
	crdb_ok
	[ "$(grep -Ec '^(40001|55000|0A000|XXA00) ' "$DIR/log")" -eq 5 ]
}

@test "an error that another try does not help ends it with 69" {
	simulator '42501:add column'
	run -69 migrate "$URL"
	[[ $output == *'cannot migrate'* ]]
	simulator
	run -0 migrate "$URL"
	crdb_ok
}

@test "an error of the protocol ends it, unless the server ends the session with it" {
	simulator '08P01:add column'
	run -69 migrate "$URL"
	[[ $output == *'cannot migrate'*'sqlstate="08P01"'* ]]
	simulator '57P01:add column'
	run -0 migrate "$URL"
	crdb_ok
}

@test "moving and sealing rows leaves the time of their last write as it is" {
	local keys=$BATS_TEST_TMPDIR/keys times

	(umask 077 && echo "a $(head -c 32 /dev/zero | base64)" >"$keys")
	simulator
	crdb_original 5
	run -0 migrate "$URL"
	pg_sql "$DB" -c "update hulykvs.kvs set workspace = '$MIGRATE_STRANDED', md5 = decode(md5(value), 'hex'),
		modified = case when key < 'key 2' then '2001-02-03Z'::timestamptz end"
	times=$(pg_sql "$DB" -c 'select key, modified from hulykvs.kvs order by key')
	[[ $(pg_sql "$DB" -c 'select count(modified), count(*) > count(modified) from hulykvs.kvs') == [1-9]*'|t' ]]
	migrate "$URL"
	[ "$(pg_sql "$DB" -c 'select distinct workspace from hulykvs.kvs')" = "$MIGRATE_DEFAULT" ]
	[ "$(pg_sql "$DB" -c 'select key, modified from hulykvs.kvs order by key')" = "$times" ]
	migrate "$URL" HULY_ENCRYPTION_KEYS_FILE="$keys" reencrypt
	migrate "$URL" HULY_ENCRYPTION_KEYS_FILE="$keys" decrypt
	[ "$(pg_sql "$DB" -c 'select key, modified from hulykvs.kvs order by key')" = "$times" ]
	# Any other write sets it.
	pg_sql "$DB" -c "update hulykvs.kvs set md5 = md5"
	[ "$(pg_sql "$DB" -c "select bool_and(modified > '2020-01-01') from hulykvs.kvs")" = t ]
}

@test "a statement that is refused twice in the same way ends it, and names code and statement" {
	simulator '0A000:alter primary key' '0A000:alter primary key'
	crdb_original 1
	run -69 migrate "$URL"
	[[ $output == *'msg="will try again" why="simulated" sqlstate="0A000" statement="cockroachdb/V3__workspace_uuid"'* ]]
	[[ $output == *'msg="cannot migrate" why="the statement cockroachdb/V3__workspace_uuid was refused twice with SQLSTATE 0A000'* ]]
	simulator '55000:alter primary key' '55000:alter primary key' '55000:alter primary key'
	run -0 migrate "$URL"
	crdb_ok
}

@test "rows are moved with plain statements; a row whose place is taken stays" {
	simulator '40001:^update "hulykvs".kvs' 'cut:^update "hulykvs".kvs'
	crdb_original 3
	pg_sql "$DB" -c "alter table hulykvs.kvs drop constraint kvs_namespace_key_key" \
		-c "insert into hulykvs.kvs (workspace, namespace, key, md5, value)
		values ('$MIGRATE_DEFAULT', 'ns1', (select min(key) from hulykvs.kvs where namespace = 'ns1'), '', '')"
	run -0 migrate "$URL"
	[[ $output == *'moved rows to the default workspace'*'rows=39'* ]]
	[ "$(pg_sql "$DB" -c "select count(*) from hulykvs.kvs where workspace = '$MIGRATE_STRANDED'")" = 1 ]
	[ "$(pg_sql "$DB" -c "select count(*) from hulykvs.kvs where workspace = '$MIGRATE_DEFAULT'")" = 40 ]
	[ "$(ran with)" = 0 ]
	[ "$(ran '40001 update')" = 1 ]
}

@test "twenty at once: each change once, all end well" {
	local i pids=()

	simulator
	crdb_original 1
	for i in $(seq 20); do
		migrate "$URL" >"$BATS_TEST_TMPDIR/$i.log" 2>&1 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	crdb_ok
	[ "$(ran 'alter table .* alter primary key')" -eq 1 ]
	[ "$(cat "$BATS_TEST_TMPDIR"/*.log | grep -c 'step="V5__workspace_uuid"')" -eq 1 ]
}

@test "a lease that another holds is respected until it runs out" {
	simulator
	crdb_original 1
	pg_sql "$DB" -c "create table hulykvs.hulykvs_lease (id int4 primary key, holder text not null,
		expires_at timestamptz not null)" \
		-c "insert into hulykvs.hulykvs_lease values (1, 'another', now() + interval '1 hour')"
	run -75 migrate "$URL" --wait 0.5
	[[ $output == *'another migration'* ]]
	[ "$(pg_sql "$DB" -c 'select count(*) from hulykvs.migrations')" = 1 ]
	pg_sql "$DB" -c "update hulykvs.hulykvs_lease set expires_at = now()"
	run -0 migrate "$URL" --wait 20
	crdb_ok
}

# A holder that was stopped for too long: the lease is another's when its change is done.
@test "without the lease nothing is recorded" {
	simulator
	crdb_original 1
	pg_sql "$DB" <<-'SQL'
		create function public.lose() returns event_trigger language plpgsql as $$
		begin
			update hulykvs.hulykvs_lease set holder = 'another', expires_at = now() + interval '1 hour';
		end $$;
		create event trigger lose on ddl_command_end when tag in ('ALTER TABLE') execute function public.lose();
	SQL
	run -75 migrate "$URL" --wait 0.5
	[ "$(pg_sql "$DB" -c 'select max(version) from hulykvs.migrations')" = 1 ]
	[ "$(pg_sql "$DB" -c 'select holder from hulykvs.hulykvs_lease')" = another ]
	pg_sql "$DB" -c 'drop event trigger lose' -c 'delete from hulykvs.hulykvs_lease'
	run -0 migrate "$URL"
	crdb_ok
}

at_work()
{
	[ "$(pg_sql "$DB" -c "select count(*) from pg_stat_activity where datname = current_database()
		and wait_event_type = 'Lock' and query ~* 'alter table'")" -ge 1 ]
}

lease_is_over()
{
	[ "$(pg_sql "$DB" -c 'select expires_at < now() from hulykvs.hulykvs_lease')" = t ]
}

# What the stopped one had asked the server for is still carried out, while the other waits for it.
@test "a holder that is stopped for longer than its lease: another goes on, and both end well" {
	local stopped other held

	simulator
	crdb_original 1
	mkfifo "$BATS_TEST_TMPDIR/hold"
	pg_sql "$DB" <"$BATS_TEST_TMPDIR/hold" >"$BATS_TEST_TMPDIR/hold.out" 3>&- &
	held=$!
	exec 7>"$BATS_TEST_TMPDIR/hold"
	echo 'begin; select count(*) from hulykvs.kvs;' >&7
	world_until 20 test -s "$BATS_TEST_TMPDIR/hold.out"
	MIGRATE_EXEC=1 migrate "$URL" --wait 60 >"$BATS_TEST_TMPDIR/stopped.log" 2>&1 3>&- 7>&- &
	stopped=$!
	world_until 20 at_work
	kill -STOP "$stopped"
	# As long as it takes in `make soak`; else the clock is moved.
	[ "${MIGRATE_ROUNDS:-1}" -gt 1 ] || pg_sql "$DB" -c 'update hulykvs.hulykvs_lease set expires_at = now()'
	world_until 120 lease_is_over
	MIGRATE_EXEC=1 migrate "$URL" --wait 60 >"$BATS_TEST_TMPDIR/other.log" 2>&1 3>&- 7>&- &
	other=$!
	# One schema change of a table at a time: the other waits for it.
	world_until 20 grep -q '^55000 alter table' "$DIR/log"
	echo 'commit;' >&7
	exec 7>&-
	wait "$held"
	wait "$other"
	crdb_ok
	kill -CONT "$stopped"
	wait "$stopped"
	crdb_ok
	for step in V2 V3 V4 V5; do
		[ "$(cat "$BATS_TEST_TMPDIR"/{stopped,other}.log | grep -c "step=\"${step}__workspace_uuid\"")" -eq 1 ]
	done
}

@test "a long change keeps its lease" {
	simulator
	crdb_original 1
	pg_sql "$DB" <<-'SQL'
		create table public.seen (expires_at timestamptz);
		create function public.linger() returns event_trigger language plpgsql as $$
		declare
			was timestamptz := (select expires_at from hulykvs.hulykvs_lease);
		begin
			for i in 1 .. 200 loop
				exit when (select expires_at > was from hulykvs.hulykvs_lease);
				perform pg_sleep(0.1);
			end loop;
			insert into public.seen select expires_at from hulykvs.hulykvs_lease where expires_at > was;
		end $$;
		create event trigger linger on ddl_command_end when tag in ('ALTER TABLE') execute function public.linger();
	SQL
	run -0 migrate "$URL"
	crdb_ok
	[ "$(pg_sql "$DB" -c 'select count(*) > 0 from public.seen')" = t ]
}

# The function lets the count go on once the lease was renewed; a sequence shows that, since no snapshot hides it.
@test "a long count keeps its lease" {
	simulator
	crdb_original 5
	run -0 migrate "$URL"
	pg_sql "$DB" <<-SQL
		update hulykvs.kvs set workspace = '$MIGRATE_STRANDED' where key = 'key 1 <é@x>';
		create sequence public.renewed;
		create sequence public.kept;
		create function public.renew() returns trigger language plpgsql security definer as \$\$
		begin
			perform nextval('public.renewed');
			return new;
		end \$\$;
		create trigger renew after update on hulykvs.hulykvs_lease for each row execute function public.renew();
		create function public.linger() returns boolean language plpgsql security definer as \$\$
		declare
			was bigint := (select last_value from public.renewed);
		begin
			if exists (select from hulykvs.hulykvs_lease) and not (select is_called from public.kept) then
				for i in 1 .. 200 loop
					exit when (select last_value > was from public.renewed);
					perform pg_sleep(0.1);
				end loop;
				perform nextval('public.kept') where (select last_value > was from public.renewed);
			end if;
			return true;
		end \$\$;
		create role counting login;
		grant all on schema hulykvs to counting;
		grant all on all tables in schema hulykvs to counting;
		alter table hulykvs.kvs enable row level security;
		create policy linger on hulykvs.kvs using (public.linger());
		select nextval('public.renewed');
	SQL
	run -0 migrate "${URL/user=postgres/user=counting}"
	pg_sql "$DB" -c 'drop owned by counting' -c 'drop role counting'
	[[ $output == *'moved rows to the default workspace'*'rows=1'* ]]
	[ "$(pg_sql "$DB" -c 'select is_called from public.kept')" = t ]
}

@test "isolation, stale reads and safe updates that a role has are not those of the session" {
	simulator read_committed=on follower_reads=on safe_updates=on
	crdb_original 1
	run -0 migrate "$URL"
	crdb_ok
	run -0 migrate "$URL" export
	[[ $output == *'{"rows":40,'* ]]
	run -0 migrate "$URL" HULY_OTHER_DB_CONNECTION="$URL" compare
}

# After the last statement before it reads the file.
waits_for_file()
{
	grep -q hulykvs_steps "$DIR/log" && [ "$(order '{"status": true}' idle)" -eq 1 ]
}

# order JSON NAME: that member of the answer
order()
{
	python3 "$WORLD_TOP/tests/tools/control.py" "$DIR/.s.PGSQL.5432.control" "$1" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$2"
}

@test "a time limit of the role for idle sessions does not end an import that waits for its file" {
	simulator
	crdb_original 1
	run -0 migrate "$URL"
	migrate "$URL" export >"$DIR/export"
	simulator
	mkfifo "$DIR/fifo"
	exec 8<>"$DIR/fifo"
	migrate "$URL" import --existing replace <"$DIR/fifo" >"$DIR/import.log" 2>&1 3>&- 8>&- &
	world_until 20 waits_for_file
	[ "$(order '{"idle": true}' ended)" -eq 0 ]
	cat "$DIR/export" >&8
	exec 8>&-
	wait $!
	run ! grep -F 'will try again' "$DIR/import.log"
}

@test "--dry-run and status change nothing" {
	simulator
	crdb_original 1
	run -0 migrate "$URL" --dry-run
	[[ $output == *'alter primary key using columns (workspace, namespace, key);'* ]]
	run -0 migrate "$URL" status
	[ "${lines[0]}" = 'server: CockroachDB' ]
	[ "${lines[2]}" = 'database: behind' ]
	[ "$(grep -Ecv '^(select|set)' "$DIR/log")" -eq 0 ]
}
