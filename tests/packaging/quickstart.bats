#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The README's first command, on a copy of the tree.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

load ../lib/postgres
load ../lib/world

setup_file()
{
	COPY=$(mktemp -d /tmp/hkv-q.XXXXXX)
	export COPY
	export PORT METRICS_PORT
	read -r PORT METRICS_PORT < <(world_ports 2)
	(cd "$WORLD_TOP" && sources | tar c -T - | tar x -C "$COPY")
	chmod 755 "$COPY"
	if [ "$(id -u)" -eq 0 ]; then
		mkdir "$COPY.closed" && chmod 700 "$COPY.closed"
	fi
}

teardown_file()
{
	rm -rf "$COPY" "$COPY.closed"
}

setup()
{
	QUICK=''
}

teardown()
{
	world_kill "$QUICK" 60 || :
}

# What a clone has; also in a tree without git.
sources()
{
	git ls-files -co --exclude-standard 2>/dev/null ||
		find . -type f -not -path './build/*' -not -path './var' -not -path './var/*' -not -path './.git/*'
}

# begin DIRECTORY [COMMAND …]: runs it there in the background.
begin()
{
	local dir=$1
	shift

	: >"$BATS_TEST_TMPDIR/out"
	(
		cd "$dir" || exit
		unset "${!HULY_@}"
		export HULY_BIND_HOST=127.0.0.1 HULY_BIND_PORT=$PORT HULY_METRICS_BIND=127.0.0.1:$METRICS_PORT HULY_TOKEN_SECRET=of-the-test
		export CFLAGS=-O1 # half the time to compile
		exec "$@" deploy/quickstart
	) >"$BATS_TEST_TMPDIR/out" 2>&1 </dev/null 3>&- &
	QUICK=$!
}

# start DIRECTORY [COMMAND …]: the same, until it greets.
start()
{
	begin "$@"
	world_until 600 greeted_or_gone
	cat "$BATS_TEST_TMPDIR/out"
	grep -q "Ctrl-C stops it" "$BATS_TEST_TMPDIR/out"
}

greeted_or_gone()
{
	grep -q "Ctrl-C stops it" "$BATS_TEST_TMPDIR/out" || world_gone "$QUICK"
}

# The curl lines that it printed, as they stand there.
try()
{
	sed -n '/^TOKEN=/,/^$/p' "$BATS_TEST_TMPDIR/out" | bash
}

descendants()
{
	local pid

	for pid in $(pgrep -P "$1"); do
		echo "$pid"
		descendants "$pid"
	done
}

# stop SIGNAL: it and all that it had started are gone, and its directory in /tmp as well.
stop()
{
	local started pid dirs

	mapfile -t started < <(descendants "$QUICK")
	[ "${#started[@]}" -ge 4 ]
	dirs=$(tr '\0' '\n' <"/proc/${started[0]}/environ" | sed -n 's/.*host=\(\/tmp\/hulykvs\.[^ ]*\).*/\1/p')
	kill -"$1" "$QUICK"
	world_until 60 world_gone "$QUICK"
	for pid in "${started[@]}"; do
		world_until 10 world_gone "$pid"
	done
	[ -z "$dirs" ] || [ ! -e "$dirs" ]
	wait "$QUICK"
	run curl -s "http://127.0.0.1:$PORT/status"
	[ "$status" -eq 7 ]
	QUICK=''
}

values_work()
{
	run try
	echo "$output"
	[[ $output == *"204 No Content"*"200 OK"*"hello"*'"keys":["greeting"]'* ]]
}

@test "from a clone to a service that answers" {
	start "$COPY"
	values_work
	grep -q "building in" "$BATS_TEST_TMPDIR/out"
	curl -s "$(sed -n 's/^Metrics are on //p' "$BATS_TEST_TMPDIR/out")" | grep -q hulykvs_build_info
	[ -d "$COPY/var/postgres" ]
	run grep -q of-the-test "$BATS_TEST_TMPDIR/out"
	[ "$status" -eq 1 ]
	stop TERM
}

@test "a second start finds the data again, and Ctrl-C ends it too" {
	start "$COPY"
	run bash -c "$(grep '^TOKEN=' "$BATS_TEST_TMPDIR/out"); curl -s -H \"Authorization: Bearer \$TOKEN\" \
		http://127.0.0.1:$PORT/api2/11111111-2222-3333-4444-555555555555/demo/greeting"
	[ "$output" = hello ]
	stop INT
}

# initdb_runs: INITDB is its process.
initdb_runs()
{
	INITDB=$(pgrep -x initdb -P "$(descendants "$QUICK" | paste -sd,)" 2>/dev/null) || world_gone "$QUICK"
}

@test "a start that was killed in the midst of initdb or autoreconf: the next one works" {
	rm -rf "${COPY:?}/var" "$COPY/Makefile.in" "$COPY/build/Makefile"
	begin "$COPY"
	world_until 600 initdb_runs
	kill -KILL "$INITDB" "$QUICK"
	world_until 10 world_gone "$QUICK"
	[ -d "$COPY/var" ]
	start "$COPY"
	values_work
	stop TERM
	# As earlier versions left it.
	rm -r "$COPY/var/postgres"
	mkdir "$COPY/var/postgres"
	start "$COPY"
	values_work
	stop TERM
	[ "$(ls "$COPY/var")" = postgres ]
	rm -r "${COPY:?}/var"
}

@test "a database of somebody else is used, and left alone" {
	dir=$(pg_tmpdir)
	pg_start "$dir"
	export HULY_DB_CONNECTION
	url=$(pg_db quick)
	rm -rf "${COPY:?}/var"
	start "$COPY" env "HULY_DB_CONNECTION=$url"
	values_work
	[ ! -e "$COPY/var" ]
	stop TERM
	[ "$(pg_sql quick -c 'select count(*) from hulykvs.kvs')" = 1 ]
	pg_remove
}

@test "root's clone, which no other user can enter" {
	[ "$(id -u)" -eq 0 ] || skip "for root only"
	mv "$COPY" "$COPY.closed/clone"
	mkdir "$COPY.closed/clone/etc"
	echo 'log_format = "json"' >"$COPY.closed/clone/etc/config.toml"
	start "$COPY.closed/clone"
	values_work
	grep -q '"msg":"started"' "$BATS_TEST_TMPDIR/out"
	rm -r "$COPY.closed/clone/etc"
	state=$(readlink "$COPY.closed/clone/var")
	[[ $state == /var/lib/hulykvs-quickstart/* ]]
	[ -d "$state/postgres" ]
	stop TERM
	mv "$COPY.closed/clone" "$COPY"
	rm -rf "$state" "${COPY:?}/var"
	rmdir --ignore-fail-on-non-empty "${state%/*}"
}

@test "another user's clone, started by root and by its owner" {
	[ "$(id -u)" -eq 0 ] || skip "for root only"
	chown -R nobody "$COPY"
	start "$COPY"
	values_work
	[ "$(stat -c %U "$COPY/var/postgres")" = nobody ]
	[ -z "$(find "$COPY" -user root)" ]
	stop TERM
	start "$COPY" setpriv --reuid=nobody --regid=nogroup --clear-groups --
	values_work
	stop TERM
}

@test "the port of etc/config.toml is read as the program reads it" {
	mkdir "$COPY/etc"
	printf 'bind_port = %s_%s\n' "${PORT%???}" "${PORT: -3}" >"$COPY/etc/config.toml"
	start "$COPY" env -u HULY_BIND_PORT
	rm -r "${COPY:?}/etc"
	grep -q "answers on http://127.0.0.1:$PORT\$" "$BATS_TEST_TMPDIR/out"
	values_work
	stop TERM
}

@test "a setting that is wrong ends it with 78 and names the setting" {
	cd "$COPY"
	run env HULY_BIND_PORT="$PORT" HULY_PAYLOAD_SIZE_LIMIT=many deploy/quickstart </dev/null
	echo "$output"
	[ "$status" -eq 78 ]
	[[ $output == *HULY_PAYLOAD_SIZE_LIMIT* ]]
}

@test "a port that is taken ends it" {
	python3 -c 'import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen(); time.sleep(120)' "$PORT" 3>&- &
	taker=$!
	cd "$COPY"
	run env HULY_BIND_HOST=127.0.0.1 HULY_BIND_PORT="$PORT" deploy/quickstart </dev/null
	kill "$taker"
	echo "$output"
	[ "$status" -eq 69 ]
	[[ $output == *"127.0.0.1:$PORT"* ]]
}

@test "a service that ends by itself ends it, and stops the others" {
	start "$COPY"
	mapfile -t started < <(descendants "$QUICK")
	pkill -P "$QUICK" nginx
	world_until 60 world_gone "$QUICK"
	for pid in "${started[@]}"; do
		world_until 10 world_gone "$pid"
	done
	grep -q "ended by itself" "$BATS_TEST_TMPDIR/out"
	status=0
	wait "$QUICK" || status=$?
	[ "$status" -eq 70 ]
}
