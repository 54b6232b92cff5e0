#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# hulykvs-migrate reencrypt and decrypt: there and back, killed, beside writes.
#
# SEALED_ROWS (2000) of the last one: `make soak` asks for more.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world
load ../lib/sealed

setup_file()
{
	world_cluster
}

teardown_file()
{
	pg_remove
}

setup()
{
	KEYS=$BATS_TEST_TMPDIR/keys
	sealed_keys "$KEY_A"
}

teardown()
{
	world_leave
}

# fill NAMESPACE COUNT: plain rows, as any program leaves them; every hundredth is large.
fill()
{
	sealed_sql -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value)
		select ('00000000-0000-4000-8000-00000000000' || n % 3)::uuid, '$1', 'k' || n, decode(md5(v), 'hex'), convert_to(v, 'UTF8')
		from (select n, '$CANARY ' || repeat(md5(n::text), case when n % 100 = 0 then 3000 else 1 + n % 30 end) as v
			from generate_series(1, $2) as n) as rows"
}

key_status()
{
	sealed_migrate key-status | paste -sd,
}

# bats test_tags=cockroachdb
@test "reencrypt and decrypt: there and back, with keys that change, in pages" {
	export WORLD_ERRORS_EXPECTED=1
	sealed_world nginx HULY_ENCRYPTION_NAMESPACES=' mail ,sessions '
	fill sessions 1500
	fill open 20
	sealed_sql -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value) values ('00000000-0000-4000-8000-000000000001', 'sessions', 'no md5', '', 'x'),
		('00000000-0000-4000-8000-000000000001', 'sessions', 'empty', decode(md5(''), 'hex'), '')"
	before=$(sealed_sql -c "select md5(string_agg(namespace || key || value::text, '|' order by workspace, namespace, key))
		from hulykvs.kvs where namespace <> 'hulykvs-keys'")
	[ "$(key_status)" = "plain: 1522" ]
	sealed_migrate reencrypt
	[ "$(key_status)" = "plain: 20,key a: 1502 (current)" ]
	[ "$(sealed_count sessions)" = 1502 ]
	[ "$(sealed_sql -c "select count(*) from hulykvs.kvs where namespace = 'sessions' and md5 = decode(md5(value), 'hex')")" = 0 ]
	sealed_once=$(sealed_table)
	sealed_migrate reencrypt
	[ "$(sealed_table)" = "$sealed_once" ]
	sealed_keys "$KEY_B" "$KEY_A"
	[ "$(key_status)" = "plain: 20,key a: 1502" ]
	sealed_migrate reencrypt --rate 100000
	[ "$(key_status)" = "plain: 20,key b: 1502 (current)" ]
	kill -HUP "$(world_pid)"
	world_log_has 'settings read again'
	system=$(python3 -c "import sys; sys.path.insert(0, '$WORLD_TOP/tests/tools'); import http_cases; print(http_cases.tokens()['system'])")
	run curl -s -H "Authorization: Bearer $system" "$WORLD_URL/api2/00000000-0000-4000-8000-000000000001/sessions/k1"
	[ "$output" = "$CANARY $(printf %s 1 | md5sum | cut -c1-32)$(printf %s 1 | md5sum | cut -c1-32)" ]
	sealed_keys "$KEY_B"
	sealed_again HULY_ENCRYPTION_MODE=off
	sealed_migrate decrypt
	[ "$(key_status)" = "plain: 1522" ]
	[ "$(sealed_sql -c "select md5(string_agg(namespace || key || value::text, '|' order by workspace, namespace, key))
		from hulykvs.kvs")" = "$before" ]
	# Nothing had to be tried again.
	run ! grep 'msg="will try again"' "$WORLD_DIR/migrate.log"
	# As the original has it: no row of ours, and each MD5 that of its value.
	[ "$(sealed_sql -c "select count(*) from hulykvs.kvs where md5 <> decode(md5(value), 'hex')")" = 0 ]
	[ "$(sealed_sql -c "select count(*) from hulykvs.kvs")" = 1522 ]
	world_stop
}

@test "reencrypt and decrypt leave alone what does not open, and say so" {
	export WORLD_ERRORS_EXPECTED=1
	sealed_world none
	fill n 5
	sealed_migrate reencrypt
	sealed_sql -c "update hulykvs.kvs set value = set_byte(value, 30, get_byte(value, 30) # 1) where key = 'k2'"
	sealed_sql -c "update hulykvs.kvs set value = substring(value from 9) where key = 'k3'"
	sealed_keys "$KEY_B" "$KEY_A"
	run -69 sealed_migrate reencrypt
	grep -q '2 values do not open and were left alone' "$WORLD_DIR/migrate.log"
	[ "$(key_status)" = "plain: 1,key a: 1,key b: 3 (current)" ]
	sealed_keys "$KEY_A_WRONG" "$KEY_B"
	run -69 sealed_migrate reencrypt
	grep -q 'the current key is not the one that has sealed under its id (a) until now' "$WORLD_DIR/migrate.log"
	sealed_keys "$KEY_A"
	run -69 sealed_migrate decrypt
	[ "$(key_status)" = "plain: 1,key a: 1 (current),key b: 3 (not in the key ring)" ]
	sealed_keys "$KEY_B" "$KEY_A"
	run -69 sealed_migrate decrypt
	# The proofs stay as long as anything is sealed.
	[ "$(sealed_sql -c "select count(*) from hulykvs.kvs where namespace = 'hulykvs-keys'")" = 2 ]
	[ "$(key_status)" = "plain: 4,key a: 1" ]
	world_stop
}

@test "reencrypt goes on after it was killed, and after the database went away" {
	export WORLD_ERRORS_EXPECTED=1
	sealed_world none
	fill n 3000
	world_environment
	(cd "$WORLD_DIR" && exec "${WORLD_ENV[@]}" "$HULYKVS_BUILD/hulykvs-migrate" reencrypt --rate 500 2>>migrate.log 3>&-) &
	migrator=$!
	world_until 20 some_sealed
	kill -KILL "$migrator"
	wait "$migrator" || :
	[ "$(sealed_count n)" -lt 3000 ]
	(cd "$WORLD_DIR" && exec "${WORLD_ENV[@]}" "$HULYKVS_BUILD/hulykvs-migrate" reencrypt --rate 2000 2>>migrate.log 3>&-) &
	migrator=$!
	seen=$(sealed_count n)
	world_until 20 more_sealed
	sealed_sql -c "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hulykvs-migrate'"
	wait "$migrator"
	grep -q 'msg="will try again"' "$WORLD_DIR/migrate.log"
	[ "$(key_status)" = "plain: 0,key a: 3000 (current)" ]
	world_stop
}

some_sealed()
{
	[ "$(sealed_count n)" -gt 100 ]
}

more_sealed()
{
	[ "$(sealed_count n)" -gt "$seen" ]
}

waits_for_lock()
{
	[ "$(sealed_sql -c "select count(*) from pg_stat_activity
		where application_name = 'hulykvs-migrate' and wait_event_type = 'Lock'")" = 1 ]
}

is_locked()
{
	[ "$(sealed_sql -c "select count(*) from pg_stat_activity where state = 'idle in transaction'")" = 1 ]
}

@test "reencrypt does not undo a write that comes after it has read the row" {
	sealed_world nginx
	fill n 10
	mkfifo "$WORLD_DIR/other"
	"$PG_BIN/psql" -X -q -d "$WORLD_DB" <"$WORLD_DIR/other" >"$WORLD_DIR/other.log" 2>&1 3>&- &
	other=$!
	exec 4>"$WORLD_DIR/other"
	echo "begin; update hulykvs.kvs set value = 'new', md5 = decode(md5('new'), 'hex') where key = 'k5';" >&4
	world_until 20 is_locked
	sealed_migrate reencrypt 3>&- 4>&- &
	migrator=$!
	world_until 20 waits_for_lock
	echo "commit;" >&4
	exec 4>&-
	wait "$other"
	wait "$migrator"
	[ "$(key_status)" = "plain: 0,key a: 10 (current)" ]
	sealed_migrate decrypt
	[ "$(sealed_sql -c "select convert_from(value, 'UTF8') from hulykvs.kvs where key = 'k5'")" = new ]
	world_stop
}

# mode MODE: another program takes over from the running one, with this mode.
mode()
{
	local old

	old=$(world_pid)
	mkdir -p "$WORLD_DIR/etc"
	echo "encryption_mode = \"$1\"" >"$WORLD_DIR/etc/config.toml"
	kill -HUP "$WORLD_SPAWN"
	world_until 20 world_gone "$old"
}

# SEALED_ROWS=1000000 is the long form.
# bats test_tags=cockroachdb
@test "there and back under a ledger of writes: nothing is lost, nothing fails" {
	world_start nginx HULY_ENCRYPTION_KEYS_FILE="$KEYS"
	fill ledger-neighbour "${SEALED_ROWS:-2000}"
	ledger=$WORLD_TOP/tests/tools/ledger.py
	"$ledger" write --writers 4 "$WORLD_URL" "$WORLD_DIR/ledger" >"$WORLD_DIR/wrote" 2>&1 3>&- &
	writer=$!
	world_until 20 test -s "$WORLD_DIR/ledger.progress"
	mode on
	sealed_migrate reencrypt
	[[ "$(key_status)" =~ ^plain:\ 0,key\ a:\ [0-9]+\ \(current\)$ ]]
	sealed_keys "$KEY_B" "$KEY_A"
	kill -HUP "$(world_pid)"
	world_log_has 'settings read again'
	sealed_migrate reencrypt
	[[ "$(key_status)" =~ ^plain:\ 0,key\ b:\ [0-9]+\ \(current\)$ ]]
	mode off
	sealed_migrate decrypt
	[[ "$(key_status)" =~ ^plain:\ [0-9]+$ ]]
	kill -TERM "$writer"
	wait "$writer"
	cat "$WORLD_DIR/wrote"
	[[ "$(cat "$WORLD_DIR/wrote")" != *5xx* && "$(cat "$WORLD_DIR/wrote")" != *unknown* ]]
	[[ "$(cat "$WORLD_DIR/wrote")" != *refused* ]]
	run "$ledger" check "$WORLD_URL" "$WORLD_DIR/ledger" "$WORLD_DB"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *' lost=0 '*' wrong=0'* ]]
	[ "$(sealed_sql -c "select count(*) from hulykvs.kvs where md5 <> decode(md5(value), 'hex')")" = 0 ]
	world_stop
}
