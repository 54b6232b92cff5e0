#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# systemd: its sockets and datagrams, and the units of deploy/systemd.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world
load ../lib/private_systemd

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

# units: those that make made, with programs that every user may execute; only the programs and the logs are elsewhere.
units()
{
	mkdir -p "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/units"
	chmod 755 "$BATS_TEST_TMPDIR/bin"
	cp "$HULYKVS_BUILD/hulykvs" "$HULYKVS_BUILD/hulykvs-migrate" "$BATS_TEST_TMPDIR/bin"
	cd "$BATS_TEST_TMPDIR/units" || return
	for unit in hulykvs hulykvs-migrate; do
		sed -E "s|^(Exec[A-Za-z]*)=[^ ]*/sbin/hulykvs|\\1=/run/programs/hulykvs|" "$HULYKVS_BUILD/deploy/systemd/$unit.service" >"$unit.service"
		mkdir "$unit.service.d"
		printf '[Service]\nStandardError=append:/run/%s.log\n' "$unit" >"$unit.service.d/log.conf"
	done
	cp "$WORLD_TOP/deploy/systemd/hulykvs.socket" .
}

# inside: the beginning of what runs beside systemd: users, settings, and the started service.
inside()
{
	cat <<-END
		set -eu
		systemd-sysusers "$WORLD_TOP/deploy/systemd/sysusers.conf"
		systemd-tmpfiles --create "$WORLD_TOP/deploy/systemd/tmpfiles.conf"
		cp -r "$BATS_TEST_TMPDIR/bin" /run/programs
		install -d /etc/hulykvs/etc
		settings() { echo "log_level = \"\$1\"" >/etc/hulykvs/etc/config.toml; }
		logged() { until grep -q "\$1" "/run/\$2.log"; do sleep 0.05; done; }
		settings info
		trap 'cat /run/*.log; systemctl --no-pager status hulykvs.service' EXIT
	END
}

reason_or_skip()
{
	local reason

	reason=$(private_systemd_reason)
	[ -z "$reason" ] || skip "$reason"
}

@test "systemctl reload: settings are read again; a wrong one fails it, and the program is not told" {
	reason_or_skip
	units
	run private_systemd "$PWD" bash -c "$(inside)
		echo HULY_DB_CONNECTION=host=/nowhere >/etc/hulykvs/environment
		systemctl start hulykvs.service
		systemctl reload hulykvs.service
		logged 'settings read again' hulykvs
		settings wrong
		! systemctl reload hulykvs.service
		! grep 'nothing was changed' /run/hulykvs.log
		systemctl is-active hulykvs.service
		echo done inside"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"done inside"* ]]
}

# systemd does not mount credentials for ExecReload= (its issue 35227).
@test "credentials.conf: service and migration read their secrets, and systemctl reload reaches the program" {
	reason_or_skip
	units
	cp "$WORLD_TOP/deploy/systemd/credentials.conf" hulykvs.service.d
	grep -E '^\[|db_connection' "$WORLD_TOP/deploy/systemd/credentials.conf" >hulykvs-migrate.service.d/credentials.conf
	run private_systemd "$PWD" bash -c "$(inside)
		umask 077
		echo host=/nowhere >/etc/hulykvs/db_connection
		echo of-the-test >/etc/hulykvs/token_secret
		systemctl start hulykvs.service
		logged /nowhere hulykvs-migrate
		systemctl reload hulykvs.service
		logged 'settings read again' hulykvs
		settings wrong
		systemctl reload hulykvs.service
		logged 'settings are wrong, nothing was changed' hulykvs
		systemctl is-active hulykvs.service
		! grep 'default secret' /run/hulykvs.log
		echo done inside"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"done inside"* ]]
}
