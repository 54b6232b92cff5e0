#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# What watches the service: --probe, /livez and /readyz, metrics, alerts.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world

WS=5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f # the workspace of the token

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
}

# probe STATUS TEXT OPTION …: what --probe says of the service of this world.
probe()
{
	run --separate-stderr env -i HULY_BIND_PORT="$WORLD_PORT" timeout 10 "$HULYKVS_BUILD/hulykvs" --probe "${@:3}"
	# shellcheck disable=SC2154 # run sets it
	echo "--probe ${*:3}: $status: $output$stderr"
	[ "$status" -eq "$1" ]
	[[ $output$stderr == *"$2"* ]]
}

tells_manager()
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
	tells_manager nginx
}

@test "lighttpd: --probe tells a service manager whether it is live and ready" {
	tells_manager lighttpd
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
	run env -i PATH="$PATH" "$HULYKVS_BUILD/hulykvs" --probe alive
	[ "$status" -eq 64 ]
	run env -i PATH="$PATH" "$HULYKVS_BUILD/hulykvs" --probe live ready
	[ "$status" -eq 64 ]
	run env -i PATH="$PATH" "$HULYKVS_BUILD/hulykvs" --socket x
	[ "$status" -eq 64 ]
	run env -i PATH="$PATH" HULY_BIND_PORT=x "$HULYKVS_BUILD/hulykvs" --probe
	[ "$status" -eq 78 ]
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
	[ "$(world_metric "hulykvs_http_requests_total$get")" -eq 3 ]
	[ "$(world_metric 'hulykvs_db_operations_total{operation="get",outcome="done"}')" -eq 3 ]
	[ "$(world_metric 'hulykvs_db_operations_total{operation="get",outcome="no_key"}')" -eq 1 ]
	[ "$(world_metric 'hulykvs_db_operation_duration_seconds_count{operation="put"}')" -eq 1 ]
	[ "$(world_metric 'hulykvs_auth_refusals_total{reason="token_malformed"}')" -eq 1 ]
	[ "$(world_metric hulykvs_http_requests_in_flight)" -eq 1 ] # the scrape itself
	[ "$(world_metric 'hulykvs_db_connections{state="idle"}')" -ge 2 ]
	[ "$(($(world_metric hulykvs_token_cache_hits_total) + $(world_metric hulykvs_token_cache_misses_total)))" -eq 6 ]
	[ "$(world_metric hulykvs_request_body_bytes_sum)" -eq 5 ]
	[ "$(world_metric 'hulykvs_http_request_duration_seconds_bucket{le="+Inf"}')" -ge 6 ]
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
	[ "$(world_metric 'hulykvs_db_connections{state="idle"}')" -eq 0 ]
	[ "$(world_metric 'hulykvs_db_connections{state="connecting"}')" -ge 2 ]
	[ "$(world_metric 'hulykvs_db_operations_total{operation="get",outcome="unavailable"}')" -ge 1 ]
	pg_start "$PG_DIR"
	world_until 20 world_ready
	[ "$(world_metric 'hulykvs_db_connections{state="idle"}')" -ge 2 ]
}

database_is_away()
{
	[ "$(world_status "/api2/$WS/ns/k")" = 503 ] && [ "$(world_metric 'hulykvs_db_connections{state="idle"}')" -eq 0 ]
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
	world_log_has 'route="/readyz" status=503 .*refusal="NOT_READY" reason=".*hulykvs-migrate'
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
	world_alone
	fcgi "$WORLD_DIR/socket" <<-END
		import os, signal, time
		with fcgi_peer.Peer(sys.argv[1]) as peer:
		    peer.begin(1, True)
		    peer.params(1, fcgi_peer.environment("GET", "/readyz", None, None))
		    with fcgi_peer.Peer(sys.argv[1]) as other:
		        assert other.ask("GET", "/status").status == 200  # so the first one has arrived
		    os.kill($WORLD_PROGRAM, signal.SIGTERM)
		    while "shutting down" not in open("$WORLD_DIR/program.log").read():
		        time.sleep(0.01)
		    peer.stdin(1, b"")
		    answer = peer.read_answer(1)
		    assert answer.status == 503 and b"[-]serving failed\\n" in answer.body, answer.body
	END
	world_until 10 world_gone "$WORLD_PROGRAM"
}

@test "a worker whose event loop hangs: another one answers /livez with 503" {
	world_alone HULY_WORKERS=2
	worker=$(grep -lx 'worker 1' "/proc/$WORLD_PROGRAM"/task/*/comm)
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
	world_log_has 'level=error .*route="/livez" status=503 .*refusal="NOT_ALIVE" reason="the event loop of worker 1 has been stuck for 5 s"'
	world_until 10 livez_is_ok
}

livez_is_ok()
{
	fcgi "$WORLD_DIR/socket" <<-END
		with fcgi_peer.Peer(sys.argv[1]) as peer:
		    sys.exit(peer.ask("GET", "/livez").status != 200)
	END
}
