#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The entry program of the container, without a container: its files are in a directory of the test.
# shellcheck disable=SC2030,SC2031 # each test has its own output and status

load ../lib/postgres
load ../lib/world

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
	BIN=$BATS_TEST_TMPDIR/bin RUN=$BATS_TEST_TMPDIR/run
	mkdir "$BIN" "$RUN"
	sed "s|^deploy=.*|deploy=$WORLD_TOP/deploy|" "$WORLD_TOP/deploy/container/hulykvs-container" >"$BIN/hulykvs-container"
	chmod 755 "$BIN/hulykvs-container"
	ln -s "$HULYKVS_BUILD/hulykvs" "$HULYKVS_BUILD/hulykvs-migrate" "$WORLD_TOP/deploy/spawn-fcgi/hulykvs-spawn" "$BIN/"
	command_is nginx 'exec /usr/sbin/nginx -g "user root;" "$@"'
}

teardown()
{
	[ -z "${ENTRY:-}" ] || world_kill "$ENTRY" 60 || :
	cat "$BATS_TEST_TMPDIR/log" 2>/dev/null || :
}

# command_is NAME SHELL-CODE: what the entry program finds in PATH under that name.
command_is()
{
	rm -f "$BIN/$1"
	printf '#!/bin/sh\n%s\n' "$2" >"$BIN/$1"
	chmod 755 "$BIN/$1"
}

# entry [NAME=VALUE …]: starts it.
entry()
{
	env -i PATH="$BIN:$PATH" HULYKVS_RUN_DIR="$RUN" HULY_TOKEN_SECRET=secret HULY_BIND_HOST=127.0.0.1 HULY_METRICS_BIND=off \
		HULYKVS_CONSOLE=off "$@" "$BIN/hulykvs-container" >"$BATS_TEST_TMPDIR/log" 2>&1 </dev/null 3>&- &
	ENTRY=$!
}

is_ready()
{
	[ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$PORT/readyz")" = 200 ]
}

@test "an empty HULYKVS_SOCKET: program and web server use the same socket, in the run directory" {
	PORT=$(world_port)
	entry HULYKVS_SOCKET= HULY_BIND_PORT="$PORT" HULY_DB_CONNECTION="$(pg_db entry)"
	world_until 20 is_ready
	[ -S "$RUN/hulykvs.sock" ]
}

@test "the image names no socket, so that it follows the run directory" {
	run grep -n HULYKVS_SOCKET= "$WORLD_TOP/deploy/container/Containerfile"
	[ "$status" -eq 1 ]
}

# signal_before NAME COMMAND: a file for BASH_ENV: the entry program gets the signal just before that command of its own.
signal_before()
{
	cat <<-END >"$BATS_TEST_TMPDIR/signal"
		set -T
		trap 'if [ "\$BASH_COMMAND" = "$2" ]; then trap - DEBUG; kill -$1 \$\$; echo sent >"$BATS_TEST_TMPDIR/sent"; fi' DEBUG
	END
}

ended()
{
	world_gone "$ENTRY"
}

# ends_with STATUS: the entry program ends by itself.
ends_with()
{
	local status=0

	world_until 20 ended
	[ -e "$BATS_TEST_TMPDIR/sent" ]
	wait "$ENTRY" || status=$?
	ENTRY=''
	[ "$status" -eq "$1" ]
}

@test "TERM between the start of the migration and the note of its number ends it" {
	PORT=$(world_port)
	# shellcheck disable=SC2016 # the entry program's own
	signal_before TERM 'migrate=\$!'
	entry BASH_ENV="$BATS_TEST_TMPDIR/signal" HULY_BIND_PORT="$PORT" HULY_DB_CONNECTION=host=/nowhere
	ends_with 0
}

@test "TERM just before it waits for program and web server ends it" {
	PORT=$(world_port)
	# shellcheck disable=SC2016 # the entry program's own
	signal_before TERM 'pause'
	entry BASH_ENV="$BATS_TEST_TMPDIR/signal" HULY_BIND_PORT="$PORT" HULY_DB_CONNECTION="$(pg_db before_wait)"
	ends_with 0
}

replaced()
{
	grep -q 'program replaced' "$BATS_TEST_TMPDIR/log"
}

@test "HUP just before it waits for program and web server reaches both" {
	PORT=$(world_port)
	# shellcheck disable=SC2016 # the entry program's own
	signal_before HUP 'pause'
	entry BASH_ENV="$BATS_TEST_TMPDIR/signal" HULY_BIND_PORT="$PORT" HULY_DB_CONNECTION="$(pg_db hup_before_wait)"
	world_until 20 replaced
	world_until 20 is_ready
}

@test "its lines are JSON where etc/config.toml says so" {
	cd "$BATS_TEST_TMPDIR"
	mkdir etc
	echo 'log_format = "json"' >etc/config.toml
	touch sent
	entry HULYKVS_RUN_DIR=/proc/nowhere
	ends_with 73
	python3 -c 'import json; print(json.load(open("log"))["directory"])' | grep -x /proc/nowhere
}

# counted_pauses: a file for BASH_ENV: each pause of a second is a word in the file "pauses", and takes no time.
counted_pauses()
{
	cat <<-END >"$BATS_TEST_TMPDIR/counted"
		read() { if [ "\$1" = -rt ]; then printf 'p' >>"$BATS_TEST_TMPDIR/pauses"; else builtin read "\$@"; fi; }
	END
}

@test "a migration that ends at once is tried again after 1, 2, 4 … 30 seconds, with a line for each new status" {
	counted_pauses
	command_is hulykvs-migrate "printf '\nrun ' >>'$BATS_TEST_TMPDIR/pauses'
		case \$(grep -c run '$BATS_TEST_TMPDIR/pauses') in [1-6]) exit 69 ;; 7) exit 75 ;; *) exit 78 ;; esac"
	touch "$BATS_TEST_TMPDIR/sent"
	entry BASH_ENV="$BATS_TEST_TMPDIR/counted" HULY_DB_CONNECTION=host=/nowhere
	ends_with 78
	cat "$BATS_TEST_TMPDIR/pauses"
	[ "$(awk '/run/ { print length($2) }' "$BATS_TEST_TMPDIR/pauses" | paste -sd' ')" = "1 2 4 8 16 30 30 0" ]
	[ "$(grep -c 'migration not done yet' "$BATS_TEST_TMPDIR/log")" = 2 ]
}

# patience_is SECONDS HULY_REQUEST_TIMEOUT: how often the entry program looks, 20 times a second, whether nginx has ended.
patience_is()
{
	rm -f "$BATS_TEST_TMPDIR/looks" "$BATS_TEST_TMPDIR/quit"
	entry HULY_BIND_PORT="$(world_port)" HULY_DB_CONNECTION=host=/nowhere HULYKVS_MIGRATE=off HULY_REQUEST_TIMEOUT="$2"
	world_until 20 test -e "$RUN/nginx.pid"
	kill -TERM "$ENTRY"
	touch "$BATS_TEST_TMPDIR/sent"
	ends_with 0
	[ "$(wc -l <"$BATS_TEST_TMPDIR/looks")" -eq $(($1 * 20)) ]
}

@test "nginx has HULY_REQUEST_TIMEOUT and 2 seconds to answer what it has begun, and a minute at most" {
	# A web server that ends for TERM only, and a sleep that takes no time after its QUIT.  (A shell starts jobs with QUIT
	# ignored, and a shell that is started so cannot trap it.)
	command_is nginx "exec env --default-signal=QUIT sh -c '
		trap \"touch $BATS_TEST_TMPDIR/quit\" QUIT; trap \"rm $RUN/nginx.pid; exit 0\" TERM
		touch $RUN/nginx.pid; while :; do /bin/sleep 0.01; done'"
	command_is sleep "if [ -e '$BATS_TEST_TMPDIR/quit' ] && [ \$1 = 0.05 ]; then echo >>'$BATS_TEST_TMPDIR/looks'; else exec /bin/sleep \$1; fi"
	patience_is 22 20
	patience_is 60 3600
}

# Those of src/base/exitcode.h that hulykvs-migrate without a command, and the program, end the container with.
@test "the documented exit statuses are those that migration and program can end it with" {
	run grep -F '# where they cannot run (64, 70, 78); 71: nginx' "$WORLD_TOP/deploy/container/hulykvs-container"
	[ "$status" -eq 0 ]
	run grep -F '| 64, 70, 78 | the migration or the program cannot run;' "$WORLD_TOP/docs/installation.md"
	[ "$status" -eq 0 ]
	run grep -rlw EXIT_REFUSED "$WORLD_TOP/src"
	[ "$(sort <<<"$output")" = "$(printf '%s\n' "$WORLD_TOP"/src/base/exitcode.h "$WORLD_TOP"/src/program/access_check.[ch] "$WORLD_TOP/src/program/main.c" | sort)" ]
}
