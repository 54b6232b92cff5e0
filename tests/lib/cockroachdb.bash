# SPDX-License-Identifier: EPL-2.0
# The simulator of CockroachDB (tests/tools/cockroachdb_simulator.py) in front of the cluster of postgres.bash; needs that
# file.  Source this after it; it changes no shell options.
#
#   crdb_start [WORD …]   starts it, with these options and faults; it ends by itself when its directory is gone
#   crdb_order JSON       an order; prints the answer
#   crdb_check            fails, and says why, where a program did what CockroachDB would not let it do
#   crdb_url URL          the same database through the simulator; without one, the URL as it is
#   crdb_socket           the socket that programs shall use: the simulator's, if there is one

CRDB_SIMULATOR=$(cd "$(dirname "${BASH_SOURCE[0]}")/../tools" && pwd)/cockroachdb_simulator.py

crdb_start()
{
	local dir=$PG_DIR/cockroachdb name=.s.PGSQL.$PG_PORT deadline=$((SECONDS + 20))

	mkdir -p "$dir" && rm -f "$dir/$name" || return 1
	python3 "$CRDB_SIMULATOR" "$dir/$name" "$PG_DIR/socket/$name" "violations=$dir/violations" "$@" \
		</dev/null >>"$dir/output" 2>&1 3>&- &
	until [ -S "$dir/$name" ]; do
		[ "$SECONDS" -lt "$deadline" ] || { cat "$dir/output" >&2; return 1; }
		sleep 0.05
	done
}

crdb_order()
{
	python3 "${CRDB_SIMULATOR%/*}/control.py" "$PG_DIR/cockroachdb/.s.PGSQL.$PG_PORT.control" "$1"
}

crdb_check()
{
	local dir=${PG_DIR:-}/cockroachdb

	[ -d "$dir" ] || return 0
	[ ! -s "$dir/violations" ] && [ ! -s "$dir/output" ] && return 0
	echo "the simulator of CockroachDB says:" >&2
	cat "$dir/violations" "$dir/output" >&2
	return 1
}

crdb_url()
{
	local dir=${PG_DIR:-}

	if [ -d "$dir/cockroachdb" ]; then
		dir=${dir//\//%2F}
		echo "${1//"host=${dir}%2Fsocket"/host=${dir}%2Fcockroachdb}"
	else
		echo "$1"
	fi
}

crdb_socket()
{
	local dir=${PG_DIR:-}/cockroachdb

	[ -d "$dir" ] || dir=$PG_DIR/socket
	echo "$dir/.s.PGSQL.$PG_PORT"
}
