#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The shell commands of the documents that are marked "sh run", as they stand
# there, on a private copy of this system with PostgreSQL on its usual port.

load ../lib/world
load ../lib/private_system

setup_file()
{
	private_system_possible >"$BATS_FILE_TMPDIR/impossible" || return 0
	private_system_start
	PG_BIN=$(for bin in /usr/lib/postgresql/*/bin; do echo "$bin"; done | tail -n 1)
	(cd "$WORLD_TOP" && sources | tar c -T -) | private_system sh -c 'mkdir -p /srv/hulykvs && tar x -C /srv/hulykvs'
	# shellcheck disable=SC2016 # the inner shell's
	private_system sh -ec '
		install -d -o postgres -g postgres /run/postgresql /var/lib/documents
		runuser -u postgres -- "$1/initdb" -D /var/lib/documents/data -A trust --no-sync --no-instructions --locale=C.UTF-8
		runuser -u postgres -- "$1/pg_ctl" -D /var/lib/documents/data -w -s -l /var/lib/documents/log \
			-o "-c unix_socket_directories=/run/postgresql -c fsync=off" start
	' - "$PG_BIN" </dev/null >"$BATS_FILE_TMPDIR/database" 2>&1 || { cat "$BATS_FILE_TMPDIR/database" >&2; return 1; }
}

teardown_file()
{
	private_system_end
}

setup()
{
	[ ! -s "$BATS_FILE_TMPDIR/impossible" ] || skip "$(cat "$BATS_FILE_TMPDIR/impossible")"
}

# What a clone has; also in a tree without git.
sources()
{
	git ls-files -co --exclude-standard 2>/dev/null || find . -type f -not -path './build/*'
}

# What a reader who came by the README has in his shell, and one who makes mistakes sees.
prepare()
{
	cat <<-'END'
		cd /srv/hulykvs
		unset "${!HULY_@}" "${!OTEL_@}"
		PATH=/usr/lib/ccache:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
		export MAKEFLAGS=-j$(nproc) CFLAGS=-O1
		curl() { command curl --fail --silent --show-error "$@"; }
		[ ! -f /tmp/settings ] || . /tmp/settings
		set -euo pipefail
	END
}

# play DOCUMENT [HEADING [NUMBER]]: runs its blocks in one shell; what they start goes on.
play()
{
	local blocks

	blocks=$(python3 "$WORLD_TOP/tests/tools/blocks.py" "$WORLD_TOP/$1" "${@:2}")
	[ -n "$blocks" ] || { echo "$1 has no block" >&2; return 1; }
	{
		prepare
		echo "$blocks"
		echo 'declare -p HULY_DB_CONNECTION HULY_TOKEN_SECRET 2>/dev/null >/tmp/settings.new &&'
		echo 'mv /tmp/settings.new /tmp/settings || :'
	} >"$BATS_TEST_TMPDIR/script"
	private_system bash -c 'bash <(cat) </dev/null' <"$BATS_TEST_TMPDIR/script" >"$BATS_TEST_TMPDIR/out" 2>&1 || {
		tail -n 50 "$BATS_TEST_TMPDIR/out"
		return 1
	}
}

greeted()
{
	grep -q "Ctrl-C stops it" "$BATS_TEST_TMPDIR/quickstart"
}

@test "README: try it" {
	{
		prepare
		python3 "$WORLD_TOP/tests/tools/blocks.py" "$WORLD_TOP/README.md" "Try it" 1
	} >"$BATS_TEST_TMPDIR/first"
	private_system bash -c 'bash <(cat) </dev/null' <"$BATS_TEST_TMPDIR/first" >"$BATS_TEST_TMPDIR/quickstart" 2>&1 &
	world_until 600 greeted || { cat "$BATS_TEST_TMPDIR/quickstart"; return 1; }
	grep '^TOKEN=' "$BATS_TEST_TMPDIR/quickstart" | private_system tee /tmp/settings
	play README.md "Try it" 2
	cat "$BATS_TEST_TMPDIR/out"
	grep -q '^HTTP/1.1 204' "$BATS_TEST_TMPDIR/out"
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" = hello ]
	private_system pkill -TERM -f deploy/quickstart
	wait $!
	private_system rm /tmp/settings
}

@test "README: run it" {
	play README.md "Run it"
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" = ok ]
}

@test "every document in docs/" {
	private_system test -f /tmp/settings
	for document in "$WORLD_TOP"/docs/*.md; do
		document=docs/${document##*/}
		grep -q '^ *```sh run$' "$WORLD_TOP/$document" || continue
		echo "$document"
		play "$document"
	done
}
