#!/usr/bin/env bats
# What an operator works with: command line, reading settings again.

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
	for library in libpq libjwt cJSON OpenSSL libfcgi; do
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
	for line in 'HULY_WORKERS=3  # etc/config.toml:1' 'HULY_TOKEN_SECRET=********  # etc/config.toml:2' \
		'HULY_DB_CONNECTION=********  # environment' 'HULY_PAYLOAD_SIZE_LIMIT=1024  # environment' \
		'HULY_BIND_PORT=8094  # default' 'HULY_LOG_LEVEL=debug  # command line'; do
		grep -qxF -- "$line" <<<"$output"
	done
	[[ $output != *canary* ]]
	program HULY_WORKERS=x "$HULYKVS_BUILD/hulykvs" --print-config
	[ "$status" -eq 78 ]
}

@test "--log-level is above the settings; a level that there is not: 64" {
	program HULY_TOKEN_SECRET=s HULY_NONSENSE=1 HULY_LOG_LEVEL=error "$HULYKVS_BUILD/hulykvs" --check-config
	[[ $output == *HULY_NONSENSE* ]] # said before the level is known
	program "$HULYKVS_BUILD/hulykvs" --print-config --log-level=warn
	[[ $output == *"HULY_LOG_LEVEL=warn  # command line"* ]]
	program "$HULYKVS_BUILD/hulykvs" --check-config --log-level loud
	[ "$status" -eq 64 ]
	[[ $output == *--log-level* ]]
}

# --- HUP ---

@test "HUP takes a new log level, names what needs a new program, and refuses what is wrong" {
	bare
	conf 'log_level = "warn"'
	kill -HUP "$PROGRAM"
	conf 'log_level = "debug"' 'workers = 1'
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
