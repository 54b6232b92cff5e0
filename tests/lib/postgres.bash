# SPDX-License-Identifier: EPL-2.0
# A private PostgreSQL cluster for tests: unix socket only, trust, in a
# directory of its own.  Source this file; it changes no shell options.
#
#   dir=$(pg_tmpdir [PARENT])    new short directory that the server can reach; in memory (/dev/shm) where there is
#                                plenty, since a new database is 300 files
#   pg_start "$dir" [NAME=VALUE …]
#                                makes the cluster if there is none, starts it
#                                and waits; settings go to the server.
#                                PG_FSYNC=on for tests that kill it.
#   pg_url [DB]                  libpq URL of a database (default: postgres)
#   pg_db NAME [ARG …]           makes a database (ARGs are createdb's) and
#                                prints its URL
#   pg_db_en NAME [ARG …]        the same, ordered as in English, not by bytes
#   pg_sql DB [ARG …]            psql, unaligned, stops at the first error; SQL
#                                from -c or standard input
#   pg_pid                       process id of the postmaster
#   pg_freeze, pg_thaw           stops all processes of a cluster where they are; lets them go on, if they were stopped
#                                (in a bats test, which may make another cluster meanwhile)
#   pg_stop [MODE]               stops it: fast (default), immediate, smart
#   pg_remove                    pg_stop immediate, then removes the directory; fails if a simulator in front
#                                of it (cockroachdb.bash) has seen what it must not see
#
# In a run of bats initdb runs once; later clusters are copies of its result.
#
# PG_BIN is the directory of the server's programs, and of psql: the newest that is installed, unless it is set.
# All work on the cluster of the last pg_start, which is kept in the exported
# PG_DIR and PG_PORT; set these to switch between clusters.

# The newest that is installed, as Debian lays it out.
pg_find()
{
	local initdb newest=''

	while read -r initdb; do
		[ ! -x "$initdb" ] || newest=${initdb%/*}
	done < <(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V)
	echo "$newest"
}

: "${PG_BIN:=$(pg_find)}"

# initdb and postgres refuse to run as root.
pg_as_user()
{
	local user=postgres

	if [ "$(id -u)" -ne 0 ]; then
		"$@"
		return
	fi
	id "$user" >/dev/null 2>&1 || user=nobody
	(cd / && exec setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups -- "$@")
}

pg_tmpdir()
{
	local dir free

	free=$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)
	dir=/tmp
	[ "${free:-0}" -lt 4000000 ] || dir=/dev/shm
	dir=$(mktemp -d "${1:-$dir}/hkv-pg.XXXXXX") && chmod 711 "$dir" && echo "$dir"
}

pg_start()
{
	local dir=$1 fsync=${PG_FSYNC:-off} options="" setting
	shift

	if [ -z "$PG_BIN" ]; then
		echo "pg_start: no PostgreSQL server under /usr/lib/postgresql" >&2
		return 1
	fi
	if [ ${#dir} -gt 80 ]; then
		echo "pg_start: too long for a unix socket: $dir" >&2
		return 1
	fi
	export PG_DIR=$dir PG_PORT=${PG_PORT:-5432}
	if [ ! -d "$dir/data" ]; then
		mkdir -p "$dir/data" "$dir/socket" || return 1
		pg_give_away "$dir/data" "$dir/socket" || return 1
		pg_cluster "$dir" || return 1
	fi
	for setting in listen_addresses= unix_socket_directories="$dir/socket" port="$PG_PORT" \
		fsync="$fsync" full_page_writes="$fsync" shared_buffers=32MB max_wal_size=256MB "$@"; do
		options+=" -c '$setting'"
	done
	# No descriptor of the caller may stay open in the server: bats waits for them.
	pg_as_user "$PG_BIN/pg_ctl" -D "$dir/data" -l "$dir/data/server.log" -w -t 60 -s -o "$options" start \
	    </dev/null >"$dir/start.log" 2>&1 3>&- || {
		cat "$dir/start.log" "$dir/data/server.log" >&2
		return 1
	}
}

# pg_cluster DIR: a new cluster in DIR/data.
pg_cluster()
{
	local dir=$1 made

	if [ -z "${BATS_RUN_TMPDIR:-}" ]; then
		pg_initdb "$dir"
		return
	fi
	made=$BATS_RUN_TMPDIR/cluster${PG_BIN//\//-}.tar
	(
		flock 9
		[ -f "$made" ] || { pg_initdb "$dir" && tar -C "$dir/data" -cf "$made" .; }
	) 9>"$made.lock" || return 1
	[ -f "$dir/data/PG_VERSION" ] || tar -C "$dir/data" -xpf "$made"
}

pg_initdb()
{
	pg_as_user "$PG_BIN/initdb" -D "$1/data" -A trust -U postgres --no-sync --no-instructions \
	    --encoding=UTF8 --locale=C.UTF-8 >"$1/initdb.log" 2>&1 || {
		cat "$1/initdb.log" >&2
		return 1
	}
}

pg_give_away()
{
	local user=postgres

	[ "$(id -u)" -eq 0 ] || return 0
	id "$user" >/dev/null 2>&1 || user=nobody
	chown "$user" "$@"
}

pg_url()
{
	echo "postgresql://postgres@/${1:-postgres}?host=${PG_DIR//\//%2F}%2Fsocket&port=$PG_PORT"
}

pg_db()
{
	local name=$1
	shift

	[ "$(<"$PG_DIR/data/PG_VERSION")" -lt 15 ] || set -- --strategy=file_copy "$@"
	"$PG_BIN/createdb" -h "$PG_DIR/socket" -p "$PG_PORT" -U postgres "$@" "$name" >&2 && pg_url "$name"
}

# By ICU, since a bare machine has no locale but C, C.UTF-8 and POSIX.  PostgreSQL 14 has no databases of ICU's: there it
# is ordered by bytes.
pg_db_en()
{
	local name=$1
	shift

	if [ "$(pg_sql postgres -c 'show server_version_num')" -lt 150000 ]; then
		pg_db "$name" "$@"
		return
	fi
	pg_db "$name" --template=template0 --encoding=UTF8 --locale=C.UTF-8 \
	    --locale-provider=icu --icu-locale=en-US "$@"
}

pg_sql()
{
	local db=$1
	shift

	"$PG_BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -d "$(pg_url "$db")" "$@"
}

pg_pid()
{
	head -n 1 "$PG_DIR/data/postmaster.pid"
}

pg_freeze()
{
	local pid

	pid=$(pg_pid)
	echo "$pid" >"$BATS_TEST_TMPDIR/frozen"
	kill -STOP "$pid"
	# Until it has stopped it may start another child.
	while [[ $(ps -o state= -p "$pid") != T* ]] && kill -0 "$pid"; do
		sleep 0.01
	done
	pkill -STOP -P "$pid" || :
}

pg_thaw()
{
	local pid

	[ -f "$BATS_TEST_TMPDIR/frozen" ] || return 0
	pid=$(cat "$BATS_TEST_TMPDIR/frozen")
	kill -CONT "$pid"
	pkill -CONT -P "$pid" || :
	rm "$BATS_TEST_TMPDIR/frozen"
}

pg_stop()
{
	pg_as_user "$PG_BIN/pg_ctl" -D "$PG_DIR/data" -m "${1:-fast}" -w -t 60 -s stop >/dev/null
}

pg_remove()
{
	local ok=0

	pg_stop immediate 2>/dev/null || :
	[ -n "${PG_DIR:-}" ] || return 0
	! declare -F crdb_check >/dev/null || crdb_check || ok=1
	rm -rf "$PG_DIR"
	return "$ok"
}
