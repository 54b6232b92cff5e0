#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# bats file_tags=long
# hulykvs-spawn: restarts under load, crashes, new settings, and sockets that are in use.

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
	[ -z "${ELSEWHERE:-}" ] || kill "$ELSEWHERE"
	world_leave
}

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
	world_status_is /readyz 200
}

# Without its file a new program would take the default token secret.
@test "hulykvs-spawn: a settings file that has gone, or is empty, replaces no program and starts none" {
	local change

	world_start nginx
	mkdir "$WORLD_DIR/etc"
	echo 'token_secret = "some other secret"' >"$WORLD_DIR/etc/config.toml"
	kill -HUP "$WORLD_SPAWN"
	world_until 20 grep -q "program replaced" "$WORLD_DIR/program.log"
	world_until 20 programs_are 1
	world_status_is "/api2/$WS/n/k" 401
	for change in 1:'rm etc/config.toml' 2:': >etc/config.toml'; do
		(cd "$WORLD_DIR" && eval "${change#*:}")
		kill -HUP "$WORLD_SPAWN"
		world_until 20 goes_on "${change%%:*}"
		world_status_is "/api2/$WS/n/k" 401
	done
	# One that has crashed is not started again either.
	kill -KILL "$(world_pid)"
	world_until 20 supervisor_ended
	[ "$(cat "$WORLD_DIR/spawn.status")" = 78 ]
	grep -q '^hulykvs: etc/config.toml: missing or empty' "$WORLD_DIR/program.log"
}

# goes_on TIMES
goes_on()
{
	[ "$(grep -c 'the old one goes on' "$WORLD_DIR/program.log")" -eq "$1" ]
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
	world_log_has 'msg="started"' # the first one has read its settings
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
	world_until 20 world_status_is /readyz 200
	before=$(world_pid)
	kill -KILL "$before"
	world_until 20 replaced "$before"
	world_until 20 world_status_is /readyz 200
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

# json_lines: those of standard input about the program; all are JSON.
json_lines()
{
	python3 -c 'import json, sys
lines = [json.loads(line) for line in sys.stdin if "program" in line]
for line in lines:
    print(line["level"], line["msg"], *(f"{name}={value!r}" for name, value in line.items() if name not in ("ts", "level", "msg")))'
}

says_again()
{
	grep -q 'program ended: starting it again' "$WORLD_DIR/program.log"
}

@test "hulykvs-spawn: lines in the format of the program, be it in the environment or in etc/config.toml" {
	run json_lines < <(HULY_LOG_FORMAT=json "$WORLD_TOP/deploy/spawn-fcgi/hulykvs-spawn" -s "$BATS_TEST_TMPDIR/socket" \
		'/nowhere/"a\b' 2>&1)
	[ "$output" = "error no such program program='/nowhere/\"a\\\\b'" ]
	WORLD_BARE=1 world_start none HULY_DB_CONNECTION=host=/nowhere
	mkdir -p "$WORLD_DIR/etc"
	echo 'log_format = "json"' >"$WORLD_DIR/etc/config.toml"
	kill -KILL "$(world_pid)"
	world_until 20 says_again
	run json_lines < <(grep 'program ended' "$WORLD_DIR/program.log")
	[ "$output" = "warn program ended: starting it again status=137" ]
}

@test "a program that is not there is said to be missing, once" {
	run timeout 20 "$WORLD_TOP/deploy/spawn-fcgi/hulykvs-spawn" -s "$BATS_TEST_TMPDIR/socket" /nowhere/hulykvs
	[ "$status" -eq 64 ]
	[[ $output == *'msg="no such program" program="/nowhere/hulykvs"'* ]]
}

@test "TERM ends the program, and 0 is its status" {
	world_start nginx
	program=$(world_pid)
	kill -TERM "$WORLD_SPAWN"
	world_until 20 world_gone "$program"
	world_until 20 test -s "$WORLD_DIR/spawn.status"
	[ "$(cat "$WORLD_DIR/spawn.status")" = 0 ]
}
