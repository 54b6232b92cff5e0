# SPDX-License-Identifier: EPL-2.0
# PgBouncer in transaction mode between program and database, for the worlds of faults.bash; needs that file and
# postgres.bash.  Source this after them; it changes no shell options.
#
#   bouncer_configure DIRECTORY SIZE
#                      in FAULT_DIR/bouncer; DIRECTORY has the server's socket, SIZE sessions of it are used
#   bouncer_start      starts it, also after it was killed
#   bouncer_pid        its process id; nothing if it was never started
#   bouncer_url        the database through it
#   bouncer_prepared   the values of HULY_DB_PREPARED that work with it: off, and on from version 1.21
#
# PGBOUNCER names another one than that in PATH.

bouncer_prepares()
{
	local version

	version=$("${PGBOUNCER:-pgbouncer}" --version | sed -n 's/^PgBouncer //p')
	[ "$(printf '%s\n' 1.21 "$version" | sort -V | head -n 1)" = 1.21 ]
}

bouncer_prepared()
{
	echo off
	! bouncer_prepares || echo on
}

bouncer_configure()
{
	local url=${FAULT_DB%%\?*}

	mkdir "$FAULT_DIR/bouncer"
	cat >"$FAULT_DIR/bouncer/ini" <<-END
		[databases]
		kvs = host=$1 port=$PG_PORT user=postgres dbname=${url##*/}
		[pgbouncer]
		listen_addr =
		listen_port = 6432
		unix_socket_dir = $FAULT_DIR/bouncer
		auth_type = any
		pool_mode = transaction
		default_pool_size = $2
		$(! bouncer_prepares || echo max_prepared_statements = 100)
		logfile = $FAULT_DIR/bouncer/log
		pidfile = $FAULT_DIR/bouncer/pid
	END
	pg_give_away "$FAULT_DIR/bouncer"
}

bouncer_start()
{
	rm -f "$FAULT_DIR/bouncer/pid" "$FAULT_DIR/bouncer/.s.PGSQL.6432"*
	pg_as_user "${PGBOUNCER:-pgbouncer}" -d -q "$FAULT_DIR/bouncer/ini" </dev/null >/dev/null 2>&1 3>&-
	world_until 10 test -s "$FAULT_DIR/bouncer/pid"
}

bouncer_pid()
{
	cat "${FAULT_DIR:-/nonexistent}/bouncer/pid" 2>/dev/null
}

bouncer_url()
{
	echo "postgresql://postgres@/kvs?host=${FAULT_DIR//\//%2F}%2Fbouncer&port=6432"
}
