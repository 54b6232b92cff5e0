#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# What an operator works with: command line, reading settings again, log, metrics,
# probes, systemd, progress of the migration.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world
load ../lib/migrate

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
	world_kill "${PROGRAM:-}"
	world_leave
}

program()
{
	run env -i PATH="$PATH" "$@"
}

# A line of the program's log that a pattern matches, within the time.
log_has()
{
	world_until "${2:-10}" grep -qE -- "$1" "$WORLD_DIR/program.log"
}

# Ends the program, so that its log is complete.
world_stop_program()
{
	world_kill "$WORLD_SPAWN" 20
	WORLD_SPAWN=
}

conf()
{
	printf '%s\n' "$@" >"$WORLD_DIR/etc/config.toml.new"
	mv "$WORLD_DIR/etc/config.toml.new" "$WORLD_DIR/etc/config.toml"
}

# bare [SETTING …] [-- OPTION …]: a program on a socket, without database, web server or supervisor.
bare()
{
	local settings=()

	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		settings+=("$1")
		shift
	done
	WORLD_DIR=$(mktemp -d /tmp/hkv.XXXXXX)
	export WORLD_DIR WORLD_SPAWN='' WORLD_WEB=''
	mkdir "$WORLD_DIR/etc"
	conf
	(cd "$WORLD_DIR" && exec env -i PATH="$PATH" HULY_DB_CONNECTION=host=/nowhere "${settings[@]}" \
		spawn-fcgi -n -s "$WORLD_DIR/socket" -- "$HULYKVS_BUILD/hulykvs" "${@:2}") \
		</dev/null >>"$WORLD_DIR/program.log" 2>&1 3>&- &
	PROGRAM=$!
	log_has 'msg="database unavailable"'
}

# --- the command line ---

@test "--version: the program's version and those of its libraries" {
	program "$HULYKVS_BUILD/hulykvs" --version
	[ "$status" -eq 0 ]
	[[ ${lines[0]} =~ ^hulykvs\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	for library in libpq libjwt cJSON OpenSSL libfcgi libcurl; do
		grep -qE "^$library [^ ]*[0-9]" <<<"$output"
	done
	program "$HULYKVS_BUILD/hulykvs-migrate" --version
	[ "$status" -eq 0 ]
	[[ ${lines[0]} =~ ^hulykvs-migrate\ [0-9] ]]
	grep -qE '^libpq [0-9]' <<<"$output"
}

@test "--print-config: what is in force and why, without a secret" {
	mkdir "$BATS_TEST_TMPDIR/etc"
	cd "$BATS_TEST_TMPDIR"
	printf 'workers = 3\ntoken_secret = "canary-one"\n' >etc/config.toml
	program HULY_DB_CONNECTION=postgresql://canary-two:canary-three@host/db HULY_PAYLOAD_SIZE_LIMIT=1KiB \
		"$HULYKVS_BUILD/hulykvs" --print-config --log-level debug
	[ "$status" -eq 0 ]
	for line in 'HULY_WORKERS=3  # etc/config.toml:1' 'HULY_TOKEN_SECRET=********  # etc/config.toml:2; HUP reads it again' \
		'HULY_DB_CONNECTION=********  # environment' 'HULY_PAYLOAD_SIZE_LIMIT=1024  # environment' \
		'HULY_BIND_PORT=8094  # default' 'HULY_LOG_LEVEL=debug  # command line; HUP reads it again'; do
		grep -qxF -- "$line" <<<"$output"
	done
	[[ $output != *canary* ]]
	program HULY_WORKERS=x "$HULYKVS_BUILD/hulykvs" --print-config
	[ "$status" -eq 78 ]
}

@test "--print-config=shell: a shell reads what is in force, without a secret" {
	mkdir "$BATS_TEST_TMPDIR/etc"
	cd "$BATS_TEST_TMPDIR"
	printf '\xef\xbb\xbfbind_port = 8_095\nmetrics_bind = "off"\n' >etc/config.toml
	program HULY_DB_SCHEME="it's \$(false) \`false\`" HULY_TOKEN_SECRET=canary HULY_PAYLOAD_SIZE_LIMIT=1KiB \
		"$HULYKVS_BUILD/hulykvs" --print-config=shell
	[ "$status" -eq 0 ]
	[[ $output != *canary* ]]
	[ "$(eval "$output" && echo "$HULY_BIND_PORT $HULY_METRICS_BIND $HULY_PAYLOAD_SIZE_LIMIT $HULY_DB_SCHEME")" = \
		"8095 off 1024 it's \$(false) \`false\`" ]
	# Whoever renders a configuration need not be able to read the secrets.
	program HULY_TOKEN_SECRET_FILE=/nowhere HULY_ACCESS_RULES=/nowhere "$HULYKVS_BUILD/hulykvs" --print-config=shell
	[ "$status" -eq 0 ]
	grep -qxF "HULY_TOKEN_SECRET_FILE='/nowhere'" <<<"$output"
	program HULY_TOKEN_SECRET_FILE=/nowhere "$HULYKVS_BUILD/hulykvs" --print-config
	[ "$status" -eq 78 ]
	program "$HULYKVS_BUILD/hulykvs" --print-config=toml
	[ "$status" -eq 64 ]
}

@test "--environment-file: settings of a systemd unit are checked as systemd reads them" {
	cd "$BATS_TEST_TMPDIR"
	# shellcheck disable=SC1003 # a line that goes on
	printf '%s\n' '# a comment \' 'goes on' ' HULY_WORKERS = "2" ' "HULY_DB_SCHEME='a b'" >environment
	program HULY_WORKERS=3 "$HULYKVS_BUILD/hulykvs" --print-config --environment-file environment
	[ "$status" -eq 0 ]
	grep -qxF 'HULY_WORKERS=2  # environment' <<<"$output"
	grep -qxF 'HULY_DB_SCHEME=a b  # environment' <<<"$output"
	echo 'HULY_WORKERS=canary' >>environment
	program "$HULYKVS_BUILD/hulykvs" --check-config --environment-file=environment
	[ "$status" -eq 78 ]
	[[ $output == *HULY_WORKERS:* && $output != *canary* ]]
	echo 'canary' >>environment
	program "$HULYKVS_BUILD/hulykvs" --check-config --environment-file=environment
	[ "$status" -eq 78 ]
	[[ $output == *'environment:6: a line that is not NAME=value'* && $output != *canary* ]]
	program "$HULYKVS_BUILD/hulykvs" --check-config --environment-file=nowhere
	[ "$status" -eq 78 ]
	[[ $output == *'nowhere: No such file'* ]]
	program "$HULYKVS_BUILD/hulykvs" --environment-file=environment
	[ "$status" -eq 64 ]
}

@test "--log-level is above the settings; an unknown level: 64" {
	program HULY_TOKEN_SECRET=s HULY_NONSENSE=1 HULY_LOG_LEVEL=error "$HULYKVS_BUILD/hulykvs" --check-config
	[[ $output != *HULY_NONSENSE* ]]
	program HULY_TOKEN_SECRET=s HULY_NONSENSE=1 HULY_LOG_LEVEL=error "$HULYKVS_BUILD/hulykvs" --check-config --log-level warn
	[[ $output == *level=warn*HULY_NONSENSE* ]]
	program "$HULYKVS_BUILD/hulykvs" --print-config --log-level=warn
	[[ $output == *"HULY_LOG_LEVEL=warn  # command line"* ]]
	program "$HULYKVS_BUILD/hulykvs" --check-config --log-level loud
	[ "$status" -eq 64 ]
	[[ $output == *--log-level* ]]
}

# --- probe ---

# probe STATUS TEXT OPTION …: what --probe says of the service of this world.
probe()
{
	run --separate-stderr env -i HULY_BIND_PORT="$WORLD_PORT" timeout 10 "$HULYKVS_BUILD/hulykvs" --probe "${@:3}"
	# shellcheck disable=SC2154 # run sets it
	echo "--probe ${*:3}: $status: $output$stderr"
	[ "$status" -eq "$1" ]
	[[ $output$stderr == *"$2"* ]]
}

probes()
{
	world_start "$1"
	probe 0 '200 ok'
	probe 0 '200 ok' live
	probe 0 '200 ok' ready
	probe 0 '200 ok' ready --socket "$WORLD_SOCKET"
	export WORLD_ERRORS_EXPECTED=1
	pg_stop immediate
	world_until 10 probe 1 503 ready
	probe 1 503 ready --socket "$WORLD_SOCKET"
	probe 0 '200 ok' --socket "$WORLD_SOCKET"
	pg_start "$PG_DIR"
	world_until 10 probe 0 '200 ok' ready
	world_stop
	probe 69 'cannot connect: Connection refused'
	probe 69 'cannot connect: No such file' --socket "$BATS_TEST_TMPDIR/none"
}

@test "nginx: --probe tells a service manager whether it is live and ready" {
	probes nginx
}

@test "lighttpd: --probe tells a service manager whether it is live and ready" {
	probes lighttpd
}

@test "--probe: no answer, or not the service's, is a failure; an unknown word is 64" {
	local path=$BATS_TEST_TMPDIR/peer kind
	for kind in silent closes 'HTTP/1.1 200 OK' $'\x01\x06'; do
		rm -f "$path"
		# A program that takes one connection, and closes it only when the other side has given up or has all.
		timeout 20 python3 - "$path" "$kind" <<-'END' &
			import os, socket, sys
			listener = socket.socket(socket.AF_UNIX)
			listener.bind(sys.argv[1])
			listener.listen()
			peer, _ = listener.accept()
			if sys.argv[2] == "silent":
			    while peer.recv(4096):
			        pass
			elif sys.argv[2] != "closes":
			    peer.recv(4096)
			    peer.sendall(os.fsencode(sys.argv[2]))
		END
		world_until 10 test -S "$path"
		WORLD_PORT=1 probe 69 '--probe: ' --socket "$path"
		wait $!
	done
	program "$HULYKVS_BUILD/hulykvs" --probe alive
	[ "$status" -eq 64 ]
	program "$HULYKVS_BUILD/hulykvs" --probe live ready
	[ "$status" -eq 64 ]
	program "$HULYKVS_BUILD/hulykvs" --socket x
	[ "$status" -eq 64 ]
	program HULY_BIND_PORT=x "$HULYKVS_BUILD/hulykvs" --probe
	[ "$status" -eq 78 ]
}

# --- HUP ---

@test "HUP takes a new log level, names what needs a new program, and refuses what is wrong" {
	bare
	conf 'log_level = "warn"'
	kill -HUP "$PROGRAM"
	conf 'log_level = "debug"' 'workers = 2'
	kill -HUP "$PROGRAM"
	log_has 'msg="settings read again"'
	log_has 'level=warn .*setting="HULY_WORKERS"'
	run ! grep -E 'setting="HULY_LOG_LEVEL"' "$WORLD_DIR/program.log"
	conf 'log_level = "loud"'
	kill -HUP "$PROGRAM"
	log_has 'level=error .*etc/config.toml:1: log_level: not a log level'
	kill -TERM "$PROGRAM"
	world_until 10 world_gone "$PROGRAM"
}

@test "HUP: --log-level and the environment stay above the file" {
	bare -- --log-level error
	conf 'log_level = "debug"'
	kill -HUP "$PROGRAM"
	conf 'workers = "none"'
	kill -HUP "$PROGRAM"
	log_has 'level=error .*workers: not a number'
	run ! grep -F 'settings read again' "$WORLD_DIR/program.log"
}

# --- the log ---

WS=5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f # the workspace of the token
TRACE=4bf92f3577b34da6a3ce929d0e0e4736

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
	log_has "level=info msg=\"request\" request_id=\"put-1\" method=\"PUT\" route=\"/api2/{workspace}/{namespace}/{key}\" status=204 dur_ms=[0-9]+\\.[0-9]{3} bytes=0 service=\"tests\"$"
	log_has "request_id=\"Get_2.x\" trace_id=\"$TRACE\" method=\"GET\" route=\"[^\"]*\" status=200 dur_ms=[0-9.]+ bytes=5 service=\"tests\"$"
	for bad in 'a b' 'a,b' '' "$(printf %0129d 0)"; do
		id=$(answered_id -H "X-Request-Id: $bad" -H 'traceparent: 00-x' "$WORLD_URL/api2/$WS/ns")
		[[ $id =~ ^[0-9a-f]{32}$ ]]
		log_has "request_id=\"$id\" method=\"GET\" route=\"/api2/{workspace}/{namespace}\" status=200 "
	done
	id=$(WORLD_TOKEN=x answered_id "$WORLD_URL$key")
	log_has "request_id=\"$id\" method=\"GET\" route=\"/api2/{workspace}/{namespace}/{key}\" status=401 .* refusal=\"INVALID_TOKEN\" reason=\"malformed\"$"
	world_stop
}

@test "nginx: each request has an id and a line in the log" { requests_are_logged nginx; }
@test "lighttpd: each request has an id and a line in the log" { requests_are_logged lighttpd; }

@test "HULY_LOG_FORMAT=json: every line is an object; HULY_ACCESS_LOG=off: none is a request" {
	world_start nginx HULY_LOG_FORMAT=json
	[ "$(world_status "/api2/$WS/ns/k" -H 'X-Request-Id: j1')" = 404 ]
	log_has '"request_id":"j1"'
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
	PROGRAM=$!
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
	kill -HUP "$PROGRAM" # whatever makes a line
	timeout 10 grep -m 1 'msg="lines of the log were lost" lines=[1-9]' <&7
}

# --- metrics ---

# metric NAME{LABELS}: its value, all programs' answers on the operators' address being one's own.
metric()
{
	curl -sf "$WORLD_OPERATOR_URL/metrics" | awk -v name="$1" '{ value = $NF; sub(/ [^ ]*$/, "") } $0 == name { print value }'
}

metrics_are_counted()
{
	local key=/api2/$WS/ns/key name
	local get='{method="GET",route="/api2/{workspace}/{namespace}/{key}",code="200"}'

	world_start "$1"
	[ "$(world_status "$key" -X PUT -d 12345)" = 204 ]
	for _ in 1 2 3; do
		[ "$(world_status "$key")" = 200 ]
	done
	[ "$(world_status "$key-other")" = 404 ]
	[ "$(WORLD_TOKEN=x world_status "$key")" = 401 ]
	[ "$(metric "hulykvs_http_requests_total$get")" -eq 3 ]
	[ "$(metric 'hulykvs_db_operations_total{operation="get",outcome="done"}')" -eq 3 ]
	[ "$(metric 'hulykvs_db_operations_total{operation="get",outcome="no_key"}')" -eq 1 ]
	[ "$(metric 'hulykvs_db_operation_duration_seconds_count{operation="put"}')" -eq 1 ]
	[ "$(metric 'hulykvs_auth_refusals_total{reason="token_malformed"}')" -eq 1 ]
	[ "$(metric hulykvs_http_requests_in_flight)" -eq 1 ] # the scrape itself
	[ "$(metric 'hulykvs_db_connections{state="idle"}')" -ge 2 ]
	[ "$(($(metric hulykvs_token_cache_hits_total) + $(metric hulykvs_token_cache_misses_total)))" -eq 6 ]
	[ "$(metric hulykvs_request_body_bytes_sum)" -eq 5 ]
	[ "$(metric 'hulykvs_http_request_duration_seconds_bucket{le="+Inf"}')" -ge 6 ]
	# Not for the public, however it asks.
	for name in HULYKVS_OPERATOR HULYKVS-OPERATOR Http-Hulykvs-Operator; do
		[ "$(world_status /metrics -H "$name: 1")" = 404 ]
	done
	[ "$(world_status '/metrics?HULYKVS_OPERATOR=1' -X PUT)" = 404 ]
	# And nothing else for operators.
	[ "$(world_operator_status /readyz)" = 200 ]
	[ "$(world_operator_status /livez)" = 200 ]
	[ "$(world_operator_status "$key")" = 404 ]
	[ "$(world_operator_status /)" = 404 ]
	# Not even where the web server takes the path for another.
	for path in "$key/..%2F..%2F..%2F..%2Fstatus" /api/x/..%2F..%2Fstatus /api/..%2Fmetrics; do
		[ "$(world_operator_status "$path" --path-as-is)" = 404 ]
		[ "$(world_operator_status "$path" --path-as-is -X DELETE)" = 404 ]
	done
	for format in text/plain application/openmetrics-text; do
		curl -sf -D "$BATS_TEST_TMPDIR/head" -H "Accept: $format" "$WORLD_OPERATOR_URL/metrics" >"$BATS_TEST_TMPDIR/metrics"
		grep -qi "^content-type: $format;" "$BATS_TEST_TMPDIR/head"
		run grep -F -e "$WS" -e ns/key "$BATS_TEST_TMPDIR/metrics"
		[ "$status" -eq 1 ]
	done
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/metrics")" = '# EOF' ]
	world_stop
}

world_operator_status()
{
	curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $WORLD_TOKEN" "${@:2}" "$WORLD_OPERATOR_URL$1"
}

@test "nginx: metrics count what happens, and only operators see them" { metrics_are_counted nginx; }
@test "lighttpd: metrics count what happens, and only operators see them" { metrics_are_counted lighttpd; }

@test "a database that goes away shows in the metrics" {
	world_start nginx
	[ "$(world_status "/api2/$WS/ns/k")" = 404 ]
	pg_stop
	world_until 10 database_is_away
	[ "$(metric 'hulykvs_db_connections{state="idle"}')" -eq 0 ]
	[ "$(metric 'hulykvs_db_connections{state="connecting"}')" -ge 2 ]
	[ "$(metric 'hulykvs_db_operations_total{operation="get",outcome="unavailable"}')" -ge 1 ]
	pg_start "$PG_DIR"
	world_until 20 world_ready
	[ "$(metric 'hulykvs_db_connections{state="idle"}')" -ge 2 ]
}

database_is_away()
{
	[ "$(world_status "/api2/$WS/ns/k")" = 503 ] && [ "$(metric 'hulykvs_db_connections{state="idle"}')" -eq 0 ]
}

@test "HULY_METRICS_BIND=off: no metrics, no address" {
	world_start nginx HULY_METRICS_BIND=off
	[ "$(world_operator_status /metrics)" = 000 ]
	# Whoever can open the socket may call itself an operator.
	python3 - "$WORLD_SOCKET" "$WORLD_TOP/tests/tools" <<-'END'
		import sys
		sys.path.insert(0, sys.argv[2])
		import fcgi_peer
		env = fcgi_peer.environment("GET", "/metrics", None, None)
		env["HULYKVS_OPERATOR"] = "1"
		with fcgi_peer.Peer(sys.argv[1]) as peer:
		    peer.begin(1, True)
		    peer.params(1, env)
		    peer.stdin(1, b"")
		    assert peer.read_answer(1).status == 404
	END
	world_stop
}

@test "promtool finds no fault with metrics, alerts and the dashboard's queries, which name metrics that there are" {
	world_start nginx
	[ "$(world_status "/api2/$WS/ns/k")" = 404 ]
	cd "$BATS_TEST_TMPDIR"
	curl -sf "$WORLD_OPERATOR_URL/metrics" >answer
	python3 - "$WORLD_TOP/deploy/prometheus" >queries.yml <<-'END'
		import json, os, re, sys
		top = sys.argv[1]
		queries = [t["expr"] for p in json.load(open(os.path.join(top, "dashboard.json")))["panels"] for t in p["targets"]]
		assert len(queries) >= 20
		rules = [{"record": "query", "expr": q.replace("$__rate_interval", "5m").replace("$job", ".*").replace("$instance", ".*")}
		         for q in queries]
		print(json.dumps({"groups": [{"name": str(i), "rules": [rule]} for i, rule in enumerate(rules)]}))
		names = set(re.findall(r"\b(?:hulykvs|process)_[a-z_]+", " ".join(queries) + open(os.path.join(top, "alerts.yml")).read()))
		there = set(re.findall(r"^([a-z_]+)[{ ]", open("answer").read(), re.M)) | {"hulykvs"}
		assert not names - there, names - there
		told = set(re.findall(r"`(Hulykvs[A-Za-z]+)`", open(os.path.join(top, "../../docs/operations.md")).read()))
		alerts = set(re.findall(r"- alert: (\w+)", open(os.path.join(top, "alerts.yml")).read()))
		assert told == alerts, told ^ alerts
		listed = set(re.findall(r"^# TYPE (hulykvs_\w+)", open("answer").read(), re.M))
		table = open(os.path.join(top, "../../docs/operations.md")).read()
		assert not [name for name in listed if "`" + name + "`" not in table]
	END
	command -v promtool >/dev/null || skip "no promtool"
	promtool check metrics <answer
	promtool check rules queries.yml "$WORLD_TOP/deploy/prometheus/alerts.yml"
	promtool test rules "$WORLD_TOP/deploy/prometheus/alerts_test.yml"
	world_stop
}

# --- probes ---

probes()
{
	world_start "$1"
	run world_get /readyz
	[ "$output" = "ok"$'\n'200 ]
	run world_get '/readyz?verbose'
	[ "$output" = "[+]database ok"$'\n'"[+]schema ok"$'\n'"[+]writable ok"$'\n'"[+]lists ok"$'\n'"[+]serving ok"$'\n'"ok"$'\n'200 ]
	run world_get '/livez?verbose'
	[ "$output" = "[+]workers ok"$'\n'"ok"$'\n'200 ]
	pg_sql "w${WORLD_DIR##*.}" -c 'drop table hulykvs.kvs'
	run world_get /readyz
	[ "${lines[0]}" = "[-]schema failed" ] # no reason on the public address
	world_until 10 log_has 'route="/readyz" status=503 .*refusal="NOT_READY" reason=".*hulykvs-migrate'
	run world_probe /readyz
	[[ ${lines[0]} == "[-]schema failed: "?* ]]
	[[ $output == *$'\n[+]database ok\n'* ]] || { echo "$output"; false; }
	[ "${lines[-1]}" = 503 ]
	pg_stop
	world_until 10 readyz_begins "[-]database failed: "
	[ "$(world_status /livez)" = 200 ]
	[ "$(world_status /status)" = 200 ]
	pg_start "$PG_DIR"
	world_until 20 readyz_begins "[-]schema failed: "
	WORLD_ERRORS_EXPECTED=1 world_stop
}

readyz_begins()
{
	[[ $(world_probe /readyz) == "$1"* && $(world_get "/readyz?verbose") == "${1%: }"$'\n'* ]]
}

@test "nginx: /readyz names each check" { probes nginx; }
@test "lighttpd: /readyz names each check" { probes lighttpd; }

# fcgi SOCKET: Python with a Peer on it.
fcgi()
{
	python3 -c "import sys; sys.path.insert(0, sys.argv[2]); import fcgi_peer
$(cat)" "$1" "$WORLD_TOP/tests/tools"
}

@test "a program that is about to end is not ready" {
	bare
	fcgi "$WORLD_DIR/socket" <<-END
		import os, signal, time
		with fcgi_peer.Peer(sys.argv[1]) as peer:
		    peer.begin(1, True)
		    peer.params(1, fcgi_peer.environment("GET", "/readyz", None, None))
		    with fcgi_peer.Peer(sys.argv[1]) as other:
		        assert other.ask("GET", "/status").status == 200  # so the first one has arrived
		    os.kill($PROGRAM, signal.SIGTERM)
		    while "shutting down" not in open("$WORLD_DIR/program.log").read():
		        time.sleep(0.01)
		    peer.stdin(1, b"")
		    answer = peer.read_answer(1)
		    assert answer.status == 503 and b"[-]serving failed\\n" in answer.body, answer.body
	END
	world_until 10 world_gone "$PROGRAM"
}

@test "a worker whose event loop hangs: another one answers /livez with 503" {
	bare HULY_WORKERS=2
	worker=$(grep -lx 'worker 1' "/proc/$PROGRAM"/task/*/comm)
	worker=${worker%/comm}
	fcgi "$WORLD_DIR/socket" <<-END || { rc=$?; [ "$rc" -ne 77 ] || skip "no ptrace here"; return "$rc"; }
		import ctypes, os, time
		libc = ctypes.CDLL(None, use_errno=True)
		SEIZE, INTERRUPT = 0x4206, 0x4207
		tid = ${worker##*/}
		if libc.ptrace(SEIZE, tid, None, None) != 0 or libc.ptrace(INTERRUPT, tid, None, None) != 0:
		    sys.exit(77)  # it goes on when this program ends
		os.waitpid(tid, 0x40000000)  # __WALL: it has stopped, and waits for no connection any more
		deadline, seen = time.monotonic() + 20, set()
		while time.monotonic() < deadline and 503 not in seen:
		    with fcgi_peer.Peer(sys.argv[1]) as peer:
		        answer = peer.ask("GET", "/livez")
		        seen.add(answer.status)
		    time.sleep(0.1)
		assert seen == {200, 503}, seen
		assert answer.body.startswith(b"[-]workers failed\\n"), answer.body
	END
	log_has 'level=error .*route="/livez" status=503 .*refusal="NOT_ALIVE" reason="the event loop of worker 1 has been stuck for 5 s"'
	world_until 10 livez_is_ok
}

livez_is_ok()
{
	fcgi "$WORLD_DIR/socket" <<-END
		with fcgi_peer.Peer(sys.argv[1]) as peer:
		    sys.exit(peer.ask("GET", "/livez").status != 200)
	END
}

# --- systemd ---

# Runs the rest as the program of a supervisor: waits for its datagrams, gives it signals.
@test "systemd's way: a socket at descriptor 3, and datagrams to the supervisor" {
	command -v systemd-socket-activate >/dev/null || skip "no systemd-socket-activate"
	cd "$BATS_TEST_TMPDIR"
	run timeout 60 python3 - "$HULYKVS_BUILD/hulykvs" "$WORLD_TOP/tests/tools" <<-'END'
		import os, signal, socket, subprocess, sys, time
		sys.path.insert(0, sys.argv[2])
		import fcgi_peer
		supervisor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		supervisor.bind("notify")
		supervisor.settimeout(20)
		def hear():
		    return dict(line.split("=", 1) for line in supervisor.recv(4096).decode().splitlines())
		def hear_until(name):
		    while name not in (told := hear()):
		        assert told == {"WATCHDOG": "1"}, told
		    return told
		path = os.path.abspath("socket")
		settings = {"NOTIFY_SOCKET": os.path.abspath("notify"), "WATCHDOG_USEC": "400000", "HULY_DB_CONNECTION": "host=/nowhere"}
		program = subprocess.Popen(["systemd-socket-activate", "-l", path, *[x for p in settings.items() for x in ("-E", "=".join(p))],
		                            sys.argv[1]], stdin=subprocess.DEVNULL, stderr=open("log", "w"))
		try:
		    while not os.path.exists(path):
		        time.sleep(0.01)
		    with fcgi_peer.Peer(path) as peer:  # starts it
		        assert hear()["READY"] == "1"
		        assert peer.ask("GET", "/livez").status == 200
		    assert hear() == {"WATCHDOG": "1"}
		    program.send_signal(signal.SIGHUP)
		    assert hear_until("RELOADING")["MONOTONIC_USEC"].isdigit()
		    assert hear_until("READY")["READY"] == "1"
		    assert hear_until("WATCHDOG") == {"WATCHDOG": "1"}
		    # The watchdog hears of the program also while each HUP follows the one before it.
		    heard, end = [], time.monotonic() + 20
		    while "WATCHDOG" not in heard and time.monotonic() < end:
		        program.send_signal(signal.SIGHUP)
		        while "READY" not in (told := hear()):
		            heard += told
		    assert "WATCHDOG" in heard
		    program.terminate()
		    assert hear_until("STOPPING")["STOPPING"] == "1"
		    assert program.wait(20) == 0, program.returncode
		finally:
		    program.kill()
	END
	echo "$output"
	cat log
	[ "$status" -eq 0 ]
}

@test "descriptors that are announced to another process are not used" {
	run env -i PATH="$PATH" LISTEN_PID=1 LISTEN_FDS=1 "$HULYKVS_BUILD/hulykvs" </dev/null
	[ "$status" -eq 64 ]
	# shellcheck disable=SC2016 # the other shell's
	run env -i PATH="$PATH" LISTEN_FDS=1 bash -c 'LISTEN_PID=$$ exec "$0" 3<&-' "$HULYKVS_BUILD/hulykvs" </dev/null
	[ "$status" -eq 64 ]
}

# has UNIT LINE: the unit that make made has this line.
has()
{
	grep -qxF "$2" "$HULYKVS_BUILD/deploy/systemd/$1"
}

@test "migration by systemd and in the container: each minute a new process reads the settings again, without a limit" {
	local file

	for file in "$HULYKVS_BUILD/deploy/systemd/hulykvs-migrate.service" "$WORLD_TOP/deploy/container/hulykvs-container"; do
		grep -q 'hulykvs-migrate --wait 60\( \|$\)' "$file"
	done
	has hulykvs-migrate.service StartLimitIntervalSec=0
	has hulykvs-migrate.service Restart=on-failure
	# hulykvs.service starts again after a wrong setting, and starts the migration with it.
	has hulykvs.service StartLimitIntervalSec=0
	has hulykvs.service "Wants=network-online.target hulykvs-migrate.service"
}

@test "no document stops the service of systemd without its socket, which would start it again" {
	local stops='systemctl stop [^`(]*hulykvs'

	grep -q "$stops" "$WORLD_TOP/docs/operations.md"
	run grep -rnE "$stops" "$WORLD_TOP"/{README.md,NEWS,docs,man,debian,deploy}
	[ "$status" -eq 0 ]
	run grep -v 'stop hulykvs\.socket hulykvs\.service' <<<"$output"
	[ -z "$output" ]
}

@test "the units are sound and confined, users and directories can be made" {
	command -v systemd-analyze >/dev/null || skip "no systemd-analyze"
	cd "$BATS_TEST_TMPDIR"
	for unit in hulykvs hulykvs-migrate; do
		# As make made it; only the programs are elsewhere.
		run grep -E "^ExecStart=/[a-z/]+/sbin/$unit( |$)" "$HULYKVS_BUILD/deploy/systemd/$unit.service"
		[ "$status" -eq 0 ]
		sed -E "s|^ExecStart=[^ ]*/|ExecStart=$HULYKVS_BUILD/|; s|^ExecReload=[^ ]*/hulykvs|ExecReload=$HULYKVS_BUILD/hulykvs|" "$HULYKVS_BUILD/deploy/systemd/$unit.service" >"$unit.service"
		run grep @ "$unit.service"
		[[ $output == "SystemCallFilter=@system-service"* ]]
	done
	cp "$WORLD_TOP/deploy/systemd/hulykvs.socket" .
	mkdir hulykvs.service.d
	cp "$WORLD_TOP/deploy/systemd/credentials.conf" hulykvs.service.d
	run systemd-analyze verify --man=no ./hulykvs.service ./hulykvs.socket ./hulykvs-migrate.service
	[ "$status" -eq 0 ]
	[[ $output != *hulykvs* ]]
	for unit in hulykvs hulykvs-migrate; do
		run systemd-analyze security --offline=true --threshold=15 --no-pager "./$unit.service"
		echo "${lines[-1]}"
		[ "$status" -eq 0 ]
	done
	mkdir -p root/etc root/run
	systemd-sysusers --root="$PWD/root" "$WORLD_TOP/deploy/systemd/sysusers.conf"
	grep -q '^hulykvs:' root/etc/passwd
	grep -q '^www-data:' root/etc/group
	systemd-tmpfiles --root="$PWD/root" --create "$WORLD_TOP/deploy/systemd/tmpfiles.conf"
	[ -d root/run/hulykvs ]
	[ "$(stat -c %a root/run/hulykvs-web)" = 770 ]
	[ "$(stat -c %a root/etc/hulykvs)" = 750 ]
}

# --- progress ---

# Whether the move of rows has waited for the lock for longer than the time between two lines.
moving_waits()
{
	[ "$(pg_sql "$1" -c "select count(*) from pg_stat_activity where datname = '$1' and wait_event_type = 'Lock'
		and now() - query_start > '5500 ms'")" -eq 1 ]
}

@test "hulykvs-migrate says on a terminal how far it is" {
	name=progress$RANDOM
	url=$(pg_db "$name")
	migrate "$url"
	pg_sql "$name" -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value)
		select '$MIGRATE_STRANDED', 'canary', 'canary' || n, '', '' from generate_series(1, 1500) as n"
	mkfifo "$BATS_TEST_TMPDIR/hold"
	pg_sql "$name" <"$BATS_TEST_TMPDIR/hold" >"$BATS_TEST_TMPDIR/held" 3>&- &
	exec 7>"$BATS_TEST_TMPDIR/hold"
	printf '%s\n' 'begin;' "select 1 from hulykvs.kvs where key = 'canary1' for update;" '\echo held' >&7
	world_until 20 grep -q held "$BATS_TEST_TMPDIR/held"
	python3 -c 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' \
		env -i "PATH=$PATH" "HULY_DB_CONNECTION=$url" "$HULYKVS_BUILD/hulykvs-migrate" </dev/null >"$BATS_TEST_TMPDIR/terminal" 2>&1 3>&- 7>&- &
	world_until 30 moving_waits "$name"
	echo 'commit;' >&7
	exec 7>&-
	wait
	cat "$BATS_TEST_TMPDIR/terminal"
	grep -qE 'moving rows .*done=[0-9]+ of=1500' "$BATS_TEST_TMPDIR/terminal"
	grep -q 'moved rows .*rows=1500' "$BATS_TEST_TMPDIR/terminal"
	run ! grep -q canary "$BATS_TEST_TMPDIR/terminal"
}
