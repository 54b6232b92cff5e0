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
load ../lib/migrate

setup_file()
{
	local reason

	reason=$(container_reason)
	if [ -n "$reason" ]; then
		echo "$reason" >"$BATS_FILE_TMPDIR/reason"
		return
	fi
	export IMAGE_UNDER_TEST=localhost/hulykvs-test
	container_base
	container_build "$IMAGE_UNDER_TEST" --build-arg VERSION=under-test
	world_cluster
}

# The base stays for the next time; what is built from the tree does not.
teardown_file()
{
	[ ! -f "$BATS_FILE_TMPDIR/reason" ] || return 0
	pg_remove
	container rmi -f "$IMAGE_UNDER_TEST-next" "$IMAGE_UNDER_TEST" >/dev/null 2>&1 || :
	container image prune -f >/dev/null
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

# health: the state after the image's check has been made once, as the engine makes it.
health()
{
	container healthcheck run "$NAME" >/dev/null 2>&1
	container inspect -f '{{.State.Health.Status}}' "$NAME"
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
	container_run "$NAME" "${CONNECTION[@]}"
	world_until 60 is_ready
	run "$WORLD_TOP/tests/tools/http_cases.py" --through nginx "$URL" "$WORLD_TOP"/tests/api/cases/*.json
	echo "$output"
	[ "$status" -eq 0 ]
	! says 'level=(warn|error) msg="web server"' || false
}

# keys_answered: each row of the database is asked for under its workspace, and has the value that it has there.
keys_answered()
{
	pg_sql "$1" -c "select workspace, namespace, key, encode(value, 'hex') from hulykvs.kvs" | python3 -c '
import sys, urllib.parse, urllib.request
url, token = sys.argv[1:]
rows = [line.rstrip("\n").split("|") for line in sys.stdin]
for workspace, namespace, key, value in rows:
    path = "/".join(urllib.parse.quote(part, safe="") for part in (workspace, namespace, key))
    request = urllib.request.Request(f"{url}/api2/{path}", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        assert answer.read().hex() == value, (namespace, key)
print(len(rows), "keys")' "$URL" "$(world_token system)"
}

# The tables as the original leaves them: tests/lib/migrate.bash.  What the original needs afterwards is what field_ok
# looks at: its columns, its primary key and its own record of versions.
@test "with the original's two variables on the original's database all keys are there, and it can go back" {
	local database=field$BATS_TEST_NUMBER rows

	DB=$(pg_db "$database")
	field_original "$database" 5
	rows=$(field_rows "$database")
	container_run "$NAME" -v "$PG_DIR/socket:$PG_DIR/socket" -e HULY_DB_CONNECTION="$DB" -e HULY_TOKEN_SECRET=secret \
		-e HULY_BIND_HOST=127.0.0.1 -e HULY_BIND_PORT="$PORT" -e HULY_METRICS_BIND=off
	world_until 60 is_ready
	run keys_answered "$database"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" = "40 keys" ]
	container stop -t 30 "$NAME" >/dev/null
	[ "$(field_rows "$database")" = "$rows" ]
	field_ok "$database"
}

@test "a read-only root, no capabilities and any user will do, with a tmpfs for /run/hulykvs" {
	container_run "$NAME" "${CONNECTION[@]}" --read-only --read-only-tmpfs=false --cap-drop=all \
		--security-opt no-new-privileges --user 54321:54321 --tmpfs /run/hulykvs:mode=1777
	world_until 60 is_ready
	put k v
	[ "$(get k)" = v ]
	! container diff "$NAME" | grep -vE ' /run| /etc$| /etc/(hosts|hostname|resolv.conf|mtab)|/tmp/hkv-pg| /tmp$' || false
	# Podman warns where it may not make a control group.
	run -127 --separate-stderr container exec "$NAME" sh -c 'command -v gcc curl python3'
	[ -z "$output" ]
}

@test "another run directory, with a read-only root: the socket is there too" {
	container_run "$NAME" "${CONNECTION[@]}" --read-only --read-only-tmpfs=false --tmpfs /data:mode=1777 -e HULYKVS_RUN_DIR=/data
	world_until 60 is_ready
	container exec "$NAME" test -S /data/hulykvs.sock
	[ "$(health)" = healthy ]
}

# acknowledged_are_there: each number of the file has its key, with the number as its value.
acknowledged_are_there()
{
	pg_sql "c${BATS_TEST_NUMBER}" -c "select convert_from(value, 'UTF8') from hulykvs.kvs
		where key = 'k' || convert_from(value, 'UTF8')" | sort >"$BATS_TEST_TMPDIR/there"
	[ -z "$(sort "$BATS_TEST_TMPDIR/acknowledged" | comm -23 - "$BATS_TEST_TMPDIR/there")" ]
}

@test "TERM under load loses no acknowledged write, and the container ends with 0" {
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
	acknowledged_are_there
}

@test "a database that comes later is waited for, and the port refuses until then" {
	"$PG_BIN/dropdb" -h "$PG_DIR/socket" -p "$PG_PORT" -U postgres "c${BATS_TEST_NUMBER}"
	container_run "$NAME" "${CONNECTION[@]}"
	world_until 20 says 'does not exist|3D000|will try again'
	run curl -s "$URL/status"
	[ "$status" -eq 7 ]
	pg_db "c${BATS_TEST_NUMBER}"
	world_until 60 is_ready
}

@test "TERM while it waits for a database that cannot be reached ends it with 0" {
	container_run "$NAME" -e HULY_DB_CONNECTION="postgresql://u@127.0.0.1:$PORT/d" -e HULY_TOKEN_SECRET=secret \
		-e HULY_BIND_PORT="$PORT" -e HULY_METRICS_BIND=off
	world_until 20 says 'refused'
	container stop -t 30 "$NAME" >/dev/null
	[ "$(exit_code)" -eq 0 ]
}

@test "HUP: a new program takes the old one's place and the service goes on; INT ends it with 0" {
	container_run "$NAME" "${CONNECTION[@]}"
	world_until 60 is_ready
	container kill -s HUP "$NAME" >/dev/null
	world_until 20 says 'program replaced'
	world_until 20 is_ready
	container kill -s INT "$NAME" >/dev/null
	world_until 30 ended
	[ "$(exit_code)" -eq 0 ]
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

@test "the default secret, where a strong one is required, ends it with 78 and a line that names it" {
	container_run "$NAME" -v "$PG_DIR/socket:$PG_DIR/socket" -e HULY_DB_CONNECTION="$DB" -e HULY_BIND_PORT="$PORT" \
		-e HULY_REQUIRE_STRONG_SECRET=on
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

	container build -q --layers=false -t "$IMAGE_UNDER_TEST-next" - >/dev/null <<-END
		FROM $IMAGE_UNDER_TEST
		LABEL org.opencontainers.image.version=next
	END
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
	IMAGE_UNDER_TEST=$IMAGE_UNDER_TEST-next container_run "$next" "${CONNECTION[@]}"
	world_until 60 is_ready
	wc -l <"$BATS_TEST_TMPDIR/acknowledged" >"$BATS_TEST_TMPDIR/then"
	world_until 20 sh -c '[ "$(wc -l <"$1/acknowledged")" -gt "$(cat "$1/then")" ]' - "$BATS_TEST_TMPDIR"
	touch "$BATS_TEST_TMPDIR/enough"
	wait
	container_end "$next"
	acknowledged_are_there
}

@test "the health check of the image asks the program without curl" {
	container_run "$NAME" "${CONNECTION[@]}"
	world_until 60 is_ready
	container exec "$NAME" hulykvs --probe ready
	container exec "$NAME" hulykvs --probe live
	run container exec "$NAME" hulykvs --probe else
	[ "$status" -eq 64 ]
	[ "$(health)" = healthy ]
}

@test "the health check of the image does not fail for a database that is away, be it before the migration or after" {
	"$PG_BIN/dropdb" -h "$PG_DIR/socket" -p "$PG_PORT" -U postgres "c${BATS_TEST_NUMBER}"
	container_run "$NAME" "${CONNECTION[@]}" --health-retries=1
	world_until 20 says 'does not exist|3D000|will try again'
	[ "$(health)" = starting ]
	pg_db "c${BATS_TEST_NUMBER}" >/dev/null
	world_until 60 is_ready
	"$PG_BIN/dropdb" --force -h "$PG_DIR/socket" -p "$PG_PORT" -U postgres "c${BATS_TEST_NUMBER}"
	run container exec "$NAME" hulykvs --probe ready
	[ "$status" -eq 1 ]
	container exec "$NAME" hulykvs-container --probe
	[ "$(health)" = healthy ]
}

@test "the health check of the image works with TLS" {
	"$WORLD_TOP/deploy/tls/test-certificates" "$BATS_TEST_TMPDIR/tls"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/tls"
	chmod 644 "$BATS_TEST_TMPDIR"/tls/*
	container_run "$NAME" "${CONNECTION[@]}" -v "$BATS_TEST_TMPDIR/tls:/tls:ro" \
		-e HULYKVS_TLS_CERT=/tls/server.pem -e HULYKVS_TLS_KEY=/tls/server.key
	URL=https://127.0.0.1:$PORT
	export CURL_HOME=$BATS_TEST_TMPDIR
	echo "cacert = $BATS_TEST_TMPDIR/tls/ca.pem" >"$CURL_HOME/.curlrc"
	world_until 60 is_ready
	[ "$(health)" = healthy ]
}

size()
{
	container image inspect -f '{{.Size}}' "$1"
}

@test "the image is at most 60 MB larger than its base, and has the labels of OCI and a user by number" {
	run container image inspect -f '{{.Config.User}} {{json .Config.Labels}}' "$IMAGE_UNDER_TEST"
	echo "$output"
	[[ $output == 10001:10001* ]]
	[[ $output == *'"org.opencontainers.image.licenses":"EPL-2.0"'* ]]
	[[ $output == *'"org.opencontainers.image.version":"under-test"'* ]]
	[[ $output == *'"org.opencontainers.image.revision"'* ]]
	[[ $output == *'"org.opencontainers.image.source"'* ]]
	echo "above the base: $(($(size "$IMAGE_UNDER_TEST") - $(size "debian:$CONTAINER_RELEASE-slim"))) bytes"
	[ $(($(size "$IMAGE_UNDER_TEST") - $(size "debian:$CONTAINER_RELEASE-slim"))) -le 60000000 ]
}

@test "the SBOM of the image names each package in it" {
	local root

	root=$(container image mount "$IMAGE_UNDER_TEST")
	"$WORLD_TOP/deploy/sbom" --root "$root" --version under-test >"$BATS_TEST_TMPDIR/sbom"
	python3 -c 'import json, sys; print("\n".join(sorted(p["name"] for p in json.load(sys.stdin)["packages"] if p["name"] != "hulykvs")))' \
		<"$BATS_TEST_TMPDIR/sbom" >"$BATS_TEST_TMPDIR/named"
	dpkg-query --admindir="$root/var/lib/dpkg" --show --showformat='${db:Status-Abbrev}\t${Package}\n' |
		sed -n 's/^ii *\t//p' | LC_ALL=C sort >"$BATS_TEST_TMPDIR/there"
	container image unmount "$IMAGE_UNDER_TEST" >/dev/null
	grep -qx nginx "$BATS_TEST_TMPDIR/there"
	diff "$BATS_TEST_TMPDIR/there" "$BATS_TEST_TMPDIR/named"
}
