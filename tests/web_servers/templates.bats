#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# deploy/render: the settings in the templates of the web servers.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world

teardown()
{
	world_leave
}

@test "the templates: what cannot stand in a configuration is refused" {
	for setting in "HULY_BIND_HOST=a b" "HULY_BIND_HOST=x;y" HULY_BIND_PORT=0 HULY_BIND_PORT=99999 HULYKVS_SOCKET=relative \
		"HULYKVS_RUN_DIR=/a b" HULYKVS_WEB_WORKERS=0 HULYKVS_WEB_WORKERS=auto HULYKVS_WEB_WORKERS=1000; do
		run env -i PATH="$PATH" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" "$setting" "$WORLD_TOP/deploy/render" "$WORLD_TOP/deploy/nginx/nginx.conf"
		[ "$status" -eq 78 ]
	done
}

@test "deploy/render: the web server waits longer for the program than HULY_REQUEST_TIMEOUT" {
	local template pair

	for template in nginx/nginx.conf lighttpd/hulykvs.conf; do
		for pair in 0.5:30 10:30 30:50 60.5:80 3600:3620; do
			run -0 env HULY_REQUEST_TIMEOUT="${pair%:*}" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" \
				"$WORLD_TOP/deploy/render" "$WORLD_TOP/deploy/$template"
			[ "$(sed -nE 's/.*(fastcgi_read_timeout |"read-timeout" => )([0-9]+).*/\2/p' <<<"$output" | sort -u)" = "${pair#*:}" ]
			[ "$(grep -cE '(fastcgi_read_timeout|"read-timeout")' <<<"$output")" -eq 2 ]
		done
	done
}

@test "deploy/render: if a file cannot be read that the template includes, it fails and prints no configuration" {
	local left=$BATS_TEST_TMPDIR/deploy

	for template in nginx/nginx.conf lighttpd/hulykvs.conf; do
		rm -rf "$left"
		cp -R "$WORLD_TOP/deploy" "$left"
		rm "$left/${template%/*}/operator.conf"
		run --separate-stderr env -i PATH="$PATH" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" "$left/render" "$left/$template"
	# shellcheck disable=SC2154 # of run --separate-stderr
		echo "$stderr"
		[ "$status" -eq 66 ]
		[ -z "$output" ]
		[[ $stderr == *"cannot read a file that the template includes: $left/${template%/*}/operator.conf" ]]
	done
}

@test "deploy/render: settings of HULYKVS_ENVIRONMENT_FILE are read as systemd reads them, and not by a shell" {
	cd "$BATS_TEST_TMPDIR"
	# shellcheck disable=SC2016 # must not be expanded
	printf '%s\n' 'HULY_TOKEN_SECRET=a(b&c$(touch executed)`touch executed`;touch executed' 'HULY_BIND_PORT = "8096"' >environment
	run env -i PATH="$PATH" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" HULYKVS_ENVIRONMENT_FILE=environment \
		"$WORLD_TOP/deploy/render" "$WORLD_TOP/deploy/nginx/nginx.conf"
	[ "$status" -eq 0 ]
	[[ $output == *"listen 0.0.0.0:8096 "* ]]
	[ ! -e executed ]
	run env -i PATH="$PATH" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" HULYKVS_ENVIRONMENT_FILE=nowhere \
		"$WORLD_TOP/deploy/render" "$WORLD_TOP/deploy/nginx/nginx.conf"
	[ "$status" -eq 78 ]
	[[ $output == *"nowhere: No such file"* ]]
}

@test "no document has a shell read the file of settings of systemd, or makes it empty" {
	run grep -nE '(\.|source) [^ ]*environment\b' "$WORLD_TOP"/docs/*.md "$WORLD_TOP"/debian/README.Debian "$WORLD_TOP/README.md"
	echo "$output"
	[ "$status" -eq 1 ]
	run grep -nE '^install .*/etc/hulykvs/environment' "$WORLD_TOP"/docs/*.md "$WORLD_TOP"/debian/README.Debian "$WORLD_TOP/README.md"
	[ "$status" -eq 1 ]
}

# workers_are NUMBER CORES [SETTING]: nginx.conf has that many worker processes on a machine with so many cores.
workers_are()
{
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\necho %s\n' "$2" >"$BATS_TEST_TMPDIR/bin/nproc"
	chmod 755 "$BATS_TEST_TMPDIR/bin/nproc"
	run env -i PATH="$BATS_TEST_TMPDIR/bin:$PATH" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" "${@:3}" \
		"$WORLD_TOP/deploy/render" "$WORLD_TOP/deploy/nginx/nginx.conf"
	[[ $output == *$'\n'"worker_processes $1;"$'\n'* ]]
}

@test "deploy/render: nginx has as many workers as the machine has cores, but 4 at most; HULYKVS_WEB_WORKERS says otherwise" {
	workers_are 1 1
	workers_are 3 3
	workers_are 4 128
	workers_are 16 128 HULYKVS_WEB_WORKERS=16
}

answers()
{
	[ "$(curl -gs -o /dev/null -w '%{http_code}' "$1")" = 200 ]
}

# listens SERVER HOST ADDRESS …: with HOST for the public address and that for operators, both answer at each ADDRESS.
listens()
{
	local port address

	port=$(world_port)
	WORLD_BARE=1 world_start "$1" HULY_DB_CONNECTION=host=/nowhere HULY_BIND_HOST="$2" HULY_METRICS_BIND="[$2]:$port"
	for address in "${@:3}"; do
		world_until 20 answers "http://$address:$WORLD_PORT/livez"
		world_until 20 answers "http://$address:$port/metrics"
	done
	world_leave
}

listens_on_ipv6()
{
	listens "$1" ::1 '[::1]'
	listens "$1" :: '[::1]' 127.0.0.1
	listens "$1" 0::0 '[::1]' 127.0.0.1
}

@test "nginx: IPv6 addresses for clients and operators; :: answers on IPv4 too" { listens_on_ipv6 nginx; }
@test "lighttpd: IPv6 addresses for clients and operators; :: answers on IPv4 too" { listens_on_ipv6 lighttpd; }
