#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The container image in the place of the original's: the same port and variables, nothing else.
# shellcheck disable=SC2030,SC2031 # each test has its own output and status
# shellcheck disable=SC2016 # expanded by the shell that is called

bats_require_minimum_version 1.5.0

load ../lib/postgres
load ../lib/world
load ../lib/minimal_root
load ../lib/container

setup_file()
{
	local reason

	reason=$(container_reason)
	if [ -n "$reason" ]; then
		echo "$reason" >"$BATS_FILE_TMPDIR/reason"
		return
	fi
	export IMAGE_UNDER_TEST=localhost/hulykvs-test
	container_base bookworm
	container_build "$IMAGE_UNDER_TEST" --build-arg VERSION=under-test
	world_cluster
}

teardown_file()
{
	[ -f "$BATS_FILE_TMPDIR/reason" ] || pg_remove
}

setup()
{
	[ ! -f "$BATS_FILE_TMPDIR/reason" ] || skip "$(cat "$BATS_FILE_TMPDIR/reason")"
	NAME=hkv-${BATS_TEST_NUMBER}-$$
	PORT=$(world_port)
	URL=http://127.0.0.1:$PORT
	TOKEN=$(world_token)
	DB=$(pg_db "c${BATS_TEST_NUMBER}")
	CONNECTION=(-v "$PG_DIR/socket:$PG_DIR/socket" -e HULY_DB_CONNECTION="$DB" -e HULY_TOKEN_SECRET=secret -e HULY_BIND_HOST=127.0.0.1
		-e HULY_BIND_PORT="$PORT" -e HULY_METRICS_BIND=off)
}

teardown()
{
	[ -n "${NAME:-}" ] || return 0
	container logs "$NAME" 2>&1 | tail -n 30 || :
	container_end "$NAME"
}

is_ready()
{
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$URL/readyz")" = 200 ]
}

ended()
{
	[ "$(container inspect -f '{{.State.Running}}' "$NAME")" = false ]
}

exit_code()
{
	container inspect -f '{{.State.ExitCode}}' "$NAME"
}

says()
{
	container logs "$NAME" 2>&1 | grep -qE "$1"
}

put()
{
	curl -sf -X PUT -H "Authorization: Bearer $TOKEN" --data-binary "$2" "$URL/api2/5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f/c/$1"
}

get()
{
	curl -sf -H "Authorization: Bearer $TOKEN" "$URL/api2/5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f/c/$1"
}

@test "started with the original's variables it migrates and answers as the original's cases ask" {
	local cases

	container_run "$NAME" "${CONNECTION[@]}"
	world_until 60 is_ready
	for cases in keys values conditions tokens lists; do
		run "$WORLD_TOP/tests/tools/play.py" --through nginx "$URL" "$WORLD_TOP/tests/api/cases/$cases.json"
		echo "$output"
		[ "$status" -eq 0 ]
	done
}

@test "a read-only root, no capabilities and any user will do, with a tmpfs for /run/hulykvs" {
	container_run "$NAME" "${CONNECTION[@]}" --read-only --read-only-tmpfs=false --cap-drop=all \
		--security-opt no-new-privileges --user 54321:54321 --tmpfs /run/hulykvs:mode=1777
	world_until 60 is_ready
	put k v
	[ "$(get k)" = v ]
	! container diff "$NAME" | grep -vE ' /run| /etc$| /etc/(hosts|hostname|resolv.conf|mtab)|/tmp/hkv-pg| /tmp$' || false
	run -127 container exec "$NAME" sh -c 'command -v gcc curl python3'
	[ -z "$output" ]
}

@test "TERM under load loses no acknowledged write, and the container ends with 0" {
	local key

	container_run "$NAME" "${CONNECTION[@]}"
	world_until 60 is_ready
	(
		i=0
		while put "k$i" "$i"; do
			echo "$i" >>"$BATS_TEST_TMPDIR/acknowledged"
			i=$((i + 1))
		done
	) 3>&- &
	world_until 20 test -s "$BATS_TEST_TMPDIR/acknowledged"
	world_until 20 sh -c '[ "$(wc -l <"$1")" -ge 20 ]' - "$BATS_TEST_TMPDIR/acknowledged"
	container stop -t 30 "$NAME" >/dev/null
	wait
	[ "$(exit_code)" -eq 0 ]
	while read -r key; do
		[ "$(pg_sql "c${BATS_TEST_NUMBER}" -c "select convert_from(value, 'UTF8') from hulykvs.kvs where key = 'k$key'")" = "$key" ]
	done <"$BATS_TEST_TMPDIR/acknowledged"
}

@test "a database that comes later is waited for, and the port refuses until then" {
	"$PG_BIN/dropdb" -h "$PG_DIR/socket" -p "$PG_PORT" -U postgres "c${BATS_TEST_NUMBER}"
	container_run "$NAME" "${CONNECTION[@]}"
	world_until 20 says 'does not exist|3D000|waiting'
	run curl -s "$URL/status"
	[ "$status" -eq 7 ]
	pg_db "c${BATS_TEST_NUMBER}"
	world_until 60 is_ready
}

@test "wrong settings end it with 78 and one line that names them" {
	container_run "$NAME" "${CONNECTION[@]}" -e HULY_PAYLOAD_SIZE_LIMIT=many
	world_until 20 ended
	[ "$(exit_code)" -eq 78 ]
	says HULY_PAYLOAD_SIZE_LIMIT
}

@test "a secret file that is not there ends it with 78 and a line that names the setting" {
	container_run "$NAME" -v "$PG_DIR/socket:$PG_DIR/socket" -e HULY_DB_CONNECTION="$DB" -e HULY_BIND_PORT="$PORT" \
		-e HULY_TOKEN_SECRET_FILE=/run/secrets/nothing
	world_until 20 ended
	[ "$(exit_code)" -eq 78 ]
	says HULY_TOKEN_SECRET
}

@test "a run directory that it cannot write ends it with 73" {
	container_run "$NAME" "${CONNECTION[@]}" --read-only --read-only-tmpfs=false
	world_until 20 ended
	[ "$(exit_code)" -eq 73 ]
	says HULYKVS_RUN_DIR
}

@test "a port that is taken ends it with 71 and nginx's reason in a line of the log" {
	python3 -c 'import socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(60)' "$PORT" 3>&- &
	local holder=$!
	container_run "$NAME" "${CONNECTION[@]}"
	world_until 60 ended
	kill "$holder"
	[ "$(exit_code)" -eq 71 ]
	says 'msg="web server".*bind'
}

@test "a program that is killed comes back, a web server that is killed ends the container" {
	container_run "$NAME" "${CONNECTION[@]}"
	world_until 60 is_ready
	container exec "$NAME" sh -c 'for p in /proc/[0-9]*; do [ "$(cat $p/comm 2>/dev/null)" != hulykvs ] || kill -9 ${p#/proc/}; done'
	world_until 20 says 'program ended: starting it again'
	world_until 20 is_ready
	container exec "$NAME" sh -c 'kill -9 $(cat /run/hulykvs/nginx.pid)'
	world_until 20 ended
	[ "$(exit_code)" -eq 71 ]
}

@test "from one image to the next under load: every request is answered or refused, none is lost" {
	local next=$NAME-next

	container_run "$NAME" "${CONNECTION[@]}"
	world_until 60 is_ready
	(
		i=0
		while [ ! -f "$BATS_TEST_TMPDIR/enough" ]; do
			! put "k$i" "$i" || echo "$i" >>"$BATS_TEST_TMPDIR/acknowledged"
			i=$((i + 1))
		done
	) 3>&- &
	world_until 20 test -s "$BATS_TEST_TMPDIR/acknowledged"
	container stop -t 30 "$NAME" >/dev/null
	IMAGE_UNDER_TEST=$IMAGE_UNDER_TEST container_run "$next" "${CONNECTION[@]}"
	world_until 60 is_ready
	wc -l <"$BATS_TEST_TMPDIR/acknowledged" >"$BATS_TEST_TMPDIR/then"
	world_until 20 sh -c '[ "$(wc -l <"$1/acknowledged")" -gt "$(cat "$1/then")" ]' - "$BATS_TEST_TMPDIR"
	touch "$BATS_TEST_TMPDIR/enough"
	wait
	container_end "$next"
	[ "$(pg_sql "c${BATS_TEST_NUMBER}" -c "select count(*) from hulykvs.kvs")" -ge "$(wc -l <"$BATS_TEST_TMPDIR/acknowledged")" ]
}

@test "the health check of the image asks the program without curl" {
	container_run "$NAME" "${CONNECTION[@]}"
	world_until 60 is_ready
	container exec "$NAME" hulykvs --probe ready
	container exec "$NAME" hulykvs --probe live
	run container exec "$NAME" hulykvs --probe else
	[ "$status" -eq 64 ]
	run container inspect -f '{{.Config.Healthcheck}}' "$NAME"
	[[ $output == *--probe* ]]
}
