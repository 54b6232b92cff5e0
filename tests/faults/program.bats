#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# What becomes of requests when the program is ended, killed, replaced, short of descriptors or memory, or has
# peers that are no web servers: those that behave are served, and a write runs at most once.
#
# FAULT_ROUNDS (3) restarts with each web server and rounds of such peers, FAULT_BETWEEN (200) acknowledged writes
# between two of them, FAULT_STORM (5000) generated requests: `make soak` asks for more.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status
# shellcheck disable=SC2154 # FAULT_* come from faults.bash

load ../lib/postgres
load ../lib/world
load ../lib/faults

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
	fault_leave
	[ -z "${GROUP:-}" ] || world_until 10 rmdir "$GROUP" 2>/dev/null
}

# What a helper prints is the test's figure.
figure()
{
	run "$@"
	echo "$output"
	[ "$status" -eq 0 ] || return 1
	fault_say "$output"
}

# What the ledger must not have seen, as names of its figures.
without()
{
	local name

	for name; do
		if grep -q " $name=[1-9]" <<<"$FAULT_OUTPUT"; then
			echo "$FAULT_OUTPUT" >&2
			return 1
		fi
	done
}

replaced()
{
	world_gone "$1" && fault_has_program
}

# Another program, with what its supervisor has been given meanwhile.
program_anew()
{
	local before

	before=$(world_pid)
	kill -TERM "$before"
	world_until 20 replaced "$before"
	world_until 20 fault_serves
	FAULT_PROGRAM=$(world_pid)
}

# The supervisor tells of the program that a test has killed.
killed_end()
{
	[ "$(world_pid)" = "$FAULT_PROGRAM" ]
	sed -i '/program ended/d' "$WORLD_DIR/program.log"
	fault_end
}

fault_serves()
{
	python3 - "$WORLD_TOP/tests/tools" "$WORLD_SOCKET" <<-'END'
		import sys
		sys.path.insert(0, sys.argv[1])
		import fcgi_peer
		with fcgi_peer.Peer(sys.argv[2]) as p:
		    sys.exit(p.ask("GET", "/readyz").status != 200)
	END
}

# --- ends and restarts ---

# bats test_tags=cockroachdb
@test "TERM: all that is in flight is answered, then 0; what comes meanwhile waits for the next program" {
	fault_world none HULY_REQUEST_TIMEOUT=30 HULY_STATEMENT_TIMEOUT=30
	world_until 20 fault_serves
	figure python3 "$FAULT_SCRIPTS/drain.py" "$WORLD_SOCKET" "$FAULT_DB" "$FAULT_PROGRAM" "$WORLD_DIR/program.log"
	grep -q 'program ended: starting it again" status=0' "$WORLD_DIR/program.log"
	FAULT_PROGRAM=$(world_pid)
	killed_end
}

restarts()
{
	fault_world "$1"
	fault_ready
	fault_ledger
	for _ in $(seq "${FAULT_ROUNDS:-3}"); do
		before=$(world_pid)
		kill -HUP "$WORLD_SPAWN"
		world_until 20 replaced "$before"
		fault_acknowledged "${FAULT_BETWEEN:-200}"
	done
	FAULT_PROGRAM=$(world_pid)
	fault_check
	without 5xx web cut not_sent refused unknown unread
	fault_end
}

# bats test_tags=cockroachdb
@test "nginx: restarts under the ledger lose no request" { restarts nginx; }
@test "lighttpd: restarts under the ledger lose no request" { restarts lighttpd; }

@test "kill -9: the program is there again" {
	fault_world nginx
	fault_ready
	# Programs that end soon after their start are given longer, up to a limit.
	figure python3 "$FAULT_SCRIPTS/revival.py" "$WORLD_SOCKET" "$WORLD_SPAWN" 5
	FAULT_PROGRAM=$(world_pid)
	killed_end
}

# --- the web server must not repeat a write ---

# The real configuration with two upstreams where the one program was.
with_two_upstreams()
{
	"${WORLD_ENV[@]}" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" HULYKVS_SOCKET="$WORLD_DIR/sound" HULYKVS_RUN_DIR="$WORLD_DIR" \
		"$WORLD_TOP/deploy/render" "$WORLD_TOP/deploy/$1" | awk -v dying="$WORLD_DIR/dying" '
			/^upstream hulykvs_(reads|writes) / { print; getline; other = $0; sub(/sound/, "dying", other); print other; print; n++; next }
			{ print }
			END { exit n != 2 }' >"$WORLD_DIR/web.conf"
}

@test "nginx: a write whose program dies after carrying it out is not repeated, a read is" {
	fault_directory
	export WORLD_SERVER=nginx WORLD_DIR=$FAULT_DIR WORLD_SPAWN=''
	WORLD_PORT=$(world_port)
	WORLD_URL=http://127.0.0.1:$WORLD_PORT
	printf '%s\n' HULY_BIND_HOST=127.0.0.1 HULY_BIND_PORT="$WORLD_PORT" >"$WORLD_DIR/settings"
	world_environment
	world_render()
	{
		with_two_upstreams "$1"
	}
	world_web
	world_until 10 curl -s -o /dev/null "$WORLD_URL/"
	mapfile -t locations < <(sed -n 's/^\tlocation = \([^ ]*\) {$/\1/p' "$WORLD_DIR/web.conf")
	[ "${#locations[@]}" -ge 6 ]
	figure python3 "$FAULT_SCRIPTS/upstream.py" "$WORLD_URL" "$WORLD_DIR/dying" "$WORLD_DIR/sound" 28 "${locations[@]}"
}

# --- peers that are no web servers ---

@test "silent, slow, half-sent, aborted and never-closing peers: nothing half is stored, the others go on" {
	fault_world nginx HULY_REQUEST_TIMEOUT=2 HULY_STATEMENT_TIMEOUT=2
	fault_ready
	fault_ledger --writers 8
	for _ in $(seq $(((${FAULT_ROUNDS:-3} + 2) / 3))); do
		figure python3 "$FAULT_SCRIPTS/bad_peers.py" "$WORLD_SOCKET" 1
	done
	fault_check
	without 5xx web cut not_sent refused unknown unread
	fault_end
}

# --- descriptors and memory ---

@test "32 descriptors and 500 connections: lives, and serves again" {
	fault_world none
	world_until 20 fault_serves
	prlimit --pid "$WORLD_SPAWN" --nofile=32:32
	program_anew
	grep -q 'Max open files *32 ' "/proc/$FAULT_PROGRAM/limits"
	figure python3 "$FAULT_SCRIPTS/crowd.py" "$WORLD_SOCKET" 500
	killed_end
}

@test "clients hold all that they can get: the database is reached again, and the log is not filled" {
	fault_world none
	world_until 20 fault_serves
	prlimit --pid "$WORLD_SPAWN" --nofile=40:40
	program_anew
	: >"$WORLD_DIR/program.log"
	python3 "$WORLD_TOP/tests/tools/hold.py" "$WORLD_SOCKET" 200 >"$WORLD_DIR/held" 3>&- &
	HOLDER=$!
	world_until 20 grep -q held "$WORLD_DIR/held"
	world_until 20 grep -q 'no file descriptors left for connections' "$WORLD_DIR/program.log"
	pg_stop immediate
	world_until 20 grep -q 'database unavailable' "$WORLD_DIR/program.log"
	pg_start "$PG_DIR"
	world_until 20 grep -q 'msg="database available"' "$WORLD_DIR/program.log"
	[ "$(find "/proc/$FAULT_PROGRAM/fd" -mindepth 1 | wc -l)" -le 40 ]
	[ "$(grep -c 'Too many open files' "$WORLD_DIR/program.log")" -eq 0 ]
	[ "$(grep -c 'no file descriptors left' "$WORLD_DIR/program.log")" -le 4 ]
	kill "$HOLDER"
	world_until 20 fault_serves
	WORLD_ERRORS_EXPECTED=1 killed_end
}

answers_with()
{
	curl -s -m 10 "$WORLD_OPERATOR_URL/$1" | grep -q "$2"
}

@test "all descriptors are held by requests that wait for the database: probes are answered" {
	fault_world nginx HULY_REQUEST_TIMEOUT=60 HULY_WORKERS=1
	fault_ready
	prlimit --pid "$WORLD_SPAWN" --nofile=80:80
	program_anew
	fault_ready
	pg_freeze
	python3 "$WORLD_TOP/tests/tools/park.py" "$WORLD_URL/api/n/k" "$(world_token)" 200 >"$WORLD_DIR/parked" 2>&1 3>&- &
	HOLDER=$!
	# Some wait in the program, the others are told; without the connections for probes all would wait for a minute.
	world_until 20 grep -q '503' "$WORLD_DIR/parked"
	answers_with livez ok
	answers_with status ok
	grep -q 'refusal="OVERLOADED"' "$WORLD_DIR/program.log"
	pg_thaw
	wait "$HOLDER"
	[ "$(grep -c 200 "$WORLD_DIR/parked")" -gt 0 ] || [ "$(grep -c 404 "$WORLD_DIR/parked")" -gt 0 ]
	world_until 20 world_ready
	WORLD_ERRORS_EXPECTED=1 killed_end
}

@test "the soft limit of descriptors is raised to the hard one" {
	fault_world none
	world_until 20 fault_serves
	prlimit --pid "$WORLD_SPAWN" --nofile=100:300
	program_anew
	grep -qE 'Max open files +300 +300 ' "/proc/$FAULT_PROGRAM/limits"
	killed_end
}

@test "32 descriptors behind nginx: every request is answered" {
	fault_world nginx
	fault_ready
	prlimit --pid "$WORLD_SPAWN" --nofile=32:32
	program_anew
	fault_ledger --writers 64 --requests 20
	fault_check wait
	without 5xx web cut not_sent refused unknown unread
	killed_end
}

# A cgroup of 256 MB for the program that comes next, as GROUP; none where that is not allowed.
memory_group()
{
	local at=/sys/fs/cgroup/memory

	GROUP=$at/hulykvs-test-$$
	mkdir "$GROUP" 2>/dev/null || { GROUP=; return 1; }
	echo $((256 << 20)) >"$GROUP/memory.limit_in_bytes" && echo "$WORLD_SPAWN" >"$GROUP/cgroup.procs"
}

@test "more bodies at once than the budget: 503, then all are stored, in 256 MB" {
	fault_world nginx HULY_REQUEST_TIMEOUT=100 HULY_STATEMENT_TIMEOUT=100
	fault_ready
	if ! memory_group 2>/dev/null; then
		fault_say "no memory cgroup here: 1 GiB of address space instead"
		prlimit --pid "$WORLD_SPAWN" --as=$((1 << 30))
	fi
	program_anew
	figure python3 "$FAULT_SCRIPTS/bodies.py" "$WORLD_URL" "$FAULT_DB" 120 $(((128 << 20) / 2000000))
	[ -z "$GROUP" ] || fault_say "most memory of program and supervisor: $(($(cat "$GROUP/memory.max_usage_in_bytes") >> 20)) MiB"
	killed_end
}

# --- whatever a client may send ---

@test "generated requests through nginx: none is answered with 5xx" {
	fault_world nginx HULY_REQUEST_TIMEOUT=30
	fault_ready
	figure python3 "$FAULT_SCRIPTS/random_requests.py" "$WORLD_URL" "${FAULT_STORM:-5000}"
	fault_end
}
