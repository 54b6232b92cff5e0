#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The log: what it says of a request, that it tells no secret, and readers of it that are slow.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world

WS=5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f # the workspace of the token
TRACE=4bf92f3577b34da6a3ce929d0e0e4736

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
	world_leave
}

# Ends the program, so that its log is complete.
world_stop_program()
{
	world_kill "$WORLD_SPAWN" 20
	WORLD_SPAWN=
}

# The X-Request-Id of an answer.
answered_id()
{
	curl -s -o /dev/null -D - -H "Authorization: Bearer $WORLD_TOKEN" "$@" | tr -d '\r' | sed -n 's/^X-Request-Id: //Ip'
}

requests_are_logged()
{
	local key=/api2/$WS/ns/key id

	world_start "$1"
	[ "$(answered_id -X PUT -d 12345 -H 'X-Request-Id: put-1' "$WORLD_URL$key")" = put-1 ]
	[ "$(answered_id -H 'X-Request-Id: Get_2.x' -H "traceparent: 00-$TRACE-00f067aa0ba902b7-01" "$WORLD_URL$key")" = Get_2.x ]
	world_log_has "level=info msg=\"request\" request_id=\"put-1\" method=\"PUT\" route=\"/api2/{workspace}/{namespace}/{key}\" status=204 dur_ms=[0-9]+\\.[0-9]{3} bytes=0 service=\"tests\"$"
	world_log_has "request_id=\"Get_2.x\" trace_id=\"$TRACE\" method=\"GET\" route=\"[^\"]*\" status=200 dur_ms=[0-9.]+ bytes=5 service=\"tests\"$"
	for bad in 'a b' 'a,b' '' "$(printf %0129d 0)"; do
		id=$(answered_id -H "X-Request-Id: $bad" -H 'traceparent: 00-x' "$WORLD_URL/api2/$WS/ns")
		[[ $id =~ ^[0-9a-f]{32}$ ]]
		world_log_has "request_id=\"$id\" method=\"GET\" route=\"/api2/{workspace}/{namespace}\" status=200 "
	done
	id=$(WORLD_TOKEN=x answered_id "$WORLD_URL$key")
	world_log_has "request_id=\"$id\" method=\"GET\" route=\"/api2/{workspace}/{namespace}/{key}\" status=401 .* refusal=\"INVALID_TOKEN\" reason=\"malformed\"$"
	world_stop
}

@test "nginx: each request has an id and a line in the log" { requests_are_logged nginx; }
@test "lighttpd: each request has an id and a line in the log" { requests_are_logged lighttpd; }

@test "HULY_LOG_FORMAT=json: every line is an object; HULY_ACCESS_LOG=off: none is a request" {
	world_start nginx HULY_LOG_FORMAT=json
	[ "$(world_status "/api2/$WS/ns/k" -H 'X-Request-Id: j1')" = 404 ]
	world_log_has '"request_id":"j1"'
	world_stop_program
	python3 -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin if not line.startswith("ts=")]  # the supervisor has its own
assert all({"ts", "level", "msg"} <= line.keys() for line in lines), lines
(line,) = [x for x in lines if x.get("request_id") == "j1"]
assert line["status"] == 404 and line["method"] == "GET" and line["bytes"] == 0 and line["dur_ms"] > 0, line
assert line["route"] == "/api2/{workspace}/{namespace}/{key}" and line["service"] == "tests", line
' <"$WORLD_DIR/program.log"
	world_leave
	world_start nginx HULY_ACCESS_LOG=off
	[ "$(world_status "/api2/$WS/ns/k")" = 404 ]
	world_stop_program
	run ! grep -F 'msg="request"' "$WORLD_DIR/program.log"
}

# What a client may write somewhere, with a database that goes away in between.
@test "no canary in the log, the metrics and the spans, whatever the format and the failure" {
	local c=canary$RANDOM$RANDOM format

	for format in logfmt json; do
		world_start lighttpd HULY_LOG_FORMAT=$format HULY_OTEL_MODE=stdout OTEL_EXPORTER_OTLP_HEADERS="k=$c" HULY_REQUEST_TIMEOUT=1 HULY_STATEMENT_TIMEOUT=1 HULY_PAYLOAD_SIZE_LIMIT=99
		for path in "/api2/$WS/$c/$c?$c=$c" "/api2/$c/a/b" "/api/$c/$c" "/$c" "/api2/$WS/$c?prefix=$c&limit=x$c" "/api2/$WS/$c%zz"; do
			for method in GET PUT DELETE "X$c"; do
				world_status "$path" -X "$method" -d "$c" -H "X-Request-Id: $c!" -H "traceparent: 00-$c" \
					-H "If-Match: $c" -H "Accept: $c" -H "Origin: $c" >>"$WORLD_DIR/statuses"
				echo >>"$WORLD_DIR/statuses"
			done
		done
		world_status "/api2/$WS/$c/$c" -X PUT -d "$(printf '%0100d' 0)$c" >>"$WORLD_DIR/statuses"
		WORLD_TOKEN=$c world_status "/api2/$WS/$c/$c" >>"$WORLD_DIR/statuses"
		pg_sql "w${WORLD_DIR##*.}" -c 'alter table hulykvs.kvs rename to elsewhere'
		world_status "/api2/$WS/$c/$c" -X PUT -d "$c" >>"$WORLD_DIR/statuses"
		world_status "/api2/$WS/$c" >>"$WORLD_DIR/statuses"
		curl -sf "$WORLD_OPERATOR_URL/metrics" >"$WORLD_DIR/metrics.log"
		world_stop_program
		grep -q '^hulykvs_http_requests_total{' "$WORLD_DIR/metrics.log"
		grep -q '^{"resourceSpans":.*"select kvs".*"42P01"' "$WORLD_DIR/program.log"
		[ "$(grep -cE 'msg"?[:=]"request"' "$WORLD_DIR/program.log")" -ge 20 ]
		grep -qE '413|401' "$WORLD_DIR/statuses"
		run grep -rlF -e "$c" -e "${WORLD_TOKEN##*.}" --include='*.log' "$WORLD_DIR"
		echo "$output"
		[ "$status" -eq 1 ]
		world_leave
	done
}

@test "a reader of the log that stops reading costs lines, not requests" { slow_reader; }

@test "a reader of the log that stops reading, and whose pipe may not be opened again" {
	[ "$(id -u)" -eq 0 ] || skip "not root"
	chmod 711 "$BATS_TEST_TMPDIR"
	slow_reader -u nobody
}

# slow_reader [OPTION-OF-SPAWN-FCGI ...]
slow_reader()
{
	mkfifo -m 600 "$BATS_TEST_TMPDIR/fifo"
	exec 7<>"$BATS_TEST_TMPDIR/fifo"
	WORLD_BARE=1 world_start none HULY_DB_CONNECTION=host=/nowhere
	world_kill "$WORLD_SPAWN"
	world_environment
	# Another user may not be able to go where it was built.
	cp "$HULYKVS_BUILD/hulykvs" "$WORLD_DIR/program"
	(cd "$WORLD_DIR" && exec "${WORLD_ENV[@]}" spawn-fcgi -n "$@" -s "$WORLD_DIR/fifo-socket" -- "$WORLD_DIR/program") \
		</dev/null 2>&7 3>&- 7>&- &
	WORLD_PROGRAM=$!
	world_until 10 test -S "$WORLD_DIR/fifo-socket"
	timeout 20 python3 - "$WORLD_DIR/fifo-socket" "$WORLD_TOP/tests/tools" <<-'END'
		import sys
		sys.path.insert(0, sys.argv[2])
		import fcgi_peer
		with fcgi_peer.Peer(sys.argv[1]) as peer:
		    for _ in range(2000):
		        assert peer.ask("GET", "/status").status == 200
	END
	timeout 5 dd bs=65536 count=1 <&7 >"$BATS_TEST_TMPDIR/head" 2>/dev/null
	kill -HUP "$WORLD_PROGRAM" # whatever makes a line
	timeout 10 grep -m 1 'msg="lines of the log were lost" lines=[1-9]' <&7
}

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
