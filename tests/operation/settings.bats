#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# Settings: where they come from, how they are checked and shown, and that HUP reads them again.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world

teardown()
{
	world_leave
}

program()
{
	run env -i PATH="$PATH" "$@"
}

conf()
{
	printf '%s\n' "$@" >"$WORLD_DIR/etc/config.toml.new"
	mv "$WORLD_DIR/etc/config.toml.new" "$WORLD_DIR/etc/config.toml"
}

@test "--help names every setting, --version the version" {
	program "$HULYKVS_BUILD/hulykvs" --help
	[ "$status" -eq 0 ]
	for name in $(grep -oE '"HULY_[A-Z_]+"' "$WORLD_TOP/src/config/settings.h" | tr -d '"'); do
		[[ $output == *"$name"* ]]
	done
	program "$HULYKVS_BUILD/hulykvs" --version
	[ "$status" -eq 0 ]
	[[ $output =~ ^hulykvs\ [0-9]+\.[0-9]+ ]]
}

@test "an unknown option: 64" {
	program "$HULYKVS_BUILD/hulykvs" --nonsense
	[ "$status" -eq 64 ]
	program "$HULYKVS_BUILD/hulykvs" argument
	[ "$status" -eq 64 ]
}

@test "on a terminal, or with nothing to serve: says how to run it, 64" {
	run env -i PATH="$PATH" python3 -c 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' \
		"$HULYKVS_BUILD/hulykvs" </dev/null
	[ "$status" -eq 64 ]
	[[ $output == *spawn-fcgi* ]]
	program "$HULYKVS_BUILD/hulykvs" </dev/null
	[ "$status" -eq 64 ]
}

@test "--check-config: 0, or 78 and one line that names the setting" {
	program HULY_DB_CONNECTION=host=/x HULY_TOKEN_SECRET=s "$HULYKVS_BUILD/hulykvs" --check-config
	[ "$status" -eq 0 ]
	for setting in HULY_DB_CONNECTION=nonsense HULY_DB_CONNECTION= HULY_DB_CONNECTION='postgresql://canary@[/' \
		HULY_DB_SCHEME= HULY_TOKEN_SECRET= HULY_BIND_HOST= HULY_BIND_PORT=0 HULY_BIND_PORT=65536 HULY_BIND_PORT=web \
		HULY_PAYLOAD_SIZE_LIMIT=many HULY_PAYLOAD_SIZE_LIMIT=-1 HULY_PAYLOAD_SIZE_LIMIT=2Gb HULY_PAYLOAD_SIZE_LIMIT=1.x \
		HULY_DEFAULT_WORKSPACE_UUID=here HULY_DEFAULT_WORKSPACE_UUID= HULY_LOG_LEVEL=loud HULY_WORKERS=0 HULY_WORKERS=x \
		HULY_DB_PREPARED=maybe HULY_REQUEST_TIMEOUT=0 HULY_REQUEST_TIMEOUT=soon HULY_STATEMENT_TIMEOUT=-1 \
		HULY_BODY_BUDGET=some; do
		echo "$setting"
		program "$setting" "$HULYKVS_BUILD/hulykvs" --check-config
		echo "$output"
		[ "$status" -eq 78 ]
		[ "$(grep -c "${setting%%=*}" <<<"$output")" -eq 1 ]
		[[ $output != *canary* ]]
	done
}

@test "an unknown setting is a warning at most" {
	program HULY_TOKEN_SECRET=s HULY_SOMETHING_ELSE=1 "$HULYKVS_BUILD/hulykvs" --check-config
	[ "$status" -eq 0 ]
}

@test "the default secret is warned about, a secret of one's own is not" {
	program "$HULYKVS_BUILD/hulykvs" --check-config
	[ "$status" -eq 0 ]
	[[ $output == *level=warn*HULY_TOKEN_SECRET* ]]
	program HULY_TOKEN_SECRET=of-my-own "$HULYKVS_BUILD/hulykvs" --check-config
	[ "$status" -eq 0 ]
	[[ $output != *level=warn* ]]
	[[ $output != *of-my-own* ]]
}

@test "etc/config.toml is read, and the environment is above it" {
	mkdir "$BATS_TEST_TMPDIR/etc"
	cd "$BATS_TEST_TMPDIR"
	printf 'token_secret = "s"\nbind_port = 0\n' >etc/config.toml
	program "$HULYKVS_BUILD/hulykvs" --check-config
	[ "$status" -eq 78 ]
	[[ $output == *bind_port* ]]
	program HULY_BIND_PORT=8094 "$HULYKVS_BUILD/hulykvs" --check-config
	[ "$status" -eq 0 ]
	printf 'bind_host = "10.1.2.3"\nbind_port = 8095\n' >etc/config.toml
	run env -i PATH="$PATH" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" "$WORLD_TOP/deploy/render" "$WORLD_TOP/deploy/nginx/nginx.conf"
	[[ $output == *"listen 10.1.2.3:8095 "* ]]
	run env -i PATH="$PATH" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" HULY_BIND_HOST=::1 "$WORLD_TOP/deploy/render" "$WORLD_TOP/deploy/lighttpd/hulykvs.conf"
	[[ $output == *'server.bind = "[::1]"'*"server.port = 8095"* ]]
}

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

@test "HUP takes a new log level, names what needs a new program, and refuses what is wrong" {
	world_alone
	conf 'log_level = "warn"'
	kill -HUP "$WORLD_PROGRAM"
	conf 'log_level = "debug"' 'workers = 2'
	kill -HUP "$WORLD_PROGRAM"
	world_log_has 'msg="settings read again"'
	world_log_has 'level=warn .*setting="HULY_WORKERS"'
	run ! grep -E 'setting="HULY_LOG_LEVEL"' "$WORLD_DIR/program.log"
	conf 'log_level = "loud"'
	kill -HUP "$WORLD_PROGRAM"
	world_log_has 'level=error .*etc/config.toml:1: log_level: not a log level'
	kill -TERM "$WORLD_PROGRAM"
	world_until 10 world_gone "$WORLD_PROGRAM"
}

@test "HUP: --log-level and the environment stay above the file" {
	world_alone -- --log-level error
	conf 'log_level = "debug"'
	kill -HUP "$WORLD_PROGRAM"
	conf 'workers = "none"'
	kill -HUP "$WORLD_PROGRAM"
	world_log_has 'level=error .*workers: not a number'
	run ! grep -F 'settings read again' "$WORLD_DIR/program.log"
}
