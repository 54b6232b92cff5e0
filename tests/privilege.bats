#!/usr/bin/env bats
# Who may connect to the program.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load lib/postgres
load lib/world

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

@test "HULY_ALLOWED_PEERS: who is named is served" {
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

@test "HULY_ALLOWED_PEERS: whom nobody knows, and whom a user namespace does not show" {
	HULY_ALLOWED_PEERS=root,no-such-user run -78 "$HULYKVS_BUILD/hulykvs" --check-config
	[[ $output == *"HULY_ALLOWED_PEERS: no such user: no-such-user"* ]]
	unshare --user --map-root-user true 2>/dev/null || skip "no user namespaces here"
	HULY_ALLOWED_PEERS=root run -0 unshare --user --map-root-user "$HULYKVS_BUILD/hulykvs" --check-config
	HULY_ALLOWED_PEERS=1 run -78 unshare --user --map-root-user "$HULYKVS_BUILD/hulykvs" --check-config
	[[ $output == *"user namespace"*"tell 1 from others"* ]]
}
