#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# Who may connect to the program, and what it may do itself.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world

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

# closed_at_once TIMES [USER-ID]: every connection to the socket ends before a byte was sent.
closed_at_once()
{
	python3 - "$WORLD_SOCKET" "$@" <<-'END'
		import os, socket, sys
		for uid in map(int, sys.argv[3:]):
		    os.setgroups([])
		    os.setuid(uid)
		for _ in range(int(sys.argv[2])):
		    s = socket.socket(socket.AF_UNIX)
		    s.settimeout(20)
		    s.connect(sys.argv[1])
		    assert s.recv(1) == b""
	END
}

strangers_logged()
{
	grep -E 'level=warn .*msg="connection closed: its user may not connect"' "$WORLD_DIR/program.log"
}

# --- the users that may connect ---

@test "HULY_ALLOWED_PEERS: a user that is named is served" {
	world_start nginx HULY_ALLOWED_PEERS="daemon,$(id -un)"
	[ "$(world_status /api/n)" = 200 ]
	run ! strangers_logged
	world_stop
}

@test "HULY_ALLOWED_PEERS: anybody else's connection is closed, with few lines in the log" {
	world_start none HULY_WORKERS=1 HULY_ALLOWED_PEERS=$(($(id -u) + 1))
	closed_at_once 30
	world_until 10 strangers_logged
	strangers_logged | grep -qE " uid=$(id -u) connections=1\$"
	[ "$(strangers_logged | wc -l)" -lt 10 ]
	world_stop
}

@test "HULY_ALLOWED_PEERS: connections that were closed are counted, and the others are served" {
	[ "$(id -u)" -eq 0 ] || skip "takes another user"
	world_start nginx HULY_ALLOWED_PEERS=0
	chmod 666 "$WORLD_SOCKET"
	closed_at_once 3 65534
	strangers_logged | grep -q ' uid=65534 '
	curl -s "$WORLD_OPERATOR_URL/metrics" | grep -qxF 'hulykvs_peers_refused_total 3'
	[ "$(world_status /status)" = 200 ]
	world_stop
}

@test "HULY_ALLOWED_PEERS: without a unix socket, no start" {
	run -78 env -i PATH="$PATH" HULY_ALLOWED_PEERS=root HULY_DB_CONNECTION=host=/nowhere \
		timeout 20 spawn-fcgi -n -a 127.0.0.1 -p "$(world_port)" -- "$HULYKVS_BUILD/hulykvs"
	[[ $output == *"HULY_ALLOWED_PEERS: only a unix socket tells who connects"* ]]
}

@test "HULY_ALLOWED_PEERS: users that are unknown, or that a user namespace does not map" {
	HULY_ALLOWED_PEERS=root,no-such-user run -78 "$HULYKVS_BUILD/hulykvs" --check-config
	[[ $output == *"HULY_ALLOWED_PEERS: no such user: no-such-user"* ]]
	unshare --user --map-root-user true 2>/dev/null || skip "no user namespaces here"
	HULY_ALLOWED_PEERS=root run -0 unshare --user --map-root-user "$HULYKVS_BUILD/hulykvs" --check-config
	HULY_ALLOWED_PEERS=1 run -78 unshare --user --map-root-user "$HULYKVS_BUILD/hulykvs" --check-config
	[[ $output == *"user namespace without a mapping for 1"* ]]
}

# --- whom the program runs as ---

@test "hulykvs-spawn -u: the program has the user and the HOME of that user" {
	[ "$(id -u)" -eq 0 ] || skip "takes another user"
	local home

	home=$(getent passwd daemon | cut -d: -f6)
	world_start none
	world_kill "$WORLD_SPAWN"
	# shellcheck disable=SC2016 # for the script
	printf '#!/bin/sh\necho "user=$(id -un) home=$HOME" >&2\nexit 64\n' >"$WORLD_DIR/program"
	chmod 755 "$WORLD_DIR/program"
	# Another user may not be able to go where the sources are.
	cp "$WORLD_TOP/deploy/spawn-fcgi/hulykvs-spawn" "$WORLD_DIR/"
	HOME=/root run -64 "$WORLD_DIR/hulykvs-spawn" -s "$WORLD_SOCKET" -u daemon "$WORLD_DIR/program"
	[[ $output == *"user=daemon home=$home"* ]]
}

# --- what the program may do ---

log_has()
{
	grep -qE -- "$1" "$WORLD_DIR/program.log"
}

# without_landlock COMMAND …: on a kernel that has none, as far as the command can tell: by a filter of system
# calls (seccomp(2)) in which number 444 ends with ENOSYS.
without_landlock()
{
	python3 -c '
import ctypes, os, struct, sys
rows = [(0x20, 0, 0, 0), (0x15, 0, 1, 444), (6, 0, 0, 0x50000 | 38), (6, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *row) for row in rows))
filter = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(rows), ctypes.addressof(code)))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, filter) == 0
os.execvp(sys.argv[1], sys.argv[1:])' "$@"
}

@test "HULY_SANDBOX: every thread is confined, and numbers of the process are still read" {
	local task

	world_start nginx HULY_SANDBOX=require
	for task in /proc/"$(world_pid)"/task/*; do
		grep -qxE 'NoNewPrivs:\s1' "$task/status"
		grep -qxE 'Seccomp:\s2' "$task/status"
	done
	log_has 'level=info msg="confined" by="no new privileges, Landlock [0-9]+, system calls"'
	curl -s "$WORLD_OPERATOR_URL/metrics" >"$WORLD_DIR/metrics"
	for metric in process_resident_memory_bytes process_open_fds process_start_time_seconds; do
		grep -qE "^$metric [1-9]" "$WORLD_DIR/metrics"
	done
	world_stop
}

@test "HULY_SANDBOX: the ports of the database and of the collector are reached" {
	local ports
	read -ra ports < <(world_ports 4)
	# Notes the number of each port that is connected to, and closes.
	timeout 60 python3 - "$BATS_TEST_TMPDIR/reached" "${ports[@]}" <<-'END' 3>&- &
		import select, socket, sys
		listeners = [socket.create_server(("127.0.0.1", int(port))) for port in sys.argv[2:]]
		with open(sys.argv[1], "w", buffering=1) as reached:
		    while True:
		        for ready in select.select(listeners, [], [])[0]:
		            ready.accept()[0].close()
		            print(ready.getsockname()[1], file=reached)
	END
	LISTENERS=$!
	world_until 10 test -e "$BATS_TEST_TMPDIR/reached"
	world_alone HULY_SANDBOX=require HULY_OTEL_MODE=on OTEL_METRIC_EXPORT_INTERVAL=100 \
		OTEL_EXPORTER_OTLP_METRICS_ENDPOINT="http://user@127.0.0.1:${ports[2]}/m?x" \
		OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:${ports[3]}" OTEL_BSP_SCHEDULE_DELAY=100 \
		HULY_DB_CONNECTION="host=127.0.0.1,127.0.0.1 port=${ports[0]},${ports[1]}"
	for port in "${ports[@]:0:3}"; do
		world_until 10 grep -qx "$port" "$BATS_TEST_TMPDIR/reached"
	done
	kill "$LISTENERS"
	run ! log_has 'Permission denied'
}

@test "HULY_SANDBOX: a service file may have any port, which the log says" {
	printf '[there]\nhost=127.0.0.1\nport=1\n' >"$BATS_TEST_TMPDIR/services"
	world_alone HULY_SANDBOX=on PGSERVICEFILE="$BATS_TEST_TMPDIR/services" PGSERVICE=there HULY_DB_CONNECTION=dbname=x
	log_has 'level=warn msg="the database.s port is in a service file'
	run ! log_has 'Permission denied'
}

@test "HULY_SANDBOX: off leaves the process as it was" {
	world_alone HULY_SANDBOX=off
	grep -qxE 'NoNewPrivs:\s0' "/proc/$WORLD_PROGRAM/status"
	run ! log_has confined
}

@test "HULY_SANDBOX: HUP reads the settings again, from a new file as well" {
	world_alone HULY_SANDBOX=trap
	echo 'workers = 3' >"$WORLD_DIR/etc/config.toml"
	kill -HUP "$WORLD_PROGRAM"
	world_until 10 log_has 'level=warn .*setting="HULY_WORKERS"'
	echo 'db_prepared = false' >"$WORLD_DIR/etc/new"
	mv "$WORLD_DIR/etc/new" "$WORLD_DIR/etc/config.toml"
	kill -HUP "$WORLD_PROGRAM"
	world_until 10 log_has 'level=warn .*setting="HULY_DB_PREPARED"'
}

@test "HULY_SANDBOX on a kernel without Landlock: on says so and serves, require does not start" {
	request=(env -i GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 REQUEST_METHOD=GET REQUEST_URI=/status
		HULY_DB_CONNECTION=host=/nowhere)
	run -0 --separate-stderr without_landlock "${request[@]}" HULY_SANDBOX=on "$HULYKVS_BUILD/hulykvs"
	# shellcheck disable=SC2154 # run sets it
	[[ $stderr == *'level=warn msg="a part of the confinement is missing" by="Landlock" why="Function not implemented"'* ]]
	[ "${lines[-1]}" = ok ]
	run -78 without_landlock "${request[@]}" HULY_SANDBOX=require "$HULYKVS_BUILD/hulykvs"
	[[ $output == *"HULY_SANDBOX: Landlock: Function not implemented"* ]]
	run -78 without_landlock env -i HULY_DB_CONNECTION=host=/nowhere HULY_SANDBOX=require "$HULYKVS_BUILD/hulykvs-migrate"
	[[ $output == *'why="HULY_SANDBOX: '* ]]
}
