#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The program behind both web servers: restarts, a database that hangs or is
# not ready, what the logs say; and its command line.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0

load ../lib/postgres
load ../lib/world

WS=5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f # the workspace of the token

setup_file()
{
	world_cluster
}

teardown_file()
{
	pg_remove
}

teardown()
{
	pg_thaw
	[ -z "${ELSEWHERE:-}" ] || kill "$ELSEWHERE"
	world_leave
}

status_is()
{
	[ "$(world_status "$1")" = "$2" ]
}

# --- restarts ---

# No line of load.py but 200 and 204, and as many of them as were asked for.
only_successes()
{
	[ "$(awk '$2 != 200 && $2 != 204' "$1")" = "" ] || { cat "$1"; return 1; }
	[ "$(awk '{ n += $3 } END { print n }' "$1")" -eq "$2" ]
}

restarts_lose_nothing()
{
	world_start "$1"
	"$WORLD_TOP/tests/tools/load.py" "$WORLD_URL" 16 400 >"$BATS_TEST_TMPDIR/counts" 3>&- &
	load=$!
	for _ in 1 2 3; do
		before=$(world_pid)
		kill -HUP "$WORLD_SPAWN"
		world_until 20 replaced "$before"
	done
	wait "$load"
	cat "$BATS_TEST_TMPDIR/counts"
	only_successes "$BATS_TEST_TMPDIR/counts" 12800
	world_stop
}

replaced()
{
	world_gone "$1" && [ -n "$(world_pid)" ]
}

@test "nginx: restarts under load lose no request" { restarts_lose_nothing nginx; }
@test "lighttpd: restarts under load lose no request" { restarts_lose_nothing lighttpd; }

@test "nginx: a crash costs no read" {
	world_start nginx
	"$WORLD_TOP/tests/tools/load.py" "$WORLD_URL" 8 50 PUT >"$BATS_TEST_TMPDIR/puts"
	only_successes "$BATS_TEST_TMPDIR/puts" 400
	key=/api2/$WS/web/crash
	[ "$(world_status "$key" -X PUT -d value)" = 204 ]
	for _ in 1 2 3; do
		kill -KILL "$(world_pid)"
		[ "$(world_status "$key")" = 200 ]
	done
}

@test "a program that cannot run is not started again and again" {
	WORLD_BARE=1 world_start none HULY_DB_CONNECTION=host=/nowhere
	kill -TERM "$WORLD_SPAWN"
	world_until 20 world_gone "$WORLD_SPAWN"
	echo "HULY_WORKERS=none" >>"$WORLD_DIR/settings"
	world_environment
	run timeout 20 "${WORLD_ENV[@]}" "$WORLD_TOP/deploy/spawn-fcgi/hulykvs-spawn" -s "$WORLD_DIR/other" \
		"$HULYKVS_BUILD/hulykvs"
	[ "$status" -eq 78 ]
	[[ $output == *HULY_WORKERS* ]]
}

@test "hulykvs-spawn tells a program of a crash of the one before, or of what the environment says" {
	# The first one crashes, the second one ends in order, the third one says that it cannot run.
	# shellcheck disable=SC2016 # the program's own
	printf '#!/bin/sh\necho "after=$HULYKVS_AFTER_CRASH" >>"%s"\nn=$(wc -l <"%s")\n%s\n' \
		"$BATS_TEST_TMPDIR/starts" "$BATS_TEST_TMPDIR/starts" \
		'case $n in 1) exit 1 ;; 2) exit 0 ;; *) exit 64 ;; esac' >"$BATS_TEST_TMPDIR/program"
	chmod 755 "$BATS_TEST_TMPDIR/program"
	run "$WORLD_TOP/deploy/spawn-fcgi/hulykvs-spawn" -s "$BATS_TEST_TMPDIR/s" "$BATS_TEST_TMPDIR/program"
	[ "$status" -eq 64 ]
	[ "$(tr '\n' ' ' <"$BATS_TEST_TMPDIR/starts")" = 'after= after=yes after= ' ]
	rm "$BATS_TEST_TMPDIR/starts"
	HULYKVS_AFTER_CRASH=yes run "$WORLD_TOP/deploy/spawn-fcgi/hulykvs-spawn" -s "$BATS_TEST_TMPDIR/s" \
		"$BATS_TEST_TMPDIR/program"
	[ "$(tr '\n' ' ' <"$BATS_TEST_TMPDIR/starts")" = 'after=yes after=yes after=yes ' ]
}

starts_are()
{
	[ -f "$BATS_TEST_TMPDIR/starts" ] && [ "$(tr '\n' ' ' <"$BATS_TEST_TMPDIR/starts")" = "$1" ]
}

@test "hulykvs-spawn tells a program that replaces another one soon after a crash, too" {
	# The first one crashes, the second one is replaced by the third one.
	# shellcheck disable=SC2016 # the program's own
	printf '#!/bin/sh\necho "after=$HULYKVS_AFTER_CRASH" >>"%s"\n[ "$(wc -l <"%s")" -gt 1 ] || exit 1\nexec sleep 60\n' \
		"$BATS_TEST_TMPDIR/starts" "$BATS_TEST_TMPDIR/starts" >"$BATS_TEST_TMPDIR/program"
	chmod 755 "$BATS_TEST_TMPDIR/program"
	"$WORLD_TOP/deploy/spawn-fcgi/hulykvs-spawn" -s "$BATS_TEST_TMPDIR/s" "$BATS_TEST_TMPDIR/program" 3>&- &
	WORLD_SPAWN=$!
	world_until 10 starts_are 'after= after=yes '
	kill -HUP "$WORLD_SPAWN"
	world_until 10 starts_are 'after= after=yes after=yes '
	kill -TERM "$WORLD_SPAWN"
	world_until 20 world_gone "$WORLD_SPAWN"
}

@test "hulykvs-spawn obeys HUP also where HUP was ignored when it started" {
	printf '#!/bin/sh\nexec sleep 60\n' >"$BATS_TEST_TMPDIR/program"
	chmod 755 "$BATS_TEST_TMPDIR/program"
	env --ignore-signal=HUP,INT "$WORLD_TOP/deploy/spawn-fcgi/hulykvs-spawn" -s "$BATS_TEST_TMPDIR/s" \
		"$BATS_TEST_TMPDIR/program" 2>"$BATS_TEST_TMPDIR/log" 3>&- &
	WORLD_SPAWN=$!
	world_until 10 pgrep -P "$WORLD_SPAWN" -x sleep
	kill -HUP "$WORLD_SPAWN"
	world_until 10 grep -q 'program replaced' "$BATS_TEST_TMPDIR/log"
	kill -INT "$WORLD_SPAWN"
	world_until 20 world_gone "$WORLD_SPAWN"
}

# spawn_fails STATUS PATTERN ARG …: hulykvs-spawn ends with that status and one line that matches.
spawn_fails()
{
	local wanted=$1 pattern=$2
	shift 2

	run timeout 30 "$WORLD_TOP/deploy/spawn-fcgi/hulykvs-spawn" "$@" "$HULYKVS_BUILD/hulykvs"
	echo "$output"
	# shellcheck disable=SC2053 # a pattern
	[ "$status" -eq "$wanted" ] && [ ${#lines[@]} -eq 1 ] && [[ $output == $pattern ]]
}

@test "hulykvs-spawn: a socket that cannot be made, or a user that does not exist, is named in one line" {
	spawn_fails 73 '*level=error*/nowhere/*' -s "$BATS_TEST_TMPDIR/nowhere/hulykvs.sock"
	spawn_fails 73 '*level=error*/proc/*' -s /proc/nowhere/hulykvs.sock
	spawn_fails 64 '*level=error*nobody-of-this-name*' -u nobody-of-this-name -s "$BATS_TEST_TMPDIR/hulykvs.sock"
	spawn_fails 64 '*level=error*nogroup-of-this-name*' -G nogroup-of-this-name -s "$BATS_TEST_TMPDIR/hulykvs.sock"
}

@test "new settings that are wrong: the old program goes on serving" {
	world_start nginx
	before=$(world_pid)
	mkdir "$WORLD_DIR/etc"
	echo 'workers = "none"' >"$WORLD_DIR/etc/config.toml"
	kill -HUP "$WORLD_SPAWN"
	world_until 20 grep -q "the old one goes on" "$WORLD_DIR/program.log"
	[ "$(world_pid)" = "$before" ]
	status_is /readyz 200
}

# Programs, old and new, on the world's socket.
programs()
{
	pgrep -c -x -P "$WORLD_SPAWN" hulykvs
}

programs_are()
{
	[ "$(programs)" -eq "$1" ]
}

supervisor_ended()
{
	[ -s "$WORLD_DIR/spawn.status" ]
}

@test "HUP again while a HUP is under way: one program is left, and TERM ends it" {
	world_start none
	before=$(world_pid)
	kill -HUP "$WORLD_SPAWN"
	world_until 10 programs_are 2
	kill -HUP "$WORLD_SPAWN"
	world_until 20 replaced_twice
	world_until 20 programs_are 1
	world_gone "$before"
	kill -TERM "$WORLD_SPAWN"
	world_until 20 supervisor_ended
	[ "$(cat "$WORLD_DIR/spawn.status")" = 0 ]
}

replaced_twice()
{
	[ "$(grep -c 'program replaced' "$WORLD_DIR/program.log")" -eq 2 ]
}

@test "TERM while a HUP with wrong settings is under way ends the old program, too" {
	world_start none
	mkdir "$WORLD_DIR/etc"
	echo 'workers = "none"' >"$WORLD_DIR/etc/config.toml"
	kill -HUP "$WORLD_SPAWN"
	world_until 10 grep -q '^hulykvs: .*workers' "$WORLD_DIR/program.log"
	kill -TERM "$WORLD_SPAWN"
	world_until 20 supervisor_ended
}

# The signal comes just before the second start: the child gets it while it still is the script.  On one processor the
# child does not run before it is signalled.
@test "TERM as hulykvs-spawn starts the program again ends both" {
	local dir=$BATS_TEST_TMPDIR

	mkdir "$dir/bin"
	# shellcheck disable=SC2016 # the scripts' own
	printf '#!/bin/sh\ncase $* in *%%s*)\n\techo >>"%s"\n\t[ "$(wc -l <"%s")" -ne 4 ] || kill -TERM "$PPID" ;;\nesac\n%s\n' \
		"$dir/asked" "$dir/asked" 'exec /bin/date "$@"' >"$dir/bin/date"
	# shellcheck disable=SC2016
	printf '#!/bin/sh\n[ -f "%s" ] || {\n\t: >"%s"\n\texit 1\n}\nexec sleep 1000\n' "$dir/ran" "$dir/ran" >"$dir/program"
	chmod 755 "$dir/bin/date" "$dir/program"
	PATH=$dir/bin:$PATH run timeout --kill-after=1 10 taskset -c "$(taskset -c -p $$ | sed 's/.*[:,-] *//')" \
		"$WORLD_TOP/deploy/spawn-fcgi/hulykvs-spawn" -s "$dir/socket" "$dir/program"
	[ "$status" -eq 143 ]
	[ "$(wc -l <"$dir/asked")" -eq 4 ]
}

has_program()
{
	[ -n "$(world_pid)" ]
}

@test "kill -9 of the supervisor ends its program; another one takes the socket over, and keeps a program running" {
	world_start nginx
	before=$(world_pid)
	kill -KILL "$WORLD_SPAWN"
	world_program
	world_until 20 world_gone "$before"
	world_until 20 has_program
	world_until 20 status_is /readyz 200
	before=$(world_pid)
	kill -KILL "$before"
	world_until 20 replaced "$before"
	world_until 20 status_is /readyz 200
}

# listen_elsewhere DIRECTORY: a program listens on DIRECTORY/s, in a file system that only it sees there, as a container
# on this host's network does.
listen_elsewhere()
{
	# shellcheck disable=SC2016 # the inner shell's
	unshare -m sh -c 'mount -t tmpfs none "$1" && exec python3 -c "
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1] + \"/s\")
s.listen()
open(sys.argv[2], \"w\").close()
time.sleep(60)" "$1" "$2"' - "$1" "$BATS_TEST_TMPDIR/listens" 3>&- &
	ELSEWHERE=$!
	world_until 10 test -e "$BATS_TEST_TMPDIR/listens"
}

@test "hulykvs-spawn: a socket of the same path in another container does not stand in the way" {
	local dir=$BATS_TEST_TMPDIR/run

	unshare -m true 2>/dev/null || skip "no mount namespaces"
	mkdir "$dir"
	printf '#!/bin/sh\nexit 64\n' >"$BATS_TEST_TMPDIR/program"
	chmod 755 "$BATS_TEST_TMPDIR/program"
	listen_elsewhere "$dir"
	grep -q " $dir/s\$" /proc/net/unix
	run timeout 60 "$WORLD_TOP/deploy/spawn-fcgi/hulykvs-spawn" -s "$dir/s" "$BATS_TEST_TMPDIR/program"
	[ "$status" -eq 64 ]
	[ -S "$dir/s" ]
	# A socket that was left behind does not either.
	run timeout 60 "$WORLD_TOP/deploy/spawn-fcgi/hulykvs-spawn" -s "$dir/s" "$BATS_TEST_TMPDIR/program"
	[ "$status" -eq 64 ]
	[[ $output != *"is in use"* ]]
}

@test "hulykvs-spawn: a socket that another program listens on is left to it, with 73" {
	world_start none
	run timeout 60 "$WORLD_TOP/deploy/spawn-fcgi/hulykvs-spawn" -s "$WORLD_SOCKET" "$HULYKVS_BUILD/hulykvs"
	[ "$status" -eq 73 ]
	[[ $output == *"another program still uses it"* ]]
	"$HULYKVS_BUILD/hulykvs" --probe live --socket "$WORLD_SOCKET"
}

@test "a program that is not there is said to be missing, once" {
	run timeout 20 "$WORLD_TOP/deploy/spawn-fcgi/hulykvs-spawn" -s "$BATS_TEST_TMPDIR/socket" /nowhere/hulykvs
	[ "$status" -eq 64 ]
	[[ $output == *'msg="no such program" program=/nowhere/hulykvs'* ]]
}

@test "TERM ends the program, and 0 is its status" {
	world_start nginx
	program=$(world_pid)
	kill -TERM "$WORLD_SPAWN"
	world_until 20 world_gone "$program"
	world_until 20 test -s "$WORLD_DIR/spawn.status"
	[ "$(cat "$WORLD_DIR/spawn.status")" = 0 ]
}

# --- the database ---

hanging_database()
{
	world_start "$1" HULY_REQUEST_TIMEOUT=2 HULY_STATEMENT_TIMEOUT=1
	status_is "/api2/$WS/web/k" 404
	pg_freeze
	status_is /livez 200
	status_is /status 200
	status_is "/api2/$WS/web/k" 503
	[ "$(world_status "/api2/$WS/web/k" -X PUT -d v)" = 503 ]
	status_is /livez 200
	status_is /nowhere 404
	[ "$(WORLD_TOKEN='' world_status "/api2/$WS/web/k")" = 401 ]
	world_until 20 status_is /readyz 503
	pg_thaw
	world_until 20 status_is /readyz 200
	world_until 20 status_is "/api2/$WS/web/other" 404
}

@test "nginx: while the database hangs, all else is answered" { hanging_database nginx; }
@test "lighttpd: while the database hangs, all else is answered" { hanging_database lighttpd; }

@test "refusals do not wait for a database that hangs" {
	world_start nginx HULY_REQUEST_TIMEOUT=5
	status_is "/api2/$WS/web/k" 404
	pg_freeze
	clients=()
	for i in $(seq 64); do
		world_status "/api2/$WS/web/$i" >"$BATS_TEST_TMPDIR/status.$i" 3>&- &
		clients+=($!)
	done
	for _ in $(seq 20); do
		status_is /livez 200
		[ "$(WORLD_TOKEN='' world_status /api2/x)" = 401 ]
	done
	pg_thaw
	wait "${clients[@]}"
	[ "$(cat "$BATS_TEST_TMPDIR"/status.* | grep -oE '404|503' | wc -l)" = 64 ]
}

@test "without a database: alive, not ready, and 503 with the reason" {
	WORLD_BARE=1 world_start nginx "HULY_DB_CONNECTION=host=$BATS_TEST_TMPDIR"
	world_until 20 status_is /livez 200
	run world_get /readyz
	[ "${lines[-1]}" = 503 ]
	[ "${#lines[0]}" -gt 9 ]
	run world_get "/api2/$WS/web/k" -D "$BATS_TEST_TMPDIR/head"
	[ "${lines[-1]}" = 503 ]
	grep -qi '^retry-after: ' "$BATS_TEST_TMPDIR/head"
}

@test "a database without our tables: not ready until it is migrated, without a restart" {
	url=$(pg_db "bare$RANDOM")
	WORLD_BARE=1 world_start nginx "HULY_DB_CONNECTION=$url"
	world_until 20 status_is /livez 200
	before=$(world_pid)
	world_until 20 status_is /readyz 503
	run world_get /readyz
	[[ ${lines[0]} == *schema* || ${lines[0]} == *table* || ${lines[0]} == *migrat* ]]
	world_migrate
	world_until 20 status_is /readyz 200
	status_is "/api2/$WS/web/k" 404
	[ "$(world_pid)" = "$before" ]
	WORLD_ERRORS_EXPECTED=1 world_stop
}

@test "a database that is not in UTF8: not ready, and /readyz says why" {
	for encoding in LATIN1 SQL_ASCII; do
		url=$(pg_db "other$RANDOM" --template=template0 --encoding=$encoding --locale=C)
		WORLD_BARE=1 world_start nginx "HULY_DB_CONNECTION=$url"
		world_until 20 status_is /livez 200
		world_until 20 status_is /readyz 503
		world_until 20 probe_has "^\[-\]schema failed: the database's encoding is $encoding, and UTF8 is needed"
		status_is "/api2/$WS/web/k" 503
		WORLD_ERRORS_EXPECTED=1 world_stop
	done
}

probe_has()
{
	world_probe /readyz | grep -q "$1"
}

# A key of 8,190 bytes and one after it, which only its cursor reaches.
long_keys_are_paged()
{
	local long next page

	world_start "$1"
	long=$(printf 'x%.0s' {1..8190}) next=${long}y
	for key in "$long" "$next"; do
		[ "$(world_status "/api2/$WS/long/$key" -T - <<<value)" = 204 ]
	done
	page=$(world_page 'limit=1')
	[ "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["keys"][0])' <<<"$page")" = "$long" ]
	page=$(world_page "limit=1&cursor=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["cursor"])' <<<"$page")")
	[ "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["keys"][0])' <<<"$page")" = "$next" ]
	world_stop
}

world_page()
{
	curl -s -f -H "Authorization: Bearer $(world_token)" "$WORLD_URL/api2/$WS/long?$1"
}

@test "nginx: keys of 8,190 bytes are paged" { long_keys_are_paged nginx; }
@test "lighttpd: keys of 8,190 bytes are paged" { long_keys_are_paged lighttpd; }

@test "a database of the original's first version: not ready until it is migrated" {
	name=old$RANDOM
	url=$(pg_db "$name")
	WORLD_BARE=1 world_start nginx "HULY_DB_CONNECTION=$url"
	pg_sql "$name" <<-'END'
		create schema hulykvs;
		create table hulykvs.kvs (namespace text, key text, md5 bytea not null, value bytea not null, primary key (namespace, key));
		create table hulykvs.migrations_pg (version int4 primary key, name varchar(255), applied_on varchar(255), checksum varchar(255));
		insert into hulykvs.migrations_pg values (1, 'initial', '2025-01-01T00:00:00Z', '1555104749697885330');
		insert into hulykvs.kvs values ('old', 'k', decode('f97c5d29941bfb1b2fdab0874906ab82', 'hex'), 'one');
	END
	world_until 20 status_is /livez 200
	world_until 20 status_is /readyz 503
	world_migrate
	world_until 20 status_is /readyz 200
	run world_get /api/old/k
	[ "${lines[0]}" = one ]
}

# --- what the logs say ---

logs_tell_nothing()
{
	world_start "$1" HULY_REQUEST_TIMEOUT=2 HULY_STATEMENT_TIMEOUT=1
	secret=canary$RANDOM$RANDOM
	key=/api2/$WS/ns-$secret/key-$secret
	[ "$(world_status "$key?q=$secret" -X PUT -d "value-$secret")" = 204 ]
	[ "$(world_status "$key?q=$secret")" = 200 ]
	[ "$(world_status "/api2/$WS/ns-$secret?prefix=key-$secret")" = 200 ]
	[ "$(world_status "$key" -X PATCH)" = 405 ]
	[ "$(world_status "$key" -X PUT -d x -H "If-Match: tag-$secret")" = 400 ]
	[ "$(world_status "/api2/ws-$secret/a/b")" = 400 ]
	[ "$(world_status "/$secret")" = 404 ]
	[ "$(WORLD_TOKEN=$secret world_status "$key")" = 401 ]
	[ "$(world_status "$key%zz")" = 400 ]
	[ "$(world_status "$key" -H "X-Request-Id: x" -H "Referer: http://x/$secret" -H "User-Agent: $secret" -H "Origin: http://$secret")" = 200 ]
	pg_freeze
	[ "$(world_status "$key-frozen")" = 503 ]
	[ "$(world_status "$key-frozen" -X PUT -d "value-$secret")" = 503 ]
	pg_thaw
	# With no program behind it, the web server has something to say itself.
	kill -TERM "$WORLD_SPAWN"
	world_until 20 world_gone "$WORLD_SPAWN"
	[ "$(world_status "$key-gone")" -ge 500 ]
	rm -f "$WORLD_SOCKET"
	[ "$(world_status "$key-lost" -X DELETE)" -ge 500 ]
	world_kill "$WORLD_WEB"
	WORLD_WEB=''
	ls "$WORLD_DIR"
	grep -q 'msg="request"' "$WORLD_DIR/program.log"
	for word in "$secret" "${WORLD_TOKEN%.*}" "${WORLD_TOKEN##*.}" "$WS"; do
		run grep -rlF -e "$word" --include='*.log' "$WORLD_DIR"
		echo "$output"
		[ "$status" -eq 1 ]
	done
}

@test "nginx: no key, value or token in a log" { logs_tell_nothing nginx; }
@test "lighttpd: no key, value or token in a log" { logs_tell_nothing lighttpd; }

@test "neither connection string nor secret in a log" {
	WORLD_BARE=1 world_start none "HULY_DB_CONNECTION=postgresql://canary-user:canary-word@127.0.0.1:1/canary-db" \
		HULY_TOKEN_SECRET=canary-secret
	world_until 20 grep -q 'level=\(warn\|error\)' "$WORLD_DIR/program.log"
	run grep -F -e canary-user -e canary-word -e canary-secret "$WORLD_DIR/program.log"
	echo "$output"
	[ "$status" -eq 1 ]
}

# --- sizes and clients ---

large_values()
{
	world_start "$1"
	head -c 2000000 /dev/urandom >"$BATS_TEST_TMPDIR/value"
	head -c 2000001 /dev/urandom >"$BATS_TEST_TMPDIR/over"
	[ "$(world_status "/api2/$WS/web/large" -T "$BATS_TEST_TMPDIR/value")" = 204 ]
	curl -sf -H "Authorization: Bearer $WORLD_TOKEN" "$WORLD_URL/api2/$WS/web/large" | cmp - "$BATS_TEST_TMPDIR/value"
	[ "$(world_status "/api2/$WS/web/large" -T "$BATS_TEST_TMPDIR/over")" = 413 ]
	curl -sf -H "Authorization: Bearer $WORLD_TOKEN" "$WORLD_URL/api2/$WS/web/large" | cmp - "$BATS_TEST_TMPDIR/value"
	world_stop
}

@test "nginx: two million bytes, and one more" { large_values nginx; }
@test "lighttpd: two million bytes, and one more" { large_values lighttpd; }

many_clients()
{
	world_start "$1"
	run "$WORLD_TOP/tests/tools/load.py" "$WORLD_URL" 64 40
	echo "$output"
	[ "$output" = "GET 200 2560"$'\n'"PUT 204 2560" ]
	world_stop
}

@test "nginx: 64 clients" { many_clients nginx; }
@test "lighttpd: 64 clients" { many_clients lighttpd; }

@test "limit, default workspace and schema are settings" {
	world_start nginx HULY_PAYLOAD_SIZE_LIMIT=10 HULY_DEFAULT_WORKSPACE_UUID=$WS HULY_DB_SCHEME=elsewhere
	[ "$(world_status "/api2/$WS/web/k" -X PUT -d 0123456789)" = 204 ]
	[ "$(world_status "/api2/$WS/web/k" -X PUT -d 01234567890)" = 413 ]
	run world_get /api/web/k
	[ "${lines[0]}" = 0123456789 ]
	[ "$(pg_sql "w${WORLD_DIR##*.}" -c 'select count(*) from elsewhere.kvs')" = 1 ]
}

# --- the command line ---

program()
{
	run env -i PATH="$PATH" "$@"
}

@test "a row of another program's without an MD5: the tag is the value's own" {
	local key=/api2/5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f/n/k tag

	world_start nginx
	[ "$(world_status "$key" -T - <<<"a value")" = 204 ]
	tag=$(world_get "$key" -I | grep -i '^etag:')
	pg_sql "w${WORLD_DIR##*.}" -c "update hulykvs.kvs set md5 = ''"
	[ "$(world_get "$key" -I | grep -i '^etag:')" = "$tag" ]
	[ "$(world_get "$key" -D - -o /dev/null | grep -i '^etag:')" = "$tag" ]
	tag=$(tr -d '\r' <<<"${tag#*: }")
	[ "$(world_status "$key" -T - -H "If-Match: $tag" <<<"a value")" = 204 ]
	[ "$(world_status "$key" -T - -H "If-Match: $tag" <<<"a value")" = 204 ]
	pg_sql "w${WORLD_DIR##*.}" -c "update hulykvs.kvs set md5 = ''"
	[ "$(world_status "$key" -X DELETE -H 'If-Match: "00000000000000000000000000000000"')" = 412 ]
	[ "$(world_status "$key" -X DELETE -H "If-Match: $tag")" = 204 ]
	world_stop
}

@test "--help names every setting, --version the version" {
	program "$HULYKVS_BUILD/hulykvs" --help
	[ "$status" -eq 0 ]
	for name in $(grep -oE '"HULY_[A-Z_]+"' "$WORLD_TOP/src/config/settings.h" | tr -d '"'); do
		[[ $output == *"$name"* ]]
	done
	program "$HULYKVS_BUILD/hulykvs" --version
	[ "$status" -eq 0 ]
	[[ $output =~ ^hulykvs\ [0-9]+\.[0-9]+ ]]
}

@test "an unknown option: 64" {
	program "$HULYKVS_BUILD/hulykvs" --nonsense
	[ "$status" -eq 64 ]
	program "$HULYKVS_BUILD/hulykvs" argument
	[ "$status" -eq 64 ]
}

@test "on a terminal, or with nothing to serve: says how to run it, 64" {
	run env -i PATH="$PATH" python3 -c 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' \
		"$HULYKVS_BUILD/hulykvs" </dev/null
	[ "$status" -eq 64 ]
	[[ $output == *spawn-fcgi* ]]
	program "$HULYKVS_BUILD/hulykvs" </dev/null
	[ "$status" -eq 64 ]
}

@test "--check-config: 0, or 78 and one line that names the setting" {
	program HULY_DB_CONNECTION=host=/x HULY_TOKEN_SECRET=s "$HULYKVS_BUILD/hulykvs" --check-config
	[ "$status" -eq 0 ]
	for setting in HULY_DB_CONNECTION=nonsense HULY_DB_CONNECTION= HULY_DB_CONNECTION='postgresql://canary@[/' \
		HULY_DB_SCHEME= HULY_TOKEN_SECRET= HULY_BIND_HOST= HULY_BIND_PORT=0 HULY_BIND_PORT=65536 HULY_BIND_PORT=web \
		HULY_PAYLOAD_SIZE_LIMIT=many HULY_PAYLOAD_SIZE_LIMIT=-1 HULY_PAYLOAD_SIZE_LIMIT=2Gb HULY_PAYLOAD_SIZE_LIMIT=1.x \
		HULY_DEFAULT_WORKSPACE_UUID=here HULY_DEFAULT_WORKSPACE_UUID= HULY_LOG_LEVEL=loud HULY_WORKERS=0 HULY_WORKERS=x \
		HULY_DB_PREPARED=maybe HULY_REQUEST_TIMEOUT=0 HULY_REQUEST_TIMEOUT=soon HULY_STATEMENT_TIMEOUT=-1 \
		HULY_BODY_BUDGET=some; do
		echo "$setting"
		program "$setting" "$HULYKVS_BUILD/hulykvs" --check-config
		echo "$output"
		[ "$status" -eq 78 ]
		[ "$(grep -c "${setting%%=*}" <<<"$output")" -eq 1 ]
		[[ $output != *canary* ]]
	done
}

@test "an unknown setting is a warning at most" {
	program HULY_TOKEN_SECRET=s HULY_SOMETHING_ELSE=1 "$HULYKVS_BUILD/hulykvs" --check-config
	[ "$status" -eq 0 ]
}

@test "the default secret is warned about, a secret of one's own is not" {
	program "$HULYKVS_BUILD/hulykvs" --check-config
	[ "$status" -eq 0 ]
	[[ $output == *level=warn*HULY_TOKEN_SECRET* ]]
	program HULY_TOKEN_SECRET=of-my-own "$HULYKVS_BUILD/hulykvs" --check-config
	[ "$status" -eq 0 ]
	[[ $output != *level=warn* ]]
	[[ $output != *of-my-own* ]]
}

@test "etc/config.toml is read, and the environment is above it" {
	mkdir "$BATS_TEST_TMPDIR/etc"
	cd "$BATS_TEST_TMPDIR"
	printf 'token_secret = "s"\nbind_port = 0\n' >etc/config.toml
	program "$HULYKVS_BUILD/hulykvs" --check-config
	[ "$status" -eq 78 ]
	[[ $output == *bind_port* ]]
	program HULY_BIND_PORT=8094 "$HULYKVS_BUILD/hulykvs" --check-config
	[ "$status" -eq 0 ]
	printf 'bind_host = "10.1.2.3"\nbind_port = 8095\n' >etc/config.toml
	run env -i PATH="$PATH" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" "$WORLD_TOP/deploy/render" "$WORLD_TOP/deploy/nginx/nginx.conf"
	[[ $output == *"listen 10.1.2.3:8095 "* ]]
	run env -i PATH="$PATH" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" HULY_BIND_HOST=::1 "$WORLD_TOP/deploy/render" "$WORLD_TOP/deploy/lighttpd/hulykvs.conf"
	[[ $output == *'server.bind = "[::1]"'*"server.port = 8095"* ]]
}

@test "the templates: what cannot stand in a configuration is refused" {
	for setting in "HULY_BIND_HOST=a b" "HULY_BIND_HOST=x;y" HULY_BIND_PORT=0 HULY_BIND_PORT=99999 HULYKVS_SOCKET=relative \
		"HULYKVS_RUN_DIR=/a b"; do
		run env -i PATH="$PATH" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" "$setting" "$WORLD_TOP/deploy/render" "$WORLD_TOP/deploy/nginx/nginx.conf"
		[ "$status" -eq 78 ]
	done
}

@test "deploy/render: if a file cannot be read that the template includes, it fails and prints no configuration" {
	local left=$BATS_TEST_TMPDIR/deploy

	for template in nginx/nginx.conf lighttpd/hulykvs.conf; do
		rm -rf "$left"
		cp -R "$WORLD_TOP/deploy" "$left"
		rm "$left/${template%/*}/operator.conf"
		run --separate-stderr env -i PATH="$PATH" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" "$left/render" "$left/$template"
	# shellcheck disable=SC2154 # of run --separate-stderr
		echo "$stderr"
		[ "$status" -eq 66 ]
		[ -z "$output" ]
		[[ $stderr == *"cannot read a file that the template includes: $left/${template%/*}/operator.conf" ]]
	done
}

@test "deploy/render: settings of HULYKVS_ENVIRONMENT_FILE are read as systemd reads them, and not by a shell" {
	cd "$BATS_TEST_TMPDIR"
	# shellcheck disable=SC2016 # must not be expanded
	printf '%s\n' 'HULY_TOKEN_SECRET=a(b&c$(touch executed)`touch executed`;touch executed' 'HULY_BIND_PORT = "8096"' >environment
	run env -i PATH="$PATH" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" HULYKVS_ENVIRONMENT_FILE=environment \
		"$WORLD_TOP/deploy/render" "$WORLD_TOP/deploy/nginx/nginx.conf"
	[ "$status" -eq 0 ]
	[[ $output == *"listen 0.0.0.0:8096 "* ]]
	[ ! -e executed ]
	run env -i PATH="$PATH" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" HULYKVS_ENVIRONMENT_FILE=nowhere \
		"$WORLD_TOP/deploy/render" "$WORLD_TOP/deploy/nginx/nginx.conf"
	[ "$status" -eq 78 ]
	[[ $output == *"nowhere: No such file"* ]]
}

@test "no document has a shell read the file of settings of systemd, or makes it empty" {
	run grep -nE '(\.|source) [^ ]*environment\b' "$WORLD_TOP"/docs/*.md "$WORLD_TOP"/debian/README.Debian "$WORLD_TOP/README.md"
	echo "$output"
	[ "$status" -eq 1 ]
	run grep -nE '^install .*/etc/hulykvs/environment' "$WORLD_TOP"/docs/*.md "$WORLD_TOP"/debian/README.Debian "$WORLD_TOP/README.md"
	[ "$status" -eq 1 ]
}
