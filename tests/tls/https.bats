#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# TLS in front of the program, by both web servers of deploy/.

# shellcheck disable=SC2030,SC2031 # each test has its own environment

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world

setup_file()
{
	world_cluster
	export CERTS=$BATS_FILE_TMPDIR/ours STRANGE=$BATS_FILE_TMPDIR/strange
	"$WORLD_TOP/deploy/tls/test-certificates" "$CERTS"
	"$WORLD_TOP/deploy/tls/test-certificates" "$STRANGE"
	chmod 755 "$BATS_FILE_TMPDIR" "$CERTS"
}

teardown_file()
{
	pg_remove
}

teardown()
{
	[ -z "${BROKEN:-}" ] || kill "$BROKEN"
	world_leave
}

# every_curl LINE …: what all calls of curl have for options; CERTS and STRANGE are in there.
every_curl()
{
	export CURL_HOME=$BATS_TEST_TMPDIR
	printf '%s\n' "$@" >"$CURL_HOME/.curlrc"
}

# start SERVER [SETTING …]
start()
{
	export WORLD_SCHEME=https
	world_start "$1" HULYKVS_TLS_CERT="$CERTS/server.pem" HULYKVS_TLS_KEY="$CERTS/server.key" "${@:2}"
}

# handshake OPTION …: what openssl says about one; old versions are the server's to refuse, not this client's.
handshake()
{
	openssl s_client -connect "127.0.0.1:$WORLD_PORT" -cipher 'DEFAULT@SECLEVEL=0' "$@" </dev/null 2>&1
}

speaks_tls()
{
	local version

	every_curl "cacert = $CERTS/ca.pem"
	start "$1" HULYKVS_TLS_HSTS=63072000
	for version in 1.2 1.3; do
		[ "$(world_status /api/n/k -X POST -d "$version" "--tlsv$version" --tls-max "$version")" = 204 ]
	done
	handshake -tls1_2 | grep -qE 'Cipher is ECDHE-.*(GCM|CHACHA20)'
	handshake -tls1_1 | grep -q 'alert protocol version'
	[ "$(curl -s -o /dev/null -w '%{http_code} %header{strict-transport-security}' "$WORLD_URL/status")" = '200 max-age=63072000' ]
	[ "$(curl -s -o /dev/null -w '%{http_code} %header{strict-transport-security}' "$WORLD_URL/api/n")" = '401 max-age=63072000' ]
	# Another authority; no TLS; and the operators' address, which has none.
	run -60 curl -s --cacert "$STRANGE/ca.pem" "$WORLD_URL/status"
	[ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$WORLD_PORT/status")" != 200 ]
	[ "$(curl -s -o /dev/null -w '%{http_code} %header{strict-transport-security}' "$WORLD_OPERATOR_URL/livez")" = '200 ' ]
	world_stop
}

# HSTS holds for every port of the host name, that of the console and those of others too.
@test "HSTS is sent only where HULYKVS_TLS_HSTS asks for it" {
	local template

	for template in nginx/nginx.conf lighttpd/hulykvs.conf; do
		render() { env -i PATH="$PATH" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" "$@" "$WORLD_TOP/deploy/render" "$WORLD_TOP/deploy/$template"; }
		run -0 render HULYKVS_TLS_CERT=/c HULYKVS_TLS_KEY=/k
		[[ $output == *TLSv1.2* && $output != *Strict-Transport-Security* ]]
		run -0 render HULYKVS_TLS_CERT=/c HULYKVS_TLS_KEY=/k HULYKVS_TLS_CLIENT_CA=/a HULYKVS_TLS_HSTS=0
		[[ $output == *Strict-Transport-Security*max-age=0\"* ]]
		run -78 render HULYKVS_TLS_CERT=/c HULYKVS_TLS_KEY=/k HULYKVS_TLS_HSTS=1y
		run -78 render HULYKVS_TLS_HSTS=1
	done
}

# Keys that the web server decodes to a path that could be a name in its configuration.
key_of_a_location()
{
	local key

	for key in ..%2F..%2Fread ..%2F..%2F.%2Fread ..%2F..%2F%2Fwrite ..%2F..%2Fauthorize; do
		[ "$(world_status "/api/n/$key" -X POST -d v)" = 204 ]
		[ "$(head -c 100000 /dev/zero | world_status "/api/n/$key" -X POST -T -)" = 204 ]
		[ "$(world_status "/api/n/$key")" = 200 ]
		[ "$(world_status "/api/n/$key" -X DELETE)" = 204 ]
	done
}

# The version of HTTP for a client that can do both, and what becomes of an answer that breaks off midway: curl must
# not take it for complete.
speaks_version()
{
	every_curl "cacert = $CERTS/ca.pem" http2
	start "$1"
	[ "$(curl -s -o /dev/null -w '%{http_version} %{http_code}' "$WORLD_URL/status")" = "$2 200" ]
	[ "$(head -c 100000 /dev/zero | world_status /api/n/k -X POST -T -)" = 204 ]
	[ "$(head -c 100000 /dev/zero | WORLD_TOKEN='' world_status /api/n/k -X POST -T -)" = 401 ]
	[ "$(head -c 7000000 /dev/zero | world_status /api/n/k -X POST -T -)" = 413 ]
	[ "$(world_status /api/n/k)" = 200 ]
	key_of_a_location
	world_kill "$WORLD_SPAWN"
	rm -f "$WORLD_SOCKET"
	"$WORLD_TOP/tests/tools/broken_answer.py" "$WORLD_SOCKET" 3>&- &
	BROKEN=$!
	world_until 10 test -S "$WORLD_SOCKET"
	chmod 666 "$WORLD_SOCKET"
	curl -s -N -o "$BATS_TEST_TMPDIR/piece" "$WORLD_URL/api/n" 3>&- &
	client=$! status=0
	# Only then: what lighttpd has not begun to hand on gets a Content-Length, and looks complete.
	world_until 10 test -s "$BATS_TEST_TMPDIR/piece"
	kill -USR1 "$BROKEN"
	wait "$client" || status=$?
	[ "$status" -eq "$3" ]
	grep -q '^{"namespace"' "$BATS_TEST_TMPDIR/piece"
}

wants_a_certificate()
{
	every_curl "cacert = $CERTS/ca.pem" "cert = $CERTS/client.pem" "key = $CERTS/client.key"
	start "$1" HULYKVS_TLS_CLIENT_CA="$CERTS/ca.pem"
	[ "$(world_status /api/n)" = 200 ]
	every_curl "cacert = $CERTS/ca.pem"
	[[ $(world_status /api/n) =~ ^(000|400)$ ]]
	[[ $(world_status /api/n --cert "$STRANGE/client.pem" --key "$STRANGE/client.key") =~ ^(000|400)$ ]]
	every_curl
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$WORLD_OPERATOR_URL/livez")" = 200 ]
	world_stop
}

@test "nginx: TLS 1.2 and 1.3, HSTS, nothing older and nothing plain" {
	speaks_tls nginx
}

@test "lighttpd: TLS 1.2 and 1.3, HSTS, nothing older and nothing plain" {
	speaks_tls lighttpd
}

# lighttpd writes a message about each connection that does not speak TLS; nobody needs a token for that.
@test "lighttpd: messages about connections go to its standard error, without addresses, and to no file" {
	every_curl "cacert = $CERTS/ca.pem"
	start lighttpd
	for _ in 1 2 3 4 5; do
		curl -s -o /dev/null "http://127.0.0.1:$WORLD_PORT/status" || true
	done
	world_kill "$WORLD_WEB"
	WORLD_WEB=''
	world_until 10 grep -q 'server stopped' "$WORLD_DIR/web.log"
	cat "$WORLD_DIR/web.log"
	[ "$(grep -c 'mod_openssl.*SSL:' "$WORLD_DIR/web.log")" -ge 5 ]
	run grep -F 127.0.0.1 "$WORLD_DIR/web.log"
	[ "$status" -eq 1 ]
	[ "$(grep -rlE 'mod_openssl.*SSL:' "$WORLD_DIR")" = "$WORLD_DIR/web.log" ]
}

# 92: an HTTP/2 stream was not closed cleanly; 18: a transfer ended early.
@test "nginx: HTTP/2, and an answer that breaks off midway does not look complete" {
	speaks_version nginx 2 92
}

@test "lighttpd: HTTP/1.1, and an answer that breaks off midway does not look complete" {
	speaks_version lighttpd 1.1 18
}

@test "nginx: no answer without a client's certificate, where that is asked for" {
	wants_a_certificate nginx
}

@test "lighttpd: no answer without a client's certificate, where that is asked for" {
	wants_a_certificate lighttpd
}

@test "deploy/render: a certificate without its key is refused" {
	export HULYKVS_PROGRAM=$HULYKVS_BUILD/hulykvs
	HULYKVS_TLS_CERT=/c run -78 "$WORLD_TOP/deploy/render" "$WORLD_TOP/deploy/nginx/nginx.conf"
	HULYKVS_TLS_CLIENT_CA=/c run -78 "$WORLD_TOP/deploy/render" "$WORLD_TOP/deploy/nginx/nginx.conf"
	[[ $output == *"go together"* ]]
}

# ctl_get TEXT [OPTION …]: reads the value that is there; its status, and that it says the text.
ctl_get()
{
	local text=$1 status=0
	shift

	HULYKVS_URL=$WORLD_URL HULYKVS_TOKEN=$WORLD_TOKEN "$HULYKVS_BUILD/hulykvsctl" get n k "$@" \
		--workspace 11111111-2222-3333-4444-555555555555 >"$BATS_TEST_TMPDIR/out" 2>&1 || status=$?
	grep -qF -- "$text" "$BATS_TEST_TMPDIR/out" || status=$(cat "$BATS_TEST_TMPDIR/out")
	echo "$status"
}

@test "hulykvsctl trusts the authorities of --ca-file only" {
	every_curl "cacert = $CERTS/ca.pem"
	start nginx
	# Whether the workspace is the token's is the service's to say: it was reached.
	[ "$(ctl_get 403 --ca-file "$CERTS/ca.pem")" = 4 ]
	[ "$(ctl_get certificate --retries 0)" = 5 ]
	[ "$(ctl_get certificate --ca-file "$STRANGE/ca.pem" --retries 0)" = 5 ]
	[ "$(ctl_get --ca-file: --ca-file "$CERTS/missing.pem")" = 2 ]
	[ "$(ctl_get --ca-file: --ca-file /dev/null)" = 2 ]
	world_stop
}

@test "the health check of the container image asks the program at its socket where the port speaks TLS" {
	every_curl "cacert = $CERTS/ca.pem"
	start nginx
	run "${WORLD_ENV[@]}" PATH="$HULYKVS_BUILD:$PATH" HULYKVS_SOCKET="$WORLD_SOCKET" \
		"$WORLD_TOP/deploy/container/hulykvs-container" --probe
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == "200 "* ]]
}

@test "the health check of the container image asks through the web server where the port speaks plain HTTP" {
	world_start nginx
	run "${WORLD_ENV[@]}" PATH="$HULYKVS_BUILD:$PATH" HULYKVS_SOCKET=/nowhere "$WORLD_TOP/deploy/container/hulykvs-container" --probe
	[ "$status" -eq 0 ]
	kill "$WORLD_WEB"
	world_until 10 world_gone "$WORLD_WEB"
	run "${WORLD_ENV[@]}" PATH="$HULYKVS_BUILD:$PATH" HULYKVS_SOCKET="$WORLD_SOCKET" "$WORLD_TOP/deploy/container/hulykvs-container" --probe
	[ "$status" -eq 69 ]
}
