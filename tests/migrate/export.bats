#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# export and import of hulykvs-migrate: whole, in part, cut off, killed, sealed; and the options of all that moves rows.
#
# IMPORT_KILLS (4) of an import: `make soak` asks for more.

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
}

teardown_file()
{
	pg_remove
}

setup()
{
	transfer_enter
	KEYS=$BATS_TEST_TMPDIR/keys
}

teardown()
{
	pg_thaw
	transfer_leave
}

@test "an export has a header, the rows of one moment and a closing line" {
	transfer_rows "$A" 60
	pg_sql "$A" -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value, modified)
		values ('$WS', 'a', 'empty', decode(md5(''), 'hex'), '', 'infinity')"
	migrate "$A_URL" export >"$FILE"
	python3 - "$FILE" <<-'PY'
		import base64, hashlib, json, sys
		data = open(sys.argv[1], "rb").read()
		lines = data.splitlines(keepends=True)
		header, rows, end = json.loads(lines[0]), [json.loads(line) for line in lines[1:-1]], json.loads(lines[-1])
		assert header["hulykvs_export"] == 1 and header["values"] == "stored" and header["rows"] == 61, header
		assert header["schema"] == "S4__modified" and header["difference"] is False, header
		assert end == {"rows": 61, "sha256": hashlib.sha256(b"".join(lines[:-1])).hexdigest()}, end
		assert all(hashlib.md5(base64.b64decode(row["value"], validate=True)).hexdigest() == row["md5"] for row in rows)
		assert sum(row["modified"] is None for row in rows) == 12 + 1, rows
		assert {row["namespace"] for row in rows} == {"a", "B", 'é"'}
	PY
	run -0 pg_sql "$A" -c "select to_char(modified at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')
		from hulykvs.kvs where key = '<key 7@é\"\\>'"
	[ "$(grep -cF "\"modified\":\"$output\"" "$FILE")" = 1 ]
}

@test "an import makes the same database, and so does one through a pipe" {
	transfer_rows "$A" 5000
	migrate "$A_URL" export >"$FILE"
	migrate "$B_URL" import <"$FILE"
	[ "$(transfer_digest "$A")" = "$(transfer_digest "$B")" ]
	transfer_same
	pg_sql "$B" -c 'delete from hulykvs.kvs'
	migrate "$A_URL" export | migrate "$B_URL" import
	[ "$(transfer_digest "$A")" = "$(transfer_digest "$B")" ]
	# Once more: all is there.
	run -0 migrate "$B_URL" import <"$FILE"
	[[ $output == *'rows=0 were_there=5000 deleted=0'* ]]
}

@test "a row without workspace, namespace and key does not end an export" {
	transfer_rows "$A" 10
	pg_sql "$A" -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value)
		values ('00000000-0000-0000-0000-000000000000', '', '', decode(md5(''), 'hex'), '')"
	migrate "$A_URL" export | migrate "$B_URL" import
	[ "$(transfer_count "$B")" = 10 ]
	run -0 transfer_same
}

@test "--workspace and --namespace choose the rows" {
	transfer_rows "$A" 60
	migrate "$A_URL" --workspace "${WS^^}" export | migrate "$B_URL" import
	[ "$(transfer_count "$B")" = 15 ]
	[ "$(transfer_count "$B" "workspace <> '$WS'")" = 0 ]
	migrate "$A_URL" --namespace 'é"' export | migrate "$B_URL" import
	[ "$(transfer_count "$B")" = 30 ]
	migrate "$A_URL" --workspace "$WS" --namespace none export | migrate "$B_URL" import
	[ "$(transfer_count "$B")" = 30 ]
}

@test "an export is of one moment while clients write" {
	local pid

	transfer_rows "$A" 20000
	# Two rows that always change together, and more and more others: what is counted is what is read.
	cat >"$BATS_TEST_TMPDIR/write" <<-SQL
		begin;
		update hulykvs.kvs set value = v::text::bytea, md5 = decode(md5(v::text), 'hex') from nextval('numbers') as v
			where workspace = '$WS' and namespace = 'pair';
		insert into hulykvs.kvs (workspace, namespace, key, md5, value)
			select '$WS', 'more', v::text, decode(md5(''), 'hex'), '' from nextval('numbers') as v;
		commit;
	SQL
	pg_sql "$A" -c 'create sequence numbers' -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value)
		select '$WS', 'pair', k, decode(md5(''), 'hex'), '' from unnest(array['a', 'z']) as k"
	pgbench_until_gone "$BATS_TEST_TMPDIR/write"
	pid=$!
	world_until 20 written "$A"
	for _ in 1 2 3 4 5; do
		migrate "$A_URL" export >"$FILE"
		[ "$(grep '"namespace":"pair"' "$FILE" | sed 's/.*"value":"\([^"]*\)".*/\1/' | sort -u | wc -l)" = 1 ]
	done
	kill "$pid"
	wait "$pid" || :
}

# Writes until it is ended.
pgbench_until_gone()
{
	"$PG_BIN/pgbench" -n -T 600 -f "$1" "$A_URL" >"$BATS_TEST_TMPDIR/pgbench" 2>&1 3>&- &
}

written()
{
	[ "$(transfer_count "$1" "namespace = 'pair' and value <> ''")" = 2 ]
}

@test "--existing: what is there with another value ends it, stays, or is replaced" {
	transfer_rows "$A" 60
	migrate "$A_URL" export >"$FILE"
	migrate "$B_URL" import <"$FILE"
	pg_sql "$B" -c "update hulykvs.kvs set value = 'other', md5 = decode(md5('other'), 'hex') where key = '<key 7@é\"\\>'" \
		-c "delete from hulykvs.kvs where key = '<key 8@é\"\\>'"
	run -69 migrate "$B_URL" import <"$FILE"
	[[ $output == *'cannot import'*'with another value (about line '*'rows of this run that are in: 1"'* ]]
	[ "$(transfer_count "$B" "value = 'other'")" = 1 ]
	pg_sql "$B" -c "delete from hulykvs.kvs where key = '<key 8@é\"\\>'"
	run -0 migrate "$B_URL" --existing skip import <"$FILE"
	[[ $output == *'rows=1 were_there=59'* ]]
	[ "$(transfer_count "$B" "value = 'other'")" = 1 ]
	run -0 migrate "$B_URL" --existing replace import <"$FILE"
	[[ $output == *'rows=1 were_there=59'* ]]
	[ "$(transfer_digest "$A")" = "$(transfer_digest "$B")" ]
}

@test "a file that is cut or damaged is refused before anything is written" {
	local n

	# More than a batch.
	transfer_rows "$A" 2500
	migrate "$A_URL" export >"$FILE"
	n=$(wc -l <"$FILE")
	refused()
	{
		run -65 migrate "$B_URL" import <"$FILE.bad"
		[[ $output == *'cannot import'*"$1"*'rows of this run that are in: 0 ('* ]]
		[ "$(transfer_count "$B")" = 0 ]
	}
	head -n $((n - 1)) "$FILE" >"$FILE.bad"
	refused "line $n: the file is cut: the closing line is missing"
	head -c -20 "$FILE" >"$FILE.bad"
	refused "line $n: the file is cut: this line has no end"
	head -c 1000 "$FILE" >"$FILE.bad"
	refused 'the file is cut: this line has no end'
	tail -n +2 "$FILE" >"$FILE.bad"
	refused 'line 1: not the header of an export'
	sed 30d "$FILE" >"$FILE.bad"
	refused 'the number of rows is not that'
	sed '30s/"md5":"./"md5":"x/' "$FILE" >"$FILE.bad"
	refused 'line 30: md5 is not 32 hexadecimal digits'
	sed -E '30s/"md5":"[^"]*"/"md5":"00112233445566778899aabbccddeeff"/' "$FILE" >"$FILE.bad"
	refused 'line 30: the value does not have the MD5'
	sed '30s/"namespace":"./&x/' "$FILE" >"$FILE.bad"
	refused 'the file is damaged: its SHA-256'
	sed '30s/"modified"/"modifed"/' "$FILE" >"$FILE.bad"
	refused 'line 30: a member that is not known'
	sed '1s/"hulykvs_export":1/"hulykvs_export":2/' "$FILE" >"$FILE.bad"
	refused 'line 1: written by a newer program'
	(cat "$FILE" && echo) >"$FILE.bad"
	refused 'more follows after the closing line'
	: >"$FILE.bad"
	refused 'line 1: the file is empty'
	pg_sql "$A" -c 'select 1' >"$FILE.bad"
	refused 'line 1: not the header of an export'
	head -c 300000000 /dev/zero >"$FILE.bad"
	refused 'line 1: longer than 256 MiB'
}

@test "a file that cannot be read is no fault of the file" {
	run -70 migrate "$B_URL" import </
	[[ $output == *'cannot import'*'Is a directory'* ]]
}

@test "a pipe that is cut: what is in is told, and the whole file completes it" {
	transfer_rows "$A" 5000
	migrate "$A_URL" export >"$FILE"
	head -n 3001 "$FILE" | { run -65 migrate "$B_URL" import; echo "$output" >"$FILE.said"; }
	grep -F 'line 3002: the file is cut: the closing line is missing; rows of this run that are in: 2000 (0 were there' "$FILE.said"
	[ "$(transfer_count "$B")" = 2000 ]
	migrate "$B_URL" import <"$FILE"
	transfer_same
}

@test "killed again and again, an import ends well and has no row twice" {
	local before=0 pid

	transfer_rows "$A" 60000
	migrate "$A_URL" export >"$FILE"
	# Each batch takes a while, so that each kill comes in the middle.
	pg_sql "$B" <<-'SQL'
		create function slowly() returns trigger language plpgsql as 'begin perform pg_sleep(0.1); return null; end';
		create trigger slowly after insert on hulykvs.kvs for each statement execute function slowly();
	SQL
	for _ in $(seq "${IMPORT_KILLS:-4}"); do
		MIGRATE_EXEC=1 migrate "$B_URL" import <"$FILE" 2>"$FILE.log" 3>&- &
		pid=$!
		# At least one batch more than before.
		world_until 60 more_than "$B" "$before"
		kill -KILL "$pid"
		wait "$pid" || :
		world_until 20 no_importer
		before=$(transfer_count "$B")
		[ "$before" -lt 60000 ]
	done
	pg_sql "$B" -c 'drop trigger slowly on hulykvs.kvs'
	run -0 migrate "$B_URL" import <"$FILE"
	[[ $output == *"rows=$((60000 - before)) were_there=$before"* ]]
	[ "$(transfer_digest "$A")" = "$(transfer_digest "$B")" ]
}

more_than()
{
	[ "$(transfer_count "$1")" -gt "$2" ]
}

no_importer()
{
	[ "$(pg_sql postgres -c "select count(*) from pg_stat_activity where application_name = 'hulykvs-migrate'")" = 0 ]
}

@test "an import goes on after its connection was lost" {
	transfer_rows "$A" 20000
	migrate "$A_URL" export >"$FILE"
	migrate "$B_URL" import <"$FILE" 2>"$FILE.log" 3>&- &
	world_until 60 more_than "$B" 0
	pg_sql postgres -c "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hulykvs-migrate'"
	wait $!
	grep -F 'rows were imported' "$FILE.log"
	[ "$(transfer_digest "$A")" = "$(transfer_digest "$B")" ]
}

# longer_than MS STATE: whether a session of hulykvs-migrate has been in this state for so long.
longer_than()
{
	[ "$(pg_sql postgres -c "select count(*) from pg_stat_activity where application_name = 'hulykvs-migrate'
		and state = '$2' and now() - state_change > $1 * interval '1 ms'")" = 1 ]
}

# --wait is about the database, not about the input.
@test "an import whose input was quiet for longer than --wait goes on after its connection was lost" {
	transfer_rows "$A" 3000
	migrate "$A_URL" export >"$FILE"
	mkfifo "$FILE.fifo"
	exec 8<>"$FILE.fifo"
	migrate "$B_URL" --wait 1 import <"$FILE.fifo" 2>"$FILE.log" 3>&- 8>&- &
	world_until 20 longer_than 1500 idle
	pg_sql postgres -c "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hulykvs-migrate'"
	timeout 20 cat "$FILE" >&8 # nobody reads it if the import has ended
	exec 8>&-
	wait $!
	grep -F 'will try again' "$FILE.log"
	[ "$(transfer_digest "$A")" = "$(transfer_digest "$B")" ]
}

@test "an import ends after --wait if the server hangs, also if it reads nothing" {
	pg_sql "$A" -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value)
		select '$WS', 'a', 'k' || n, decode(md5(v), 'hex'), v::bytea
		from (select n, repeat(md5(n::text), 1000) as v from generate_series(1, 400) as n) as r"
	migrate "$A_URL" export >"$FILE"
	mkfifo "$FILE.fifo"
	exec 8<>"$FILE.fifo"
	migrate "$B_URL" --wait 1 import <"$FILE.fifo" 2>"$FILE.log" 3>&- 8>&- &
	import=$!
	# More than a batch, and less than two.
	head -n 80 "$FILE" >&8
	world_until 60 more_than "$B" 0
	pg_freeze
	# Nobody reads all of it if the import ends.
	timeout 60 tail -n +81 "$FILE" >&8 3>&- &
	rest=$!
	status=0
	wait "$import" || status=$?
	kill "$rest" || :
	pg_thaw
	cat "$FILE.log"
	[ "$status" = 69 ]
	grep -F 'no answer from the database' "$FILE.log"
}

closed() { { migrate "$@" >&-; } 2>&1; }
full() { { migrate "$@" >/dev/full; } 2>&1; }

# says_incomplete COMMAND: what it prints cannot be written.
says_incomplete()
{
	local how

	for how in closed full; do
		run "$how" "$A_URL" "$@"
		[ "$status" -eq 70 ]
		[[ $output == *"standard output"* ]]
	done
}

@test "a standard output that is closed or full: export and status fail, and nothing of it reaches the database's connection" {
	transfer_rows "$A" 3000
	says_incomplete export
	says_incomplete status
	run grep -F 'invalid frontend message' "$PG_DIR/data/server.log"
	[ "$status" -eq 1 ]
}

# bats test_tags=matrix
@test "time limits of the role do not end a session that waits or reads for long" {
	local limit

	transfer_rows "$A" 10
	pg_sql "$A" -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value, modified)
		select '$WS', 'z', n::text, decode(md5(value), 'hex'), value, now()
		from generate_series(1, 400) as n, convert_to(repeat(md5(n::text), 3000), 'UTF8') as value"
	for limit in statement_timeout idle_in_transaction_session_timeout idle_session_timeout transaction_timeout; do
		[ "$(pg_sql "$A" -c "select count(*) from pg_settings where name = '$limit'")" = 1 ] || continue
		pg_sql postgres -c "alter database $A set $limit = '1s'" -c "alter database $B set $limit = '1s'"
	done
	# An export whose reader pauses: the server waits until it can send more.
	mkfifo "$FILE.fifo"
	migrate "$A_URL" export >"$FILE.fifo" 2>"$FILE.log" 3>&- &
	exec 8<"$FILE.fifo"
	world_until 20 longer_than 1500 active
	cat <&8 >"$FILE"
	exec 8<&-
	wait $!
	tail -n 1 "$FILE" | grep -F '"rows":410'
	# An import that waits for its file.
	exec 8<>"$FILE.fifo"
	migrate "$B_URL" import <"$FILE.fifo" 2>"$FILE.log" 3>&- 8>&- &
	world_until 20 longer_than 1500 idle
	cat "$FILE" >&8
	exec 8>&-
	wait $!
	run ! grep -F 'will try again' "$FILE.log"
	pg_sql postgres -c "alter database $A reset all" -c "alter database $B reset all"
	[ "$(transfer_digest "$A")" = "$(transfer_digest "$B")" ]
}

@test "sealed values move as they are, with the proofs of their keys, or opened" {
	transfer_rows "$A" 60
	sealed_keys "$KEY_A"
	migrate "$A_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" reencrypt
	migrate "$A_URL" export >"$FILE"
	run ! grep -F "${KEY_A#* }" "$FILE"
	run -0 migrate "$B_URL" import <"$FILE"
	[[ $output == *'sealed values were taken as they are'*'rows=61'* ]]
	[ "$(transfer_digest "$A")" = "$(transfer_digest "$B")" ]
	run -0 migrate "$B_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" key-status
	[[ $output == *'key a: 60 (current)'* ]]
	# A part has the proofs, too; and one that is there stays as it is, whatever --existing says.
	pg_sql "$B" -c 'delete from hulykvs.kvs'
	migrate "$A_URL" --workspace "$WS" export | migrate "$B_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" import
	[ "$(transfer_count "$B")" = 16 ]
	pg_sql "$B" -c "update hulykvs.kvs set value = 'another' where namespace = 'hulykvs-keys'"
	migrate "$B_URL" --existing replace import <"$FILE"
	[ "$(transfer_count "$B" "value = 'another'")" = 1 ]
	run -0 transfer_same
	# With the keys, it has to be the proof of the same key.
	run -69 migrate "$B_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" --existing replace import <"$FILE"
	[[ $output == *'cannot import'*'the key with the id a in'*'is not the one that has sealed'* ]]
	# The keys have to be those.
	sealed_keys "$KEY_B"
	run -65 migrate "$B_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" import <"$FILE"
	[[ $output == *'line 3: the sealed value does not open'* ]]
	run -69 migrate "$A_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" --opened export
	[[ $output == *'cannot export'*'a key that HULY_ENCRYPTION_KEYS_FILE does not hold'* ]]
	sealed_keys "$KEY_A_WRONG"
	run -65 migrate "$B_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" import <"$FILE"
	run -69 migrate "$A_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" --opened export
	[[ $output == *'a value does not open'* ]]
	run -78 migrate "$A_URL" --opened export
	[[ $output == *'HULY_ENCRYPTION_KEYS_FILE: is not set'* ]]
	# The other database has sealed with another key of that id.
	pg_sql "$B" -c 'delete from hulykvs.kvs'
	transfer_rows "$B" 1
	migrate "$B_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" reencrypt
	sealed_keys "$KEY_B" "$KEY_A"
	run -69 migrate "$B_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" import <"$FILE"
	[[ $output == *'the key with the id a in'* ]]
	[ "$(transfer_count "$B")" = 2 ]
	# Opened: as the original wrote them.
	sealed_keys "$KEY_A"
	pg_sql "$B" -c 'delete from hulykvs.kvs'
	migrate "$A_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" --opened export | migrate "$B_URL" import
	migrate "$A_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" decrypt
	[ "$(transfer_digest "$A")" = "$(transfer_digest "$B")" ]
}

@test "after a rotation of the keys, an import needs the new key only" {
	transfer_rows "$A" 10
	sealed_keys "$KEY_A"
	migrate "$A_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" reencrypt
	sealed_keys "$KEY_B" "$KEY_A"
	migrate "$A_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" reencrypt
	migrate "$A_URL" export >"$FILE"
	sealed_keys "$KEY_B"
	run -0 migrate "$B_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" import <"$FILE"
	[[ $output == *'rows were imported'*'rows=12'* ]]
	[ "$(transfer_digest "$A")" = "$(transfer_digest "$B")" ]
	run -0 migrate "$B_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" key-status
	[[ $output == *'key b: 10 (current)'* ]]
	# A proof that another key with an id of the file has sealed is refused.
	sealed_keys "$KEY_B" "$KEY_A_WRONG"
	run -65 migrate "$B_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" import <"$FILE"
	[[ $output == *'line 2: the sealed value does not open'* ]]
}

@test "an export that cannot be written, or whose database goes, ends with an error and without its closing line" {
	transfer_rows "$A" 30000
	status=0
	migrate "$A_URL" export >/dev/full 2>"$FILE.log" || status=$?
	[ "$status" = 70 ]
	grep -F 'cannot export' "$FILE.log" | grep -F 'standard output: No space left on device'
	mkfifo "$FILE.pipe"
	migrate "$A_URL" export >"$FILE.pipe" 2>"$FILE.log" 3>&- &
	{
		read -r _
		pg_sql postgres -c "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hulykvs-migrate'"
		cat >"$FILE"
	} <"$FILE.pipe"
	status=0
	wait $! || status=$?
	[ "$status" = 69 ]
	[[ $(tail -n 1 "$FILE") != *sha256* ]]
}

@test "a schema that is not up to date is refused" {
	pg_sql "$A" -c 'drop trigger hulykvs_modified on hulykvs.kvs'
	sealed_keys "$KEY_A"
	for command in export compare import "--older-than 1d --namespace a purge" key-status reencrypt decrypt forget-keys; do
		# shellcheck disable=SC2086 # words
		run -69 migrate "$A_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" HULY_OTHER_DB_CONNECTION="$B_URL" $command </dev/null
		[[ $output == *'the schema is not up to date'* ]]
	done
	run -69 migrate "$B_URL" HULY_OTHER_DB_CONNECTION="$A_URL" compare
	[[ $output == *'the other database: the schema is not up to date'* ]]
}

@test "options that are wrong, missing, repeated or of another command" {
	local words

	while read -r words; do
		# shellcheck disable=SC2086 # words
		run -64 migrate "$A_URL" $words </dev/null
		[[ $output == *hulykvs-migrate* ]] || { echo "$words: $output"; false; }
	done <<-'TEXT'
		--workspace none export
		--workspace 00000000-0000-0000-0000-000000000000 export
		--workspace 22222222-3333-4444-5555-666666666666 up
		--workspace 22222222-3333-4444-5555-666666666666 import
		--namespace a import
		--namespace a compare
		--prefix a export
		--prefix a --workspace 22222222-3333-4444-5555-666666666666 export
		--opened import
		--opened=yes export
		--difference import
		--difference --opened export
		--difference --namespace a export
		--existing skip export
		--existing never import
		--existing
		--existing skip --existing fail import
		--rate 5 export
		--rate 0 --namespace a --older-than 1d purge
		--older-than 1d export
		--older-than 1d purge
		--namespace a purge
		--namespace a --older-than
		--namespace a --older-than 1 purge
		--namespace a --older-than d purge
		--namespace a --older-than 0d purge
		--namespace a --older-than -1d purge
		--namespace a --older-than 1w purge
		--namespace a --older-than 1dd purge
		--namespace a --older-than 36501d purge
		--namespace a --older-than 99999999999d purge
		--namespace a --namespace b --older-than 1d purge
		--prefix a --older-than 1d purge
		--dry-run export
		--dry-run import
		export import
		compare other
	TEXT
	run -64 migrate "$A_URL" --namespace '' export
	run -64 migrate "$A_URL" --namespace $'\xff' export
	run -64 migrate "$A_URL" --prefix '' --namespace a --older-than 1d purge
}
