#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# export, import, compare and purge of hulykvs-migrate, on PostgreSQL and on the simulator of CockroachDB.
#
# IMPORT_KILLS (4) of an import: `make soak` asks for more.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0

load ../lib/postgres
load ../lib/world
load ../lib/migrate

WS=22222222-3333-4444-5555-666666666666
KEY_A="a AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
KEY_B="b //79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA="
KEY_A_WRONG="a //79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA="

setup_file()
{
	pg_start "$(pg_tmpdir)" max_connections=120
	crdb_start
}

teardown_file()
{
	pg_remove
}

# What the set-up says is of no interest.
setup()
{
	A=a$BATS_TEST_NUMBER B=b$BATS_TEST_NUMBER FILE=$BATS_TEST_TMPDIR/export KEYS=$BATS_TEST_TMPDIR/keys
	A_URL=$(pg_db "$A") B_URL=$(pg_db_en "$B")
	migrate "$A_URL" 2>"$FILE.log"
	migrate "$B_URL" 2>"$FILE.log"
}

teardown()
{
	pg_sql postgres -c "drop database $A with (force)" -c "drop database $B with (force)"
}

# rows DB N: rows of two workspaces and three namespaces; every fifth has no time, others are N days old and younger.
rows()
{
	pg_sql "$1" <<-SQL
		insert into hulykvs.kvs (workspace, namespace, key, md5, value, modified)
		select case when n % 4 = 0 then '$WS'::uuid else '$MIGRATE_DEFAULT' end, (array['a', 'B', 'é"'])[n % 3 + 1],
			'<key ' || n || '@é"\\>', decode(md5(value), 'hex'), value,
			case when n % 5 > 0 then now() - n * interval '1 day' end
		from (select n, decode(repeat(md5(n::text), n % 4), 'hex') as value from generate_series(1, $2) as n) as r
	SQL
}

# All of a database, in one digest.
digest()
{
	pg_sql "$1" -c "select count(*), md5(string_agg(concat_ws('|', workspace, namespace, key, md5, value, modified), ','
		order by workspace, namespace collate \"C\", key)) from hulykvs.kvs"
}

count()
{
	pg_sql "$1" -c "select count(*) from hulykvs.kvs ${2:+where $2}"
}

# keys LINE …: the file of the keys.
keys()
{
	(umask 077 && printf '%s\n' "$@" >"$KEYS")
}

same()
{
	migrate "$A_URL" HULY_OTHER_DB_CONNECTION="$B_URL" compare
}

@test "an export has a header, the rows of one moment and a closing line" {
	rows "$A" 60
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
	rows "$A" 5000
	migrate "$A_URL" export >"$FILE"
	migrate "$B_URL" import <"$FILE"
	[ "$(digest "$A")" = "$(digest "$B")" ]
	same
	pg_sql "$B" -c 'delete from hulykvs.kvs'
	migrate "$A_URL" export | migrate "$B_URL" import
	[ "$(digest "$A")" = "$(digest "$B")" ]
	# Once more: all is there.
	run -0 migrate "$B_URL" import <"$FILE"
	[[ $output == *'rows=0 were_there=5000 deleted=0'* ]]
}

@test "--workspace and --namespace choose the rows" {
	rows "$A" 60
	migrate "$A_URL" --workspace "${WS^^}" export | migrate "$B_URL" import
	[ "$(count "$B")" = 15 ]
	[ "$(count "$B" "workspace <> '$WS'")" = 0 ]
	migrate "$A_URL" --namespace 'é"' export | migrate "$B_URL" import
	[ "$(count "$B")" = 30 ]
	migrate "$A_URL" --workspace "$WS" --namespace none export | migrate "$B_URL" import
	[ "$(count "$B")" = 30 ]
}

@test "an export is of one moment while clients write" {
	local pid

	rows "$A" 20000
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
	[ "$(count "$1" "namespace = 'pair' and value <> ''")" = 2 ]
}

@test "--existing: what is there with another value ends it, stays, or is replaced" {
	rows "$A" 60
	migrate "$A_URL" export >"$FILE"
	migrate "$B_URL" import <"$FILE"
	pg_sql "$B" -c "update hulykvs.kvs set value = 'other', md5 = decode(md5('other'), 'hex') where key = '<key 7@é\"\\>'" \
		-c "delete from hulykvs.kvs where key = '<key 8@é\"\\>'"
	run -69 migrate "$B_URL" import <"$FILE"
	[[ $output == *'cannot import'*'with another value (about line '*'rows of this run that are in: 1"'* ]]
	[ "$(count "$B" "value = 'other'")" = 1 ]
	pg_sql "$B" -c "delete from hulykvs.kvs where key = '<key 8@é\"\\>'"
	run -0 migrate "$B_URL" --existing skip import <"$FILE"
	[[ $output == *'rows=1 were_there=59'* ]]
	[ "$(count "$B" "value = 'other'")" = 1 ]
	run -0 migrate "$B_URL" --existing replace import <"$FILE"
	[[ $output == *'rows=1 were_there=59'* ]]
	[ "$(digest "$A")" = "$(digest "$B")" ]
}

@test "a file that is cut or damaged is refused before anything is written" {
	local n

	# More than a batch.
	rows "$A" 2500
	migrate "$A_URL" export >"$FILE"
	n=$(wc -l <"$FILE")
	refused()
	{
		run -65 migrate "$B_URL" import <"$FILE.bad"
		[[ $output == *'cannot import'*"$1"*'rows of this run that are in: 0 ('* ]]
		[ "$(count "$B")" = 0 ]
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
	rows "$A" 5000
	migrate "$A_URL" export >"$FILE"
	head -n 3001 "$FILE" | { run -65 migrate "$B_URL" import; echo "$output" >"$FILE.said"; }
	grep -F 'line 3002: the file is cut: the closing line is missing; rows of this run that are in: 2000 (0 were there' "$FILE.said"
	[ "$(count "$B")" = 2000 ]
	migrate "$B_URL" import <"$FILE"
	same
}

@test "killed again and again, an import ends well and has no row twice" {
	local before=0 pid

	rows "$A" 60000
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
		before=$(count "$B")
		[ "$before" -lt 60000 ]
	done
	pg_sql "$B" -c 'drop trigger slowly on hulykvs.kvs'
	run -0 migrate "$B_URL" import <"$FILE"
	[[ $output == *"rows=$((60000 - before)) were_there=$before"* ]]
	[ "$(digest "$A")" = "$(digest "$B")" ]
}

more_than()
{
	[ "$(count "$1")" -gt "$2" ]
}

no_importer()
{
	[ "$(pg_sql postgres -c "select count(*) from pg_stat_activity where application_name = 'hulykvs-migrate'")" = 0 ]
}

@test "an import goes on after its connection was lost" {
	rows "$A" 20000
	migrate "$A_URL" export >"$FILE"
	migrate "$B_URL" import <"$FILE" 2>"$FILE.log" 3>&- &
	world_until 60 more_than "$B" 0
	pg_sql postgres -c "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hulykvs-migrate'"
	wait $!
	grep -F 'rows were imported' "$FILE.log"
	[ "$(digest "$A")" = "$(digest "$B")" ]
}

# longer_than MS STATE: whether a session of hulykvs-migrate has been in this state for so long.
longer_than()
{
	[ "$(pg_sql postgres -c "select count(*) from pg_stat_activity where application_name = 'hulykvs-migrate'
		and state = '$2' and now() - state_change > $1 * interval '1 ms'")" = 1 ]
}

# --wait is about the database, not about the input.
@test "an import whose input was quiet for longer than --wait goes on after its connection was lost" {
	rows "$A" 3000
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
	[ "$(digest "$A")" = "$(digest "$B")" ]
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
	rows "$A" 3000
	says_incomplete export
	says_incomplete status
	run grep -F 'invalid frontend message' "$PG_DIR/data/server.log"
	[ "$status" -eq 1 ]
}

# bats test_tags=matrix
@test "time limits of the role do not end a session that waits or reads for long" {
	local limit

	rows "$A" 10
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
	[ "$(digest "$A")" = "$(digest "$B")" ]
}

@test "compare tells in what two databases differ" {
	rows "$A" 60
	migrate "$A_URL" export | migrate "$B_URL" import
	run -0 same
	[ "$output" = $'same: 60\nsame, other time: 0\ndifferent: 0\nonly here: 0\nonly there: 0' ]
	pg_sql "$B" -c "update hulykvs.kvs set modified = now() where key = '<key 7@é\"\\>'"
	run -0 same
	[ "$output" = $'same: 59\nsame, other time: 1\ndifferent: 0\nonly here: 0\nonly there: 0' ]
	pg_sql "$B" -c "delete from hulykvs.kvs where key ~ '^<key 1.@'" \
		-c "update hulykvs.kvs set value = 'other' where key = '<key 8@é\"\\>'" \
		-c "update hulykvs.kvs set md5 = '\\x00' where key = '<key 9@é\"\\>'" \
		-c "insert into hulykvs.kvs (workspace, namespace, key, md5, value) values ('$WS', 'C', 'k', '', '')"
	run -1 same
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
			before=$(digest "$A")
			words=()
			[ "$to" = all ] || words=("HULY_OTHER_DB_CONNECTION=$B_URL" --difference)
			changed_meanwhile "$from" "$A" "${words[@]}"
			rm "$FILE.pipe"
			[ "$(digest "$A")" != "$before" ]
			migrate "$B_URL" --existing replace import <"$FILE"
			[ "$(digest "$B")" = "$before" ]
		done
	done
	crdb_check
}

@test "a difference carries over what changed, and what was deleted" {
	rows "$A" 2000
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
	[ "$(count "$B" "value = 'mine'")" = 1 ]
	migrate "$A_URL" HULY_OTHER_DB_CONNECTION="$B_URL" --difference export | migrate "$B_URL" --existing replace import
	[ "$(digest "$A")" = "$(digest "$B")" ]
	# Without a difference it is an export of nothing.
	migrate "$A_URL" HULY_OTHER_DB_CONNECTION="$B_URL" --difference export >"$FILE"
	[ "$(wc -l <"$FILE")" = 2 ]
}

@test "from CockroachDB to PostgreSQL, with what changed meanwhile" {
	local from

	from=$(crdb_url "$A_URL")
	# Made anew, as it is on CockroachDB; more than two pages of a scan.
	pg_sql "$A" -c 'drop schema hulykvs cascade' 2>"$FILE.log"
	migrate "$from" 2>"$FILE.log"
	rows "$A" 12000
	migrate "$from" export >"$FILE"
	migrate "$B_URL" import <"$FILE"
	[ "$(digest "$A")" = "$(digest "$B")" ]
	pg_sql "$A" -c "delete from hulykvs.kvs where key ~ '1@'" \
		-c "update hulykvs.kvs set value = 'new', md5 = decode(md5('new'), 'hex') where key ~ '2@'"
	run -1 migrate "$from" HULY_OTHER_DB_CONNECTION="$B_URL" compare
	migrate "$from" HULY_OTHER_DB_CONNECTION="$B_URL" --difference export >"$FILE"
	migrate "$B_URL" --existing replace import <"$FILE"
	[ "$(digest "$A")" = "$(digest "$B")" ]
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
	[ "$(count "$A" "namespace = 'a' and modified < now() - interval '1 hour'")" = 0 ]
	[ "$(count "$A" "namespace = 'a' and modified is null")" -gt 0 ]
	crdb_check
}

@test "sealed values move as they are, with the proofs of their keys, or opened" {
	rows "$A" 60
	keys "$KEY_A"
	migrate "$A_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" reencrypt
	migrate "$A_URL" export >"$FILE"
	run ! grep -F "${KEY_A#* }" "$FILE"
	run -0 migrate "$B_URL" import <"$FILE"
	[[ $output == *'sealed values were taken as they are'*'rows=61'* ]]
	[ "$(digest "$A")" = "$(digest "$B")" ]
	run -0 migrate "$B_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" key-status
	[[ $output == *'key a: 60 (current)'* ]]
	# A part has the proofs, too; and one that is there stays as it is, whatever --existing says.
	pg_sql "$B" -c 'delete from hulykvs.kvs'
	migrate "$A_URL" --workspace "$WS" export | migrate "$B_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" import
	[ "$(count "$B")" = 16 ]
	pg_sql "$B" -c "update hulykvs.kvs set value = 'another' where namespace = 'hulykvs-keys'"
	migrate "$B_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" --existing replace import <"$FILE"
	[ "$(count "$B" "value = 'another'")" = 1 ]
	run -0 same
	# The keys have to be those.
	keys "$KEY_B"
	run -65 migrate "$B_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" import <"$FILE"
	[[ $output == *'line 3: the sealed value does not open'* ]]
	run -69 migrate "$A_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" --opened export
	[[ $output == *'cannot export'*'a key that HULY_ENCRYPTION_KEYS_FILE does not hold'* ]]
	keys "$KEY_A_WRONG"
	run -65 migrate "$B_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" import <"$FILE"
	run -69 migrate "$A_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" --opened export
	[[ $output == *'a value does not open'* ]]
	run -78 migrate "$A_URL" --opened export
	[[ $output == *'HULY_ENCRYPTION_KEYS_FILE: is not set'* ]]
	# Opened: as the original wrote them.
	keys "$KEY_A"
	pg_sql "$B" -c 'delete from hulykvs.kvs'
	migrate "$A_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" --opened export | migrate "$B_URL" import
	migrate "$A_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" decrypt
	[ "$(digest "$A")" = "$(digest "$B")" ]
}

@test "what goes wrong on the second connection of a difference is in the log" {
	local from

	rows "$A" 10
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
	rows "$A" 10
	crdb_order '{"set": ["42501:unnest"]}' >"$FILE.log"
	run -69 migrate "$from" HULY_OTHER_DB_CONNECTION="$B_URL" --difference export
	[[ $output == *'msg="cannot export" why="the second connection: simulated" sqlstate="42501" statement="migrate/export_rows"'* ]]
	# It ends.
	crdb_order '{"set": ["cut:unnest"]}' >"$FILE.log"
	run -69 migrate "$from" HULY_OTHER_DB_CONNECTION="$B_URL" --difference export
	[[ $output == *'msg="cannot connect to the database" why="the second connection: '?*'"'* ]]
}

@test "after a rotation of the keys, an import needs the new key only" {
	rows "$A" 10
	keys "$KEY_A"
	migrate "$A_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" reencrypt
	keys "$KEY_B" "$KEY_A"
	migrate "$A_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" reencrypt
	migrate "$A_URL" export >"$FILE"
	keys "$KEY_B"
	run -0 migrate "$B_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" import <"$FILE"
	[[ $output == *'rows were imported'*'rows=12'* ]]
	[ "$(digest "$A")" = "$(digest "$B")" ]
	run -0 migrate "$B_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" key-status
	[[ $output == *'key b: 10 (current)'* ]]
	# A proof that another key with an id of the file has sealed is refused.
	keys "$KEY_B" "$KEY_A_WRONG"
	run -65 migrate "$B_URL" HULY_ENCRYPTION_KEYS_FILE="$KEYS" import <"$FILE"
	[[ $output == *'line 2: the sealed value does not open'* ]]
}

@test "an export that cannot be written, or whose database goes, ends with an error and without its closing line" {
	rows "$A" 30000
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

@test "purge deletes what was last written so long ago, and no row without a time" {
	rows "$A" 200
	run -0 migrate "$A_URL" --namespace a --older-than 90d --dry-run purge
	[[ $output == *$'to be deleted: '*$'younger: '*$'without a time, kept: '* ]]
	[ "$(sed -n 's/to be deleted: //p' <<<"$output")" = "$(count "$A" "namespace = 'a' and modified < now() - interval '90 days'")" ]
	[ "$(sed -n 's/without a time, kept: //p' <<<"$output")" = "$(count "$A" "namespace = 'a' and modified is null")" ]
	[ "$(count "$A")" = 200 ]
	migrate "$A_URL" --workspace "$WS" --namespace a --prefix '<key 1' --older-than 90d purge
	[ "$(count "$A" "workspace = '$WS' and namespace = 'a' and starts_with(key, '<key 1') and modified < now() - interval '90 days'")" = 0 ]
	left=$(count "$A" "workspace = '$WS' and namespace = 'a' and starts_with(key, '<key 1') and modified is null")
	[ "$left" -gt 0 ]
	[ "$(count "$A" "namespace = 'a' and modified < now() - interval '90 days'")" -gt 0 ]
	[ "$(count "$A" "namespace <> 'a'")" = "$(pg_sql "$A" -c 'select count(*) from generate_series(1, 200) as n where n % 3 > 0')" ]
	# A prefix is literal.
	run -0 migrate "$A_URL" --namespace B --prefix '%' --older-than 1s purge
	[[ $output == *'rows were deleted" rows=0'* ]]
	run -0 migrate "$A_URL" --namespace B --older-than 1s --rate 100000 purge
	[ "$(count "$A" "namespace = 'B' and modified is not null")" = 0 ]
	[ "$(count "$A" "namespace = 'B' and modified is null")" -gt 0 ]
	migrate "$A_URL" --workspace "$WS" --older-than 1s purge
	[ "$(count "$A" "workspace = '$WS' and modified is not null")" = 0 ]
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

	rows "$A" 3000
	pg_sql "$A" -c "update hulykvs.kvs set namespace = 'a', modified = now() - interval '100 days'"
	MIGRATE_EXEC=1 migrate "$A_URL" --namespace a --older-than 90d --rate 400 purge 2>"$FILE.log" 3>&- &
	pid=$!
	world_until 60 less_than "$A" 3000
	# What is left is written, as a client does; then no page finds it.
	pg_sql "$A" -c "update hulykvs.kvs set value = value where key > '<key 5'"
	kill -KILL "$pid"
	wait "$pid" || :
	[ "$(count "$A")" -gt 1000 ]
	run -0 migrate "$A_URL" --namespace a --older-than 90d purge
	[ "$(count "$A")" = "$(count "$A" "modified > now() - interval '1 hour'")" ]
	[ "$(count "$A" "key > '<key 5'")" -gt 0 ]
}

less_than()
{
	[ "$(count "$1")" -lt "$2" ]
}

@test "if the server ends the connection, the log says what the server said" {
	rows "$A" 1000
	pg_sql "$A" -c "update hulykvs.kvs set namespace = 'a', modified = now() - interval '100 days'"
	# With a rate, the connection is idle most of the time.
	migrate "$A_URL" --namespace a --older-than 90d --rate 400 purge 2>"$FILE.log" 3>&- &
	world_until 60 less_than "$A" 1000
	pg_sql postgres -c "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hulykvs-migrate'"
	wait $!
	[ "$(count "$A")" = 0 ]
	grep 'terminating connection due to administrator command' "$FILE.log"
}

@test "a row that is written between its reading and its deletion is not purged" {
	local pid

	rows "$A" 10
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

@test "a schema that is not up to date is refused" {
	pg_sql "$A" -c 'drop trigger hulykvs_modified on hulykvs.kvs'
	for command in export compare import "--older-than 1d --namespace a purge"; do
		# shellcheck disable=SC2086 # words
		run -69 migrate "$A_URL" HULY_OTHER_DB_CONNECTION="$B_URL" $command </dev/null
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
