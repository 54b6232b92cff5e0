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
