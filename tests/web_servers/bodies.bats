#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# What the web servers take of a body before the program has decided, and where they put it.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world

KEY=/api2/5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f/bodies/k

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
	world_leave
	[ ! -d "${SPOOL:-}" ] || umount "$SPOOL"
}

# first_bytes TOKEN KIND TOLD SENT: see the script
first_bytes()
{
	"$WORLD_TOP/tests/tools/bodies_on_the_way.py" "$WORLD_URL" "$KEY" "$@"
}

# While such bodies were on their way: files of the web server that hold more than its settings and logs.
files_of_bodies()
{
	find "$WORLD_DIR" -type f -size +100k
}

without_a_token()
{
	local token kind text

	world_start "$1"
	for token in "" "$(tr . , <<<"$WORLD_TOKEN")"; do
		text=${token:+InvalidToken}
		for kind in length chunked; do
			run -0 first_bytes "$token" "$kind" 3000000 65536
			echo "$output"
			[ "$output" = "401 text/plain; charset=utf-8 http://example ${text:-NoAuthToken}" ]
			run -0 first_bytes "$token" "$kind" 300000000 65536
			echo "$output"
			[[ $output == "401 "* || $output == "413 "* ]]
		done
	done
	[ -z "$(files_of_bodies)" ]
	world_stop
}

@test "nginx: without a valid token, 64 KiB of a body are the most that is taken before the answer" {
	without_a_token nginx
}

@test "lighttpd: without a valid token, 64 KiB of a body are the most that is taken before the answer" {
	without_a_token lighttpd
}

# The setting is 100,000 bytes; the web servers take 4 MiB more.
far_too_long()
{
	world_start "$1" HULY_PAYLOAD_SIZE_LIMIT=100kb
	run -0 first_bytes "$WORLD_TOKEN" length 300000000 0
	[ "$output" = "413 text/plain; charset=utf-8 http://example payload reached size limit" ]
	run -0 first_bytes "$WORLD_TOKEN" chunked 0 4500000
	[ "$output" = "413 text/plain; charset=utf-8 http://example payload reached size limit" ]
	[ "$(head -c 100001 /dev/zero | curl -s -o /dev/null -w '%{http_code} ' -H "Authorization: Bearer $WORLD_TOKEN" -T - \
		"$WORLD_URL$KEY" --next -s -o /dev/null -w '%{num_connects}' "$WORLD_URL/status")" = "413 0" ]
	[ "$(head -c 100000 /dev/zero | world_status "$KEY" -T -)" = 204 ]
	world_stop
}

@test "nginx: a body far beyond the limit is 413, in the program's words" {
	far_too_long nginx
}

@test "lighttpd: a body far beyond the limit is 413, in the program's words" {
	far_too_long lighttpd
}

# The directory of the web server's own files is a file system without a free block.
with_a_full_spool()
{
	[ "$(id -u)" -eq 0 ] || skip "mounts a file system"
	world_start "$1"
	head -c 2000000 /dev/urandom >"$WORLD_DIR/value"
	SPOOL=$(mktemp -d "$BATS_TEST_TMPDIR/spool.XXXXXX")
	mount -t tmpfs -o size=128k tmpfs "$SPOOL" || skip "cannot mount a file system"
	world_kill "$WORLD_WEB"
	world_web "$SPOOL"
	world_until 20 world_ready
	head -c 200000 /dev/zero >"$SPOOL/filler" || true
	[ "$(world_status "$KEY" -T "$WORLD_DIR/value")" = 204 ]
	curl -s -H "Authorization: Bearer $WORLD_TOKEN" "$WORLD_URL$KEY" | cmp - "$WORLD_DIR/value"
	[ "$(world_status "$KEY" -T - <<<"small")" = 204 ]
}

@test "nginx: with a full spool directory values are stored and read as before" {
	with_a_full_spool nginx
}

@test "lighttpd: with a full spool directory values are stored and read as before" {
	with_a_full_spool lighttpd
}
