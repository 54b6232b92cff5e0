#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# Header fields and protocol versions in both web servers, and clients that send a header slowly.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world

KEY=/api2/5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f/fields/k

setup_file()
{
	world_cluster
	local server

	for server in nginx lighttpd; do
		world_start "$server"
		world_save "$BATS_FILE_TMPDIR/$server"
	done
}

teardown_file()
{
	local server

	for server in nginx lighttpd; do
		[ ! -f "$BATS_FILE_TMPDIR/$server" ] || { visit "$server"; world_leave; }
	done
	pg_remove
}

visit()
{
	# shellcheck disable=SC1090 # as world_save left it
	. "$BATS_FILE_TMPDIR/$1"
}

# put FIELDS: the status of a PUT with these lines in its header; world_get cannot send such ones
put()
{
	printf 'PUT %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1\r\nConnection: close\r\n%b\r\nx' \
		"$KEY" "$WORLD_TOKEN" "$1" | timeout 20 python3 -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(sys.stdin.buffer.read())
answer = b""
while piece := s.recv(65536):
    answer += piece
print(answer.split(b" ", 2)[1].decode())' "$WORLD_PORT"
}

@test "nginx: an empty If-Match or If-None-Match is refused" {
	visit nginx
	[ "$(put '')" = 204 ]
	[ "$(put 'If-Match:\r\n')" = 400 ]
	[ "$(put 'If-None-Match: \r\n')" = 400 ]
}

# What the first lines of its configuration and docs/web-servers.md say.
@test "lighttpd: an empty If-Match or If-None-Match is dropped, and the write happens" {
	visit lighttpd
	[ "$(put 'If-Match:\r\n')" = 204 ]
	[ "$(put 'If-None-Match: \r\n')" = 204 ]
	head -n 4 "$WORLD_TOP/deploy/lighttpd/hulykvs.conf" | grep -q 'empty If-Match'
	# shellcheck disable=SC2016 # Markdown's quotes
	head -n 12 "$WORLD_TOP/docs/web-servers.md" | grep -q 'empty `If-Match`'
}

underscores()
{
	visit "$1"
	[ "$(put '')" = 204 ]
	[ "$(put 'If_Match: "00000000000000000000000000000000"\r\n')" = 204 ]
	[ "$(put 'If-None_Match: *\r\n')" = 204 ]
	[ "$(put 'Content_Encoding: gzip\r\n')" = 204 ]
	[ "$(put 'If-Match: "00000000000000000000000000000000"\r\nIf_Match: *\r\n')" = 412 ]
}

@test "nginx: a field with an underscore is not the field that it looks like" { underscores nginx; }
@test "lighttpd: a field with an underscore is not the field that it looks like" { underscores lighttpd; }

# RFC 9112 5.2: refused, or read as one line.
@test "nginx: a folded field is refused" {
	visit nginx
	[ "$(put 'If-Match: "00000000000000000000000000000000",\r\n "11111111111111111111111111111111"\r\n')" = 400 ]
}

@test "lighttpd: a folded field is one line" {
	visit lighttpd
	[ "$(put 'If-Match: "00000000000000000000000000000000",\r\n "11111111111111111111111111111111"\r\n')" = 412 ]
	[ "$(put 'If-Match: "00000000000000000000000000000000",\r\n *\r\n')" = 400 ]
}

without_http2()
{
	visit "$1"
	[ "$(curl -s -o /dev/null -w '%{http_version} %{http_code}' --http2 "$WORLD_URL/status")" = "1.1 200" ]
	run curl -s -o /dev/null -w '%{http_version} %{http_code}' --http2-prior-knowledge "$WORLD_URL/status"
	[ "$status" -ne 0 ]
}

@test "nginx: no HTTP/2 without TLS" { without_http2 nginx; }
@test "lighttpd: no HTTP/2 without TLS" { without_http2 lighttpd; }

# The web server asks about the token first, since it does not know how large the body is: the answer is the program's.
# nginx hands both fields on (400), and from 1.23 on one, "a, b" (415).
refused_without_length()
{
	visit "$1"
	run curl -s -o "$BATS_TEST_TMPDIR/answer" -w '%{http_code}' -X PUT -H "Authorization: Bearer $WORLD_TOKEN" \
		-H 'Transfer-Encoding: chunked' "${@:2}" --data-binary x "$WORLD_URL$KEY"
	[ "$output" = 400 ] || [ "$output" = 415 ]
	! grep -q '<html>' "$BATS_TEST_TMPDIR/answer"
}

@test "nginx: two fields of one name and a body without a length are refused by the program" {
	refused_without_length nginx -H 'Content-Encoding: br' -H 'Content-Encoding: gzip'
}

# half_header SERVER KIND SED-SCRIPT: the same configuration with a shorter time
half_header()
{
	local pattern=$3

	visit "$1"
	grep -qE "$pattern" "$WORLD_DIR/web.conf"
	world_kill "$WORLD_WEB"
	world_environment
	world_render()
	{
		sed -E "s/$pattern/\\12\\2/" "$WORLD_DIR/web.conf" >"$WORLD_DIR/web.short" && mv "$WORLD_DIR/web.short" "$WORLD_DIR/web.conf"
	}
	world_web
	world_save "$BATS_FILE_TMPDIR/$1"
	world_until 20 world_ready
	"$WORLD_TOP/tests/tools/half_header.py" 127.0.0.1 "$WORLD_PORT" "$2"
}

@test "nginx: a header that comes byte by byte has a time limit as a whole" {
	half_header nginx trickle '(client_header_timeout )[0-9]+(s;)'
}

@test "lighttpd: a client that pauses in its header is not waited for longer than the setting" {
	half_header lighttpd silent '(server.max-read-idle = )[0-9]+()'
}

# 300 clients that never end their header, in a network of their own, and room for 200 connections
crowd()
{
	visit lighttpd
	sed 's/^server.max-connections = .*/server.max-connections = 200/; s/^server.bind = .*/server.bind = "127.0.0.1"/' \
		"$WORLD_DIR/web.conf" >"$BATS_TEST_TMPDIR/web.conf"
	world_environment
	"${WORLD_ENV[@]}" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" "$WORLD_TOP/deploy/render" \
		"$WORLD_TOP/deploy/lighttpd/limit.nft" >"$BATS_TEST_TMPDIR/limit.nft"
	# shellcheck disable=SC2016 # for the shell inside
	timeout 60 unshare -n --kill-child sh -c '
		ip link set lo up || exit 90
		nft -f "$1/limit.nft" || exit 91
		lighttpd -D -f "$1/web.conf" </dev/null >"$1/web.log" 2>&1 3>&- &
		web=$!
		for _ in $(seq 100); do
			! curl -s -o "$1/status" "http://127.0.0.1:$2/status" || break
			sleep 0.1
		done
		"$3/tests/tools/half_header.py" 127.0.0.1 "$2" crowd 300 8
		code=$?
		kill "$web"
		exit "$code"' - "$BATS_TEST_TMPDIR" "$WORLD_PORT" "$WORLD_TOP"
}

# Against what docs/web-servers.md says of lighttpd.
@test "lighttpd: limit.nft keeps connections for others while one address sends slow headers" {
	[ "$(id -u)" -eq 0 ] || skip "a network of its own needs root"
	command -v nft >/dev/null && unshare -n nft list ruleset || skip "no nftables here"
	run -0 crowd
	[[ $output =~ connected=([0-9]+) ]]
	[ "${BASH_REMATCH[1]}" -le 100 ]
}
