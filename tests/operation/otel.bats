#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# OpenTelemetry: spans and metrics on their way to a collector (tests/tools/collector.py),
# read strictly (tests/tools/otlp.py).

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world

WS=5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f # the workspace of the token
TRACE=4bf92f3577b34da6a3ce929d0e0e4736
PARENT=00f067aa0ba902b7

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
	COLLECTED=$BATS_TEST_TMPDIR/collected
	mkdir "$COLLECTED"
	python3 "$WORLD_TOP/tests/tools/collector.py" "$COLLECTED" </dev/null >&2 3>&- &
	COLLECTOR=$!
	world_until 10 test -s "$COLLECTED/port"
	ENDPOINT=http://127.0.0.1:$(cat "$COLLECTED/port")
}

teardown()
{
	world_kill "$COLLECTOR"
	world_leave
}

# traced SERVER [SETTING …]: a world that sends to the collector, all of it at its end only unless told otherwise.
traced()
{
	world_start "$1" HULY_OTEL_MODE=on OTEL_EXPORTER_OTLP_ENDPOINT="$ENDPOINT" OTEL_BSP_SCHEDULE_DELAY=3600000 \
		OTEL_METRIC_EXPORT_INTERVAL=3600000 "${@:2}"
}

# Ends the program, so that all it has to tell is there.
end_program()
{
	world_kill "$WORLD_SPAWN" "${1:-20}"
	WORLD_SPAWN=
}

# The answers of the collector from now on.
manner()
{
	echo "$*" >"$COLLECTED/manner.new"
	mv "$COLLECTED/manner.new" "$COLLECTED/manner"
}

# Python that looks at what the collector took: requests, spans, metrics, resources.
look()
{
	python3 -c "import json, sys
sys.path.insert(0, sys.argv[2])
import otlp
requests = [json.loads(line) for line in open(sys.argv[1] + '/requests')]
batches = [otlp.read(r['body']) for r in requests if r['manner'].split()[0] in ('200', 'refuse')]
resources = [b[1] for b in batches]
spans = [s for b in batches if b[0] == 'spans' for s in b[2]]
metrics = [{m['name']: m for m in b[2]} for b in batches if b[0] == 'metrics']
$(cat)" "$COLLECTED" "$WORLD_TOP/tests/tools"
}

dropped()
{
	world_metric "hulykvs_otel_spans_dropped_total{reason=\"$1\"}"
}

has_dropped()
{
	[ "$(dropped "$1")" -ge "$2" ]
}

ask()
{
	world_status "$@" >>"$BATS_TEST_TMPDIR/statuses"
	echo >>"$BATS_TEST_TMPDIR/statuses"
}

spans_tell()
{
	local c=canary$RANDOM key

	key=/api2/$WS/$c/$c
	traced "$1" OTEL_SERVICE_NAME=kvs-test 'OTEL_RESOURCE_ATTRIBUTES=service.name=other,deployment.environment.name=a%2Cb' \
		'OTEL_EXPORTER_OTLP_HEADERS=x-first=a%20b,authorization=Bearer%20xyz'
	ask "$key" -X PUT -d "$c" -H "traceparent: 00-$TRACE-$PARENT-01" -H 'X-Request-Id: r-put'
	ask "$key?$c=$c" -H "traceparent: 00-$TRACE-$PARENT-01"
	ask "$key" -H "traceparent: 00-$TRACE-$PARENT-00" -H 'X-Request-Id: r-unsampled'
	ask "$key" -I -H "traceparent: 00-${TRACE^^}-$PARENT-01" -H 'X-Request-Id: r-broken'
	ask "/api2/$WS/$c" -H "traceparent: $c"
	ask "/api/$c/$c" -X POST -d "$c"
	ask "$key" -X DELETE -H "If-Match: $c"
	ask "/$c" -X PATCH
	WORLD_TOKEN=$c ask "$key"
	ask /status
	ask /readyz
	world_stop
	look <<-END
		assert {r["path"] for r in requests} == {"/v1/traces", "/v1/metrics"}
		for r in requests:
		    assert r["headers"]["content-type"] == "application/json"
		    assert r["headers"]["x-first"] == "a b" and r["headers"]["authorization"] == "Bearer xyz"
		    assert "expect" not in r["headers"]
		    for secret in ("$c", "$WS", "${WORLD_TOKEN##*.}"):
		        assert secret not in r["body"]
		for r in resources:
		    assert r.pop("service.instance.id") and r.pop("service.version")
		    assert r == {"service.name": "kvs-test", "deployment.environment.name": "a,b"}, r
		key, keys = "/api2/{workspace}/{namespace}/{key}", "/api2/{workspace}/{namespace}"
		server = [s for s in spans if s["kind"] == 2]
		client = [s for s in spans if s["kind"] == 3]
		assert len(server) + len(client) == len(spans)
		assert len({s["spanId"] for s in spans}) == len(spans)
		by_name = {}
		for s in server:
		    by_name.setdefault(s["name"], []).append(s)
		probes = by_name.pop("GET /readyz")
		assert sorted(by_name) == sorted(["PUT " + key, "GET " + key, "HEAD " + key, "GET " + keys, "POST /api/{namespace}/{key}",
		                                  "DELETE " + key, "HTTP", "GET /status"]), by_name.keys()
		# The parent is taken over, and only with the two requests that had one and were sampled.
		child = [s for s in server if s["traceId"] == "$TRACE"]
		assert sorted(s["name"] for s in child) == ["GET " + key, "PUT " + key]
		assert all(s["parentSpanId"] == "$PARENT" and s["flags"] == 0x301 for s in child)
		root = [s for s in server if s not in child]
		assert all("parentSpanId" not in s and s["flags"] == 0x101 for s in root)
		assert len({s["traceId"] for s in root}) == len(root)
		def seen(name):
		    (s,) = by_name[name]
		    return s["attributes"]
		assert seen("PUT " + key) == {"http.request.method": "PUT", "http.route": key, "url.scheme": "http",
		                              "http.response.status_code": "204"}, seen("PUT " + key)
		assert seen("HTTP") == {"http.request.method": "_OTHER", "url.scheme": "http", "http.response.status_code": "404"}
		assert sorted(s["attributes"]["http.response.status_code"] for s in by_name["GET " + key]) == ["200", "401"]
		assert seen("DELETE " + key)["http.response.status_code"] == "400"
		assert all(s["status"] == {} for s in server if s not in probes)
		# What went to the database, below the request that asked for it.
		owners = {s["spanId"]: s for s in server}
		did = {}
		for s in client:
		    owner = owners[s["parentSpanId"]]
		    assert owner["traceId"] == s["traceId"] and s["flags"] == 0x101
		    assert int(owner["startTimeUnixNano"]) <= int(s["startTimeUnixNano"])
		    assert int(s["endTimeUnixNano"]) <= int(owner["endTimeUnixNano"])
		    a = s["attributes"]
		    assert a["db.system.name"] == "postgresql" and a["hulykvs.db.group_size"] == "1", a
		    text = a.pop("db.query.text")
		    assert text.startswith(a["db.operation.name"] + " ") and "$" + "1" in text and not text.startswith("--"), text
		    did[owner["name"]] = s["name"]
		    table = {"db.collection.name"} if owner["name"] != "GET /readyz" else set()
		    assert set(a) == {"db.system.name", "db.operation.name", "hulykvs.db.group_size"} | table, a
		assert did == {"PUT " + key: "insert kvs", "GET " + key: "select kvs", "HEAD " + key: "select kvs",
		               "GET " + keys: "select kvs", "POST /api/{namespace}/{key}": "insert kvs",
		               "GET /readyz": "select"}, did
		(last,) = metrics
		points = {tuple(sorted(p["attributes"].items())): p for p in last["hulykvs_http_requests"]["points"]}
		put = points[(("code", "204"), ("method", "PUT"), ("route", key))]
		assert put["asInt"] == "1", put
		assert last["hulykvs_http_requests"]["sum"]["aggregationTemporality"] == 2
		assert last["hulykvs_http_requests"]["sum"]["isMonotonic"]
		assert last["hulykvs_http_request_duration_seconds"]["unit"] == "s"
		(gauge,) = last["hulykvs_http_requests_in_flight"]["points"]
		assert gauge["asInt"] == "0", gauge
	END
}

@test "nginx: spans of requests and of their statements, and metrics, when the program ends" { spans_tell nginx; }
@test "lighttpd: spans of requests and of their statements, and metrics, when the program ends" { spans_tell lighttpd; }

has_come()
{
	[ -f "$COLLECTED/requests" ] && look <<<"$1"
}

@test "spans and metrics come while the program runs; the log has the trace's id" {
	traced nginx OTEL_BSP_SCHEDULE_DELAY=50 OTEL_METRIC_EXPORT_INTERVAL=50 \
		OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="$ENDPOINT/own?x=1" OTEL_EXPORTER_OTLP_ENDPOINT="$ENDPOINT/below/"
	[ "$(world_status /status -H 'X-Request-Id: r-1')" = 200 ]
	world_until 10 has_come 'sys.exit(not [s for s in spans if s["name"] == "GET /status"] or len(metrics) < 2)'
	id=$(sed -n 's/.* request_id="r-1" trace_id="\([0-9a-f]*\)".*/\1/p' "$WORLD_DIR/program.log")
	look <<-END
		assert {r["path"] for r in requests} == {"/own?x=1", "/below/v1/metrics"}
		(span,) = [s for s in spans if s["name"] == "GET /status"]
		assert span["traceId"] == "$id"
		starts = {p["startTimeUnixNano"][:-7] for m in metrics for p in m["hulykvs_http_requests_in_flight"]["points"]}
		assert len(starts) <= 2, starts  # of the program, not of the batch
		assert resources[0]["service.name"] == "hulykvs"
		assert len({r["service.instance.id"] for r in resources}) == 1
	END
	world_until 10 has_exported 1
	world_stop
}

has_exported()
{
	[ "$(world_metric hulykvs_otel_spans_exported_total)" -ge "$1" ]
}

@test "a collector that hangs, refuses or is away costs spans, not requests" {
	local i

	traced nginx OTEL_BSP_SCHEDULE_DELAY=20 OTEL_BSP_MAX_QUEUE_SIZE=4 OTEL_EXPORTER_OTLP_TIMEOUT=60000
	manner hang
	ask /status
	world_until 10 test -s "$COLLECTED/requests"
	for i in {1..40}; do
		[ "$(world_status "/api2/$WS/ns/k$i" --max-time 5)" = 404 ]
	done
	world_until 10 has_dropped queue_full 10
	world_kill "$COLLECTOR"
	[ "$(world_status "/api2/$WS/ns/k" --max-time 5)" = 404 ]
	end_program
	[ "$(cat "$WORLD_DIR/spawn.status")" = 0 ]
	grep -q 'level=warn msg="cannot send to the OpenTelemetry collector" reason="' "$WORLD_DIR/program.log"
	[ "$(grep -c 'msg="cannot send to the OpenTelemetry collector"' "$WORLD_DIR/program.log")" -eq 1 ]
	run ! grep -q 'level=error' "$WORLD_DIR/program.log"
}

@test "a collector that hangs does not keep the program from ending" {
	traced nginx OTEL_EXPORTER_OTLP_TIMEOUT=600000
	manner hang
	ask /status
	end_program 8
	world_log_is_clean
}

@test "503 is repeated, 400 is not, and spans that were not wanted are counted" {
	manner 503
	traced nginx OTEL_BSP_SCHEDULE_DELAY=20
	world_until 10 test -s "$COLLECTED/requests"
	manner 200
	world_until 10 has_come 'sys.exit(not any(s["name"] == "GET /readyz" for s in spans))'
	[ "$(dropped unreachable)" -eq 0 ]
	manner 400
	ask /livez
	world_until 10 has_come 'sys.exit(not any(r["manner"] == "400" and "/livez" in r["body"] for r in requests))'
	world_until 10 has_dropped refused 1
	manner refuse 1
	ask /livez
	world_until 10 has_come 'sys.exit(not any(r["manner"] == "refuse 1" and "/livez" in r["body"] for r in requests))'
	world_until 10 has_dropped refused 2
	manner 200
	world_stop
	look <<-END
		assert [r["manner"] for r in requests if r["body"] == requests[0]["body"]] == ["503", "200"]
		once = [r for r in requests if r["manner"] == "400" and "/livez" in r["body"]]
		assert len(once) == 1, [(r["manner"], r["path"], len(r["body"])) for r in requests]
	END
}

@test "samplers: the parent's, a share, none; an unknown one is a warning" {
	local settings expected i

	for settings in "OTEL_TRACES_SAMPLER=always_off 0 0" "OTEL_TRACES_SAMPLER=traceidratio:OTEL_TRACES_SAMPLER_ARG=0 0 0" \
		"OTEL_TRACES_SAMPLER=parentbased_traceidratio:OTEL_TRACES_SAMPLER_ARG=0.0 0 1" \
		"OTEL_TRACES_SAMPLER=parentbased_always_off 0 1" "OTEL_TRACES_SAMPLER=always_on 1 2" \
		"OTEL_TRACES_SAMPLER=nonsense:OTEL_TRACES_SAMPLER_ARG=2 1 1" "OTEL_SDK_DISABLED=True x x"; do
		read -r settings expected i <<<"$settings"
		rm -f "$COLLECTED/requests"
		WORLD_BARE=1 traced none HULY_DB_CONNECTION=host=/nowhere "${settings%%:*}" "${settings##*:}"
		python3 - "$WORLD_SOCKET" "$WORLD_TOP/tests/tools" <<-END
			import sys
			sys.path.insert(0, sys.argv[2])
			import fcgi_peer
			with fcgi_peer.Peer(sys.argv[1]) as peer:
			    for flags in (None, "01", "00"):
			        headers = {} if flags is None else {"traceparent": "00-$TRACE-$PARENT-" + flags}
			        assert peer.ask("GET", "/status", headers=headers).status == 200
		END
		end_program
		if [ "$expected" = x ]; then
			[ ! -e "$COLLECTED/requests" ]
		else
			look <<-END
				with_parent = [s for s in spans if "parentSpanId" in s]
				assert (len(spans) - len(with_parent), len(with_parent)) == ($expected, $i), ("$settings", spans)
			END
		fi
		[[ $settings != *nonsense* ]] || {
			grep -q 'level=warn .*setting="OTEL_TRACES_SAMPLER" why="' "$WORLD_DIR/program.log"
			grep -q 'level=warn .*setting="OTEL_TRACES_SAMPLER_ARG" why="' "$WORLD_DIR/program.log"
		}
		world_leave
	done
}

web_server_is_up()
{
	[ "$(world_status /livez)" = 200 ]
}

@test "a statement that fails, and a database that is away" {
	traced nginx HULY_REQUEST_TIMEOUT=2
	pg_sql "w${WORLD_DIR##*.}" -c 'alter table hulykvs.kvs rename to elsewhere'
	[ "$(world_status "/api2/$WS/ns/k")" -ge 500 ]
	WORLD_ERRORS_EXPECTED=1 world_stop
	look <<-END
		(server,) = [s for s in spans if s["name"].startswith("GET /api2/")]
		assert server["status"] == {"code": 2}
		assert server["attributes"]["error.type"] == server["attributes"]["http.response.status_code"]
		(client,) = [s for s in spans if s["name"] == "select kvs"]
		assert client["status"] == {"code": 2}
		assert client["attributes"]["db.response.status_code"] == "42P01" == client["attributes"]["error.type"]
	END
	rm "$COLLECTED/requests"
	WORLD_BARE=1 traced nginx HULY_DB_CONNECTION=host=/nowhere
	world_until 10 grep -q 'database unavailable' "$WORLD_DIR/program.log"
	world_until 10 web_server_is_up
	[ "$(world_status "/api2/$WS/ns/k")" = 503 ]
	WORLD_ERRORS_EXPECTED=1 world_stop
	look <<-END
		(client,) = [s for s in spans if s["kind"] == 3]
		assert client["status"] == {"code": 2} and client["attributes"]["error.type"] == "unavailable", client
		assert not client["attributes"].keys() & {"hulykvs.db.group_size", "db.response.status_code"}
	END
}

@test "requests that share a statement say how many were sent at once" {
	traced nginx HULY_WORKERS=1
	timeout 60 python3 "$WORLD_TOP/tests/tools/load.py" "$WORLD_URL" 16 50
	world_stop
	look <<-END
		sizes = [int(s["attributes"]["hulykvs.db.group_size"]) for s in spans if s["name"] == "select kvs"]
		assert max(sizes) > 1, sizes
		joined = [s for s in spans if s["name"] != "select" and "unnest" in s["attributes"].get("db.query.text", "")]
		assert joined, sizes
		alone = [s for s in joined if int(s["attributes"]["hulykvs.db.group_size"]) < 2]
		assert not alone, alone[0]
	END
}

@test "stdout: a line a batch, among the lines of the log; off: no thread, no metrics of a collector" {
	world_start nginx HULY_OTEL_MODE=stdout
	ask "/api2/$WS/ns/k"
	end_program
	grep -E '^\{"resource(Spans|Metrics)":' "$WORLD_DIR/program.log" | python3 -c '
import json, sys
for line in sys.stdin:
    print(json.dumps({"path": "", "headers": {}, "manner": "200", "body": line}))' >"$COLLECTED/requests"
	look <<<'assert any(s["name"] == "select kvs" for s in spans) and len(metrics) == 1'
	world_leave
	world_start nginx OTEL_EXPORTER_OTLP_ENDPOINT="$ENDPOINT"
	[ "$(world_status /status)" = 200 ]
	run ! grep -qx exporter "/proc/$(world_pid)/task"/*/comm
	world_stop
}

@test "--print-config shows no header for the collector, and no password in its URL" {
	run env -i PATH="$PATH" OTEL_EXPORTER_OTLP_HEADERS=authorization=canary OTEL_EXPORTER_OTLP_ENDPOINT=https://canary:canary@host:1/x \
		OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://host/?key=canary OTEL_TRACES_SAMPLER=TraceIdRatio \
		OTEL_TRACES_SAMPLER_ARG=.25 OTEL_RESOURCE_ATTRIBUTES=a=b%2 OTEL_SERVICE_NAME= OTEL_BSP_SCHEDULE_DELAY=x \
		"$HULYKVS_BUILD/hulykvs" --print-config
	[ "$status" -eq 0 ]
	[[ $output != *canary* ]]
	for line in 'OTEL_EXPORTER_OTLP_HEADERS=********  # environment' \
		'OTEL_EXPORTER_OTLP_ENDPOINT=https://********@host:1/x  # environment' \
		'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://host/?********  # environment' \
		'OTEL_TRACES_SAMPLER=traceidratio  # environment' 'OTEL_TRACES_SAMPLER_ARG=0.25  # environment' \
		'OTEL_RESOURCE_ATTRIBUTES=  # default' 'OTEL_SERVICE_NAME=  # default' 'OTEL_BSP_SCHEDULE_DELAY=5000  # default'; do
		grep -qxF -- "$line" <<<"$output"
	done
	for name in OTEL_RESOURCE_ATTRIBUTES OTEL_BSP_SCHEDULE_DELAY; do
		[[ $output == *"setting=\"$name\" why="* ]]
	done
}
