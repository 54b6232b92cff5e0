# SPDX-License-Identifier: EPL-2.0
# A running service for tests: private database, hulykvs under its supervisor,
# and a web server, all from deploy/, in a directory and on a port of their own.
# Source this file (and postgres.bash); it changes no shell options.
#
#   world_cluster               private PostgreSQL for the worlds of a test file
#   world_start SERVER [NAME=VALUE …]
#                               SERVER is nginx, lighttpd, cgi (lighttpd running
#                               the program once a request) or none; settings
#                               go to the program.  WORLD_BARE=1: no database is
#                               made, no schema, and it is not waited for.
#                               WORLD_SCHEME: https, where settings say so to deploy/render.
#                               WORLD_SANDBOX: HULY_SANDBOX of every world.
#                               WORLD_DATABASE=cockroachdb: the programs reach the database through its
#                               simulator (see cockroachdb.bash), with the words in WORLD_SIMULATED.
#   world_stop                  stops it; fails when the program had crashed, ended
#                               with another status than 0, or upset a sanitizer,
#                               or (unless WORLD_ERRORS_EXPECTED) logged an error
#   world_end                   stops what is left of it, and the cluster
#   world_until SECONDS CMD …   repeats CMD until it succeeds, or fails
#   world_get PATH [CURL-ARG …] body and status; the path as it is, with WORLD_TOKEN if
#                               that is not empty
#   world_status PATH [CURL-ARG …]
#   world_status_is PATH STATUS [CURL-ARG …]
#   world_metric NAME{LABELS}   its value, where one program answers on the operators' address
#   world_log_has PATTERN [SECONDS]
#                               waits for a line of the program's log
#   world_pid                   the program's process
#   world_alone [NAME=VALUE …] [-- OPTION …]
#                               a program on a socket, without database, web server or supervisor; WORLD_PROGRAM is
#                               its process, which world_leave ends
#
# After world_start: WORLD_DIR, WORLD_URL, WORLD_OPERATOR_URL, WORLD_SOCKET, WORLD_DB, WORLD_TOKEN, and
# the logs program.log and web.log in WORLD_DIR.
#
# HULYKVS_BUILD is the directory that the programs were built in.

# shellcheck source=tests/lib/cockroachdb.bash
. "$(dirname "${BASH_SOURCE[0]}")/cockroachdb.bash"
WORLD_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${HULYKVS_BUILD:=$WORLD_TOP/build}"
export HULYKVS_BUILD
PATH=$PATH:/usr/sbin:/sbin

world_cluster()
{
	local dir

	[ -x "$HULYKVS_BUILD/hulykvs" ] || {
		echo "no program in $HULYKVS_BUILD: build it, or say where it is by HULYKVS_BUILD" >&2
		return 1
	}
	dir=$(pg_tmpdir) || return 1
	pg_start "$dir" "$@" || return 1
	[ "${WORLD_DATABASE:-}" != cockroachdb ] || world_simulated
}

# shellcheck disable=SC2086 # words
world_simulated()
{
	crdb_start refuse=collate,limit_null skew=300 ${WORLD_SIMULATED:-}
}

world_until()
{
	local began=$SECONDS deadline=$((SECONDS + $1)) pause=0.05
	shift

	until "$@"; do
		if [ "$SECONDS" -ge "$deadline" ]; then
			echo "not within the time: $*" >&2
			return 1
		fi
		sleep "$pause"
		# What takes longer is asked for less often: each time costs some processes.
		[ "$SECONDS" -lt $((began + 2)) ] || pause=0.25
	done
}

# A process that has ended may be waiting for its parent.
world_alive()
{
	local stat

	[ -n "$1" ] && stat=$(cat "/proc/$1/stat" 2>/dev/null) && [[ ${stat##*) } != Z* ]]
}

world_gone()
{
	! world_alive "$1"
}

# Prints so many free ports.
world_ports()
{
	python3 -c '
import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(s.getsockname()[1] for s in held))' "$1"
}

world_port()
{
	world_ports 1
}

# world_token [NAME]: that one of http_cases.tokens(), "user" if none is named.
# shellcheck disable=SC2120 # other files name one
world_token()
{
	python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import http_cases; print(http_cases.tokens()[sys.argv[2]])' "$WORLD_TOP/tests/tools" \
		"${1:-user}"
}

# Only what the test asks for reaches the programs, not the tester's own HULY_*:
# sets WORLD_ENV, the words in front of a command.
world_environment()
{
	local name

	WORLD_ENV=(env -i "PATH=$PATH" "HOME=${HOME:-/}" LC_ALL=C.UTF-8)
	for name in ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS TSAN_OPTIONS; do
		[ -z "${!name:-}" ] || WORLD_ENV+=("$name=${!name}")
	done
	[ ! -f "$WORLD_DIR/settings" ] || mapfile -t -O "${#WORLD_ENV[@]}" WORLD_ENV <"$WORLD_DIR/settings"
}

world_start()
{
	WORLD_SERVER=$1 WORLD_SPAWN='' WORLD_WEB='' WORLD_DB=''
	shift
	WORLD_DIR=$(mktemp -d /tmp/hkv.XXXXXX) || return 1
	chmod 755 "$WORLD_DIR"
	WORLD_SOCKET=$WORLD_DIR/socket
	read -r WORLD_PORT WORLD_OPERATOR_PORT < <(world_ports 2)
	WORLD_URL=${WORLD_SCHEME:-http}://127.0.0.1:$WORLD_PORT
	WORLD_OPERATOR_URL=http://127.0.0.1:$WORLD_OPERATOR_PORT
	WORLD_TOKEN=$(world_token user) || return 1
	crdb_url "$(printf '%s\n' HULY_LOG_LEVEL=debug HULY_BIND_HOST=127.0.0.1 HULY_BIND_PORT="$WORLD_PORT" \
		HULY_METRICS_BIND="127.0.0.1:$WORLD_OPERATOR_PORT" ${WORLD_SANDBOX:+"HULY_SANDBOX=$WORLD_SANDBOX"} "$@")" \
		>"$WORLD_DIR/settings"
	if [ -z "${WORLD_BARE:-}" ]; then
		WORLD_DB=$(pg_db "w${WORLD_DIR##*.}") || return 1
		echo "HULY_DB_CONNECTION=$(crdb_url "$WORLD_DB")" >>"$WORLD_DIR/settings"
		world_migrate || return 1
	fi
	world_environment
	[ -n "$WORLD_PORT" ] || return 1
	[ "$WORLD_SERVER" = cgi ] || world_program || return 1
	# shellcheck disable=SC2119 # no directory of its own
	world_web || return 1
	export WORLD_SERVER WORLD_DIR WORLD_SOCKET WORLD_PORT WORLD_URL WORLD_OPERATOR_URL WORLD_TOKEN WORLD_DB WORLD_SPAWN WORLD_WEB
	[ "$WORLD_SERVER" != none ] && [ -z "${WORLD_BARE:-}" ] || return 0
	world_until 20 world_ready || {
		cat "$WORLD_DIR"/*.log >&2
		return 1
	}
}

world_migrate()
{
	world_environment
	(cd "$WORLD_DIR" && "${WORLD_ENV[@]}" "$HULYKVS_BUILD/hulykvs-migrate" >>migrate.log 2>&1) || {
		cat "$WORLD_DIR/migrate.log" >&2
		return 1
	}
}

# fd 3 is bats': a background process that held it would keep bats waiting.
world_program()
{
	rm -f "$WORLD_DIR/spawn.pid" # of the one before
	(
		cd "$WORLD_DIR" || exit 1
		"${WORLD_ENV[@]}" "$WORLD_TOP/deploy/spawn-fcgi/hulykvs-spawn" -s "$WORLD_SOCKET" \
			"$HULYKVS_BUILD/hulykvs" &
		echo $! >spawn.pid
		wait $!
		echo $? >spawn.status
	) </dev/null >>"$WORLD_DIR/program.log" 2>&1 3>&- &
	world_until 10 test -s "$WORLD_DIR/spawn.pid" -a -S "$WORLD_SOCKET" || {
		cat "$WORLD_DIR/program.log" >&2
		return 1
	}
	WORLD_SPAWN=$(cat "$WORLD_DIR/spawn.pid")
}

# world_web [DIRECTORY]: the web server, with that for its own files (WORLD_DIR)
# shellcheck disable=SC2120 # a test may give one
world_web()
{
	local command

	case $WORLD_SERVER in
	nginx)
		world_render nginx/nginx.conf "$@" || return 1
		command=(nginx -c "$WORLD_DIR/web.conf")
		[ "$(id -u)" -ne 0 ] || command+=(-g 'user root;')
		;;
	lighttpd)
		world_render lighttpd/hulykvs.conf "$@" || return 1
		command=(lighttpd -D -f "$WORLD_DIR/web.conf")
		;;
	cgi)
		world_cgi_conf >"$WORLD_DIR/web.conf"
		command=(lighttpd -D -f "$WORLD_DIR/web.conf")
		;;
	none)
		WORLD_WEB=
		return
		;;
	esac
	(cd "$WORLD_DIR" && exec "${command[@]}") </dev/null >>"$WORLD_DIR/web.log" 2>&1 3>&- &
	WORLD_WEB=$!
}

world_render()
{
	"${WORLD_ENV[@]}" HULYKVS_SOCKET="$WORLD_SOCKET" HULYKVS_RUN_DIR="${2:-$WORLD_DIR}" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" \
		"$WORLD_TOP/deploy/render" "$WORLD_TOP/deploy/$1" >"$WORLD_DIR/web.conf"
}

# The program as plain CGI, once a request; settings come by the environment.
world_cgi_conf()
{
	local setting

	cat <<-END
		server.modules = ( "mod_setenv", "mod_alias", "mod_cgi" )
		server.compat-module-load = "disable"
		server.document-root = "$WORLD_DIR"
		server.errorlog = "$WORLD_DIR/web-error.log"
		server.breakagelog = "$WORLD_DIR/program.log"
		server.upload-dirs = ( "$WORLD_DIR" )
		server.bind = "127.0.0.1"
		server.port = $WORLD_PORT
		server.range-requests = "disable"
		server.max-request-field-size = 49152
		server.max-request-size = 0
		server.max-keep-alive-requests = 65535
		server.http-parseopts = ( "host-strict" => "disable", "host-normalize" => "disable", "method-get-body" => "enable", "url-normalize" => "disable" )
		alias.url = ( "/" => "$HULYKVS_BUILD/hulykvs/" )
		cgi.assign = ( "" => "" )
	END
	for setting in "${WORLD_ENV[@]:2}"; do
		printf 'setenv.set-environment += ( "%s" => "%s" )\n' "${setting%%=*}" "${setting#*=}"
	done
}

world_ready()
{
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$WORLD_URL/readyz")" = 200 ]
}

world_get()
{
	local path=$1
	shift

	curl -s --path-as-is ${WORLD_TOKEN:+-H "Authorization: Bearer $WORLD_TOKEN"} -w '\n%{http_code}' "$@" "$WORLD_URL$path"
}

# A probe as operators see it: with the reasons of failed checks.
world_probe()
{
	curl -s -w '\n%{http_code}' "$WORLD_OPERATOR_URL$1"
}

world_status()
{
	local path=$1
	shift

	curl -s --path-as-is ${WORLD_TOKEN:+-H "Authorization: Bearer $WORLD_TOKEN"} -o /dev/null -w '%{http_code}' "$@" "$WORLD_URL$path"
}

world_status_is()
{
	[ "$(world_status "$1" "${@:3}")" = "$2" ]
}

world_metric()
{
	curl -sf "$WORLD_OPERATOR_URL/metrics" | awk -v name="$1" '{ value = $NF; sub(/ [^ ]*$/, "") } $0 == name { print value }'
}

world_log_has()
{
	world_until "${2:-10}" grep -qE -- "$1" "$WORLD_DIR/program.log"
}

world_alone()
{
	local settings=()

	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		settings+=("$1")
		shift
	done
	WORLD_DIR=$(mktemp -d /tmp/hkv.XXXXXX) || return 1
	export WORLD_DIR WORLD_SPAWN='' WORLD_WEB=''
	mkdir "$WORLD_DIR/etc"
	(cd "$WORLD_DIR" && exec env -i PATH="$PATH" HULY_DB_CONNECTION=host=/nowhere "${settings[@]}" \
		spawn-fcgi -n -s "$WORLD_DIR/socket" -- "$HULYKVS_BUILD/hulykvs" "${@:2}") \
		</dev/null >>"$WORLD_DIR/program.log" 2>&1 3>&- &
	WORLD_PROGRAM=$!
	world_log_has 'msg="database unavailable"'
}

# The supervisor's youngest child that is the program.
world_pid()
{
	local pid

	for pid in $(pgrep -P "$WORLD_SPAWN"); do
		[ "$(readlink "/proc/$pid/exe")" != "$(readlink -f "$HULYKVS_BUILD/hulykvs")" ] || echo "$pid"
	done | tail -n 1
}

world_kill()
{
	[ -n "$1" ] || return 0
	kill -TERM "$1" 2>/dev/null
	world_until "${2:-15}" world_gone "$1" && return
	kill -KILL "$1" 2>/dev/null
	return 1
}

world_stop()
{
	local ok=0 status

	world_kill "$WORLD_WEB" || { echo "the web server did not end" >&2; ok=1; }
	if [ -n "${WORLD_SPAWN:-}" ]; then
		world_kill "$WORLD_SPAWN" 20 || { echo "the program did not end" >&2; ok=1; }
		world_until 5 test -s "$WORLD_DIR/spawn.status" || ok=1
		status=$(cat "$WORLD_DIR/spawn.status")
		[ "$status" = 0 ] || { echo "the program ended with status $status" >&2; ok=1; }
	fi
	world_log_is_clean || ok=1
	[ "$ok" = 0 ] && rm -rf "$WORLD_DIR"
	WORLD_SPAWN='' WORLD_WEB=''
	return "$ok"
}

world_log_is_clean()
{
	local bad='program ended|Sanitizer|runtime error:|Assertion .* failed'

	[ -n "${WORLD_ERRORS_EXPECTED:-}" ] || bad+='|level=error'
	! grep -s -E "$bad" -A 40 "$WORLD_DIR/program.log" "$WORLD_DIR/web.log" >&2 && crdb_check
}

# For a file with several worlds: what to source to be back in this one.
world_save()
{
	declare -p WORLD_SERVER WORLD_DIR WORLD_SOCKET WORLD_PORT WORLD_URL WORLD_OPERATOR_URL WORLD_TOKEN WORLD_DB WORLD_SPAWN WORLD_WEB |
		sed 's/^declare -[a-z-]* /export /' >"$1"
}

# Stops what is left, whatever its state.
world_leave()
{
	[ -d "${WORLD_DIR:-}" ] || return 0
	world_kill "${WORLD_WEB:-}" 5
	world_kill "${WORLD_PROGRAM:-}" 5
	if [ -n "${WORLD_SPAWN:-}" ]; then
		world_kill "$WORLD_SPAWN" 5
		world_until 5 test -s "$WORLD_DIR/spawn.status"
	fi
	rm -rf "$WORLD_DIR"
}

world_end()
{
	world_leave
	pg_remove
}
