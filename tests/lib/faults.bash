# SPDX-License-Identifier: EPL-2.0
# For the fault tests: a world whose database can be taken away, and a proxy in front of it.
# Source this after postgres.bash and world.bash; it changes no shell options.
#
#   fault_world SERVER [NAME=VALUE …]
#                      a new database of the cluster, with schema, and a world on it, which is not waited for
#   fault_proxied SERVER [NAME=VALUE …]
#                      the same with pg_proxy.py between program and database
#   fault_ready        waits until /readyz says so
#   fault_order JSON   an order to the proxy; prints its answer
#   fault_protocol PART
#                      every fault of the protocol under that part of protocol.py's requests, behind nginx
#   fault_leave        ends the world, the proxy and what fault_background started
#   fault_end          fails if the program was started again meanwhile; then as world_stop and fault_leave
#   fault_background CMD …
#                      in the background, output to FAULT_DIR/out; FAULT_PID is its id
#   fault_result [wait]
#                      ends it by TERM, or waits for its own end; its output is in FAULT_OUTPUT, its status is returned
#   fault_ledger [ARG …]
#                      ledger.py write in the background; FAULT_LEDGER is its file
#   fault_acknowledged N
#                      waits until the ledger has had N more acknowledgements
#   fault_check [wait] ends the ledger (see fault_result) and checks it; its figures are in FAULT_OUTPUT
#   fault_without NAME …
#                      none of these figures of the ledger is above 0
#   fault_say TEXT …   a figure for the reader of the test's output
#   fault_refused PATH [CURL-ARG …]
#                      the answer is a 503 that says when to come back, unless the outcome is unknown: then a write must
#                      not just be repeated
#   fault_all_refused  the same, whatever is asked; but /livez is 200
#   fault_database_name
#   fault_database_up  in teardown: the cluster runs again
#   fault_own_cluster  a cluster of this test alone, where it might not survive; `own` lists them
#   fault_own_cluster_end
#
# WS is the workspace of the token.  After fault_world: FAULT_DIR, FAULT_DB (the database itself), FAULT_PROGRAM (process
# id).

# Read by the tests, too.
# shellcheck disable=SC2034
FAULT_SCRIPTS=$WORLD_TOP/tests/tools
WS=5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f # the workspace of the token
export PYTHONDONTWRITEBYTECODE=1

fault_directory()
{
	FAULT_DIR=$(mktemp -d /tmp/hkv-f.XXXXXX) && chmod 755 "$FAULT_DIR"
}

fault_database()
{
	FAULT_DB=$(pg_db "f$RANDOM$RANDOM") || return 1
	env -i "PATH=$PATH" HULY_TOKEN_SECRET=secret "HULY_DB_CONNECTION=$(crdb_url "$FAULT_DB")" \
		"$HULYKVS_BUILD/hulykvs-migrate" >"$FAULT_DIR/migrate.log" 2>&1 && return
	cat "$FAULT_DIR/migrate.log" >&2
	return 1
}

fault_serve()
{
	local server=$1
	shift

	WORLD_BARE=1 world_start "$server" "$@" || return 1
	world_until 10 fault_has_program || return 1
	FAULT_PROGRAM=$(world_pid)
}

fault_has_program()
{
	[ -n "$(world_pid)" ]
}

fault_world()
{
	local server=$1
	shift

	fault_directory && fault_database &&
		fault_serve "$server" HULY_DB_CONNECTION="$FAULT_DB&connect_timeout=2" "$@"
}

fault_proxied()
{
	local server=$1
	shift

	fault_directory && fault_database && fault_audit && fault_proxy &&
		fault_serve "$server" HULY_DB_CONNECTION="$FAULT_PROXIED&connect_timeout=2" "$@" &&
		{ [ "$server" = none ] || fault_ready; }
}

fault_audit()
{
	"$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -d "$FAULT_DB" -f "$FAULT_SCRIPTS/audit.sql"
}

fault_proxy()
{
	local name=.s.PGSQL.$PG_PORT

	python3 "$FAULT_SCRIPTS/pg_proxy.py" "$FAULT_DIR/$name" "$(crdb_socket)" "$FAULT_DIR/control" \
		"$WORLD_TOP/sql/statements" </dev/null >"$FAULT_DIR/proxy.log" 2>&1 3>&- &
	FAULT_PROXY=$!
	FAULT_PROXIED="${FAULT_DB%%\?*}?host=${FAULT_DIR//\//%2F}&port=$PG_PORT"
	world_until 10 test -S "$FAULT_DIR/control"
}

fault_ready()
{
	world_until 20 world_ready
}

fault_order()
{
	python3 "$FAULT_SCRIPTS/control.py" "$FAULT_DIR/control" "$1"
}

# shellcheck disable=SC2154 # output and status are those of bats' run
fault_protocol()
{
	# The deadline of a write on CockroachDB allows for clocks that differ by half a second.
	fault_proxied nginx HULY_STATEMENT_TIMEOUT=0.5 HULY_REQUEST_TIMEOUT=$((2 + ${WORLD_DATABASE:+1} + 0))
	run python3 "$FAULT_SCRIPTS/protocol.py" "$1" "$WORLD_URL" "$FAULT_DIR/control" "$FAULT_DB"
	echo "$output"
	[ "$status" -eq 0 ]
	fault_say "$output"
	fault_end
}

fault_leave()
{
	local pid

	world_leave || :
	for pid in ${FAULT_PID:-} ${FAULT_PROXY:-}; do
		kill -KILL "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	[ -z "${FAULT_DIR:-}" ] || rm -rf "$FAULT_DIR"
	FAULT_PID='' FAULT_PROXY='' FAULT_DIR=''
}

fault_end()
{
	local ok=0

	if [ "$(world_pid)" != "$FAULT_PROGRAM" ]; then
		echo "the program was started again" >&2
		ok=1
	fi
	if [ -n "${FAULT_PROXY:-}" ] && [ -s "$FAULT_DIR/proxy.log" ]; then
		cat "$FAULT_DIR/proxy.log" >&2
		ok=1
	fi
	WORLD_ERRORS_EXPECTED=1 world_stop || ok=1
	fault_leave
	return "$ok"
}

fault_background()
{
	"$@" </dev/null >"$FAULT_DIR/out" 2>&1 3>&- &
	FAULT_PID=$!
}

fault_result()
{
	local pid=$FAULT_PID status=0

	[ "${1:-}" = wait ] || kill -TERM "$pid"
	wait "$pid" || status=$?
	FAULT_PID=
	FAULT_OUTPUT=$(cat "$FAULT_DIR/out")
	return "$status"
}

fault_ledger()
{
	FAULT_LEDGER=$FAULT_DIR/ledger
	fault_background python3 "$FAULT_SCRIPTS/ledger.py" write "$@" "$WORLD_URL" "$FAULT_LEDGER"
	world_until 60 fault_progress 1 100
}

# The figure NUMBER (1: acknowledged, 2: refused) of the ledger.
fault_figure()
{
	cut -d ' ' -f "$1" "$FAULT_LEDGER.progress" 2>/dev/null
}

# Is it at least that?
fault_progress()
{
	local n

	n=$(fault_figure "$1")
	[ "${n:-0}" -ge "$2" ]
}

fault_acknowledged()
{
	local n

	n=$(fault_figure 1)
	world_until 60 fault_progress 1 $((${n:-0} + $1))
}

fault_check()
{
	fault_result "$@" || {
		echo "$FAULT_OUTPUT" >&2
		return 1
	}
	fault_say "$FAULT_OUTPUT"
	fault_ready || return 1
	python3 "$FAULT_SCRIPTS/ledger.py" check "$WORLD_URL" "$FAULT_LEDGER" "$FAULT_DB" >"$FAULT_DIR/check.out" || {
		cat "$FAULT_DIR/check.out" >&2
		return 1
	}
	fault_say "$(cat "$FAULT_DIR/check.out")"
}

fault_say()
{
	echo "# $*" >&3
}

fault_database_name()
{
	local name=${FAULT_DB%%\?*}

	echo "${name##*/}"
}

fault_database_up()
{
	"$PG_BIN/pg_isready" -q -U postgres -h "$PG_DIR/socket" -p "$PG_PORT" || pg_start "$PG_DIR"
}

fault_own_cluster()
{
	shared=$PG_DIR
	own=$(pg_tmpdir)
	pg_start "$own"
}

fault_own_cluster_end()
{
	[ -n "${own:-}" ] || return 0
	for PG_DIR in $own; do
		pg_remove
	done
	if mountpoint -q "$FAULT_DIR/disk"; then
		umount "$FAULT_DIR/disk"
	fi
	PG_DIR=$shared own=
}

fault_refused()
{
	local head known=yes comes_back=no

	head=$(world_get "$1" -m 30 -D - "${@:2}")
	! grep -q '^Outcome unknown' <<<"$head" || known=no
	! grep -qi '^Retry-After: ' <<<"$head" || comes_back=yes
	if ! grep -q '^HTTP/1.1 503' <<<"$head" || [ "$known" != "$comes_back" ]; then
		echo "$1 ${*:2}: $head" >&2
		return 1
	fi
}

# Whatever is asked; all at once, since each may take until its deadline.
fault_all_refused()
{
	local pid ok=0
	local -a pids

	fault_refused "/api2/$WS/n/k" 3>&- & pids+=($!)
	fault_refused "/api2/$WS/n/k" -I 3>&- & pids+=($!)
	fault_refused "/api2/$WS/n/k" -T - <<<value 3>&- & pids+=($!)
	fault_refused "/api2/$WS/n/k" -X DELETE 3>&- & pids+=($!)
	fault_refused "/api2/$WS/n" 3>&- & pids+=($!)
	fault_refused /readyz 3>&- & pids+=($!)
	world_status_is /livez 200 || ok=1
	for pid in "${pids[@]}"; do
		wait "$pid" || ok=1
	done
	return "$ok"
}

fault_without()
{
	local name

	for name; do
		if grep -q " $name=[1-9]" <<<"$FAULT_OUTPUT"; then
			echo "$FAULT_OUTPUT" >&2
			return 1
		fi
	done
}
