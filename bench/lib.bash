# SPDX-License-Identifier: EPL-2.0
# The stage of the benchmark: a private PostgreSQL, databases with keys in them,
# and for each a world (see tests/lib/world.bash) of hulykvs behind nginx.
# Source tests/lib/postgres.bash and tests/lib/world.bash before.
#
#   bench_open              directory, cluster; everything goes when the shell exits
#   bench_world NAME DB-COMMAND [SETTING ...]
#                           a database made by pg_db or pg_db_en, migrated and empty,
#                           and the service on it; afterwards in $BENCH_STATE/worlds
#   bench_main_db           as DB-COMMAND: the database of the world "main", as it is
#   bench_sealed COUNT SIZE the world "sealed", on a database of its own, with that many sealed values
#   bench_collector         takes spans and forgets them; $BENCH_COLLECTOR is where
#   bench_fill NAMESPACE COUNT KIND SIZE FORMAT
#                           keys for the last world, see fill.py
#   bench_samples           a table of large values that pgbench puts into kvs
#   bench_peer              the program PEER_BIN, if one is named, on a database of its own; sets PEER_URL
#   bench_distance          the worlds of the rows "distance": a database whose answers take their time
#   bench_settle            statistics, checkpoint: after the last bench_fill
#   bench_statements        $BENCH_STATE/NAME.sql for pgbench, from sql/statements, and explain.sql
#
# Settings HULY_* of the caller reach the program, but for the database and the address.

export PYTHONDONTWRITEBYTECODE=1
BENCH_WORKSPACE=5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f # the one of world_token

bench_say()
{
	printf '%s\n' "bench: $*" >&2
}

bench_fail()
{
	bench_say "$*"
	exit 1
}

bench_need()
{
	local tool

	for tool in wrk nginx spawn-fcgi python3; do
		command -v "$tool" >/dev/null || bench_fail "$tool is missing"
	done
	[ -x "$PG_BIN/pgbench" ] || command -v pgbench >/dev/null || bench_fail "pgbench is missing"
	[ -x "$HULYKVS_BUILD/hulykvs" ] || bench_fail "no program in $HULYKVS_BUILD: build it, or set HULYKVS_BUILD"
}

bench_open()
{
	unset PG_DIR WORLD_DIR
	bench_pg='' bench_driver='' bench_collector='' bench_peers=() BENCH_STATE=''
	trap bench_close EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	BENCH_STATE=$(mktemp -d "${TMPDIR:-/tmp}/hkv-bench.XXXXXX")
	export BENCH_STATE
	bench_pg=$(pg_tmpdir "${TMPDIR:-/tmp}")
	[ "$(stat -f -c %T "$bench_pg")" != tmpfs ] || bench_say "TMPDIR is in memory: writes cost less than on a disk"
	# Durable as by default.  No checkpoint and no autovacuum comes in between by chance:
	# the rows that write vacuum before they measure.
	PG_FSYNC=on pg_start "$bench_pg" shared_buffers=512MB max_wal_size=32GB min_wal_size=2GB checkpoint_timeout=1d \
		autovacuum=off || bench_fail "no database"
}

bench_close()
{
	local saved

	trap '' INT TERM HUP
	set +e
	if [ -n "$bench_driver" ]; then
		kill -TERM "$bench_driver" 2>/dev/null
		wait "$bench_driver"
	fi
	bench_leave
	[ ${#bench_peers[@]} -eq 0 ] || kill -TERM "${bench_peers[@]}" 2>/dev/null
	[ -z "$bench_collector" ] || kill -TERM "$bench_collector" 2>/dev/null
	for saved in "$BENCH_STATE"/*.world; do
		[ -f "$saved" ] || continue
		# shellcheck disable=SC1090 # as world_save left it
		. "$saved"
		bench_leave
	done
	[ -z "${PG_DIR:-}" ] || pg_remove
	[ -z "$bench_pg" ] || rm -rf "$bench_pg"
	[ -z "$BENCH_STATE" ] || rm -rf "$BENCH_STATE"
}

# What the programs complained of, with how often.
bench_complaints()
{
	local saved

	for saved in "$BENCH_STATE"/*.world; do
		sed -n 's/^WORLD_DIR="\(.*\)"$/\1/; s/^export WORLD_DIR="\(.*\)"$/\1/p' "$saved" | while read -r dir; do
			sed -n 's/^ts=[^ ]* level=\(warn\|error\) \(msg="[^"]*"\).*/\1: \2/p' "$dir/program.log" | sort | uniq -c
		done
	done
}

# The shell around the supervisor writes a last file, which must not come behind the removal.
bench_leave()
{
	[ -d "${WORLD_DIR:-}" ] || return 0
	world_kill "${WORLD_WEB:-}" 5
	world_kill "${WORLD_SPAWN:-}" 5
	[ -z "${WORLD_SPAWN:-}" ] || world_until 5 test -s "$WORLD_DIR/spawn.status"
	world_leave
}

# The program's own pid, when it is there.
bench_has_pid()
{
	[ -n "$(world_pid)" ]
}

bench_world()
{
	local name=$1 make=$2 url setting settings=()
	shift 2

	url=$("$make" "$name") || bench_fail "no database $name"
	while read -r setting; do
		case $setting in
		HULY_DB_CONNECTION | HULY_DB_SCHEME | HULY_BIND_*) ;;
		HULY_*) settings+=("$setting=${!setting}") ;;
		esac
	done < <(compgen -e)
	WORLD_BARE=1 world_start nginx HULY_LOG_LEVEL=info "${settings[@]}" "$@" HULY_DB_CONNECTION="$url" ||
		bench_fail "the service did not start"
	world_save "$BENCH_STATE/$name.world"
	BENCH_DB=$name
	world_migrate && world_until 20 world_ready && world_until 5 bench_has_pid || {
		cat "$WORLD_DIR"/*.log >&2
		bench_fail "the service did not get ready"
	}
	: >"$WORLD_DIR/program.log" # it missed its tables until now
	printf '%s\t' "$name" "$WORLD_URL" "$WORLD_SOCKET" "$(world_pid)" "$WORLD_WEB" "$WORLD_DIR" >>"$BENCH_STATE/worlds"
	printf '%s\n' "$url" >>"$BENCH_STATE/worlds"
}

bench_main_db()
{
	pg_url main
}

bench_collector()
{
	mkdir "$BENCH_STATE/collector"
	echo forget >"$BENCH_STATE/collector/manner"
	python3 "$WORLD_TOP/tests/tools/collector.py" "$BENCH_STATE/collector" &
	bench_collector=$!
	world_until 10 test -s "$BENCH_STATE/collector/port" || bench_fail "no collector"
	BENCH_COLLECTOR=http://127.0.0.1:$(cat "$BENCH_STATE/collector/port")
	export BENCH_COLLECTOR
}

bench_fill()
{
	python3 "$WORLD_TOP/bench/fill.py" "$BENCH_WORKSPACE" "$@" |
		pg_sql "$BENCH_DB" -c 'copy hulykvs.kvs (workspace, namespace, key, md5, value) from stdin'
}

# A world whose namespace "sealed" is sealed, with COUNT values of SIZE bytes.  Its database is its own: a service
# without the keys does not get ready on a database that holds sealed values.
bench_sealed()
{
	(umask 077 && echo "bench $(head -c 32 /dev/urandom | base64)" >"$BENCH_STATE/keys")
	bench_world sealed pg_db HULY_ENCRYPTION_MODE=on HULY_ENCRYPTION_KEYS_FILE="$BENCH_STATE/keys" \
		HULY_ENCRYPTION_NAMESPACES=sealed
	bench_fill sealed "$1" noise "$2" 1%08d
	world_environment
	(cd "$WORLD_DIR" && "${WORLD_ENV[@]}" "$HULYKVS_BUILD/hulykvs-migrate" reencrypt 2>>migrate.log) ||
		bench_fail "the values were not sealed"
}

# Stored without compression, so that a statement that copies one into kvs compresses it there, as a PUT does.
bench_samples()
{
	local file

	pg_sql "$BENCH_DB" -c 'create table bench_samples (name text primary key, md5 bytea, value bytea)' \
		-c 'alter table bench_samples alter value set storage external'
	for file in "$BENCH_STATE"/json-*.0 "$BENCH_STATE"/noise-524288.0; do
		printf '%s\t\\\\x%s\t\\\\x%s\n' "$(basename "$file" .0)" "$(md5sum <"$file" | cut -d' ' -f1)" "$(od -An -v -tx1 <"$file" | tr -d ' \n')"
	done | pg_sql "$BENCH_DB" -c 'copy bench_samples from stdin'
}

# bench_start_peer DATABASE SOCKET-DIRECTORY OURS: on tables that it makes itself if there are none, with the rows of our
# database OURS.
# Prints nothing; its address is in $BENCH_STATE/DATABASE.url.
bench_start_peer()
{
	local port url

	port=$(world_port) url=http://127.0.0.1:$port
	mkdir -p "$BENCH_STATE/$1"
	(
		cd "$BENCH_STATE/$1" && exec env -i PATH="$PATH" HULY_BIND_HOST=127.0.0.1 HULY_BIND_PORT="$port" \
			HULY_TOKEN_SECRET=secret HULY_DB_CONNECTION="host=$2 port=$PG_PORT user=postgres dbname=$1" \
			"$PEER_BIN" >peer.log 2>&1
	) &
	bench_peers+=($!)
	world_until 60 curl -sf -o /dev/null "$url/status" || {
		tail -n 20 "$BENCH_STATE/$1/peer.log" >&2
		bench_fail "the peer did not start"
	}
	pg_sql "$3" -c 'copy (select workspace, namespace, key, md5, value from hulykvs.kvs) to stdout' |
		pg_sql "$1" -c 'copy hulykvs.kvs (workspace, namespace, key, md5, value) from stdin' -c 'vacuum analyze hulykvs.kvs' \
			-c checkpoint
	echo "$url" >"$BENCH_STATE/$1.url"
}

bench_peer()
{
	[ -n "${PEER_BIN:-}" ] || return 0
	pg_db peer >/dev/null || bench_fail "no database for the peer"
	bench_start_peer peer "$PG_DIR/socket" main
	PEER_URL=$(cat "$BENCH_STATE/peer.url")
	export PEER_URL
}

# A proxy in front of PostgreSQL makes each statement and each commit take its time; the rows set how much, through its
# control socket.  plain=on passes for PostgreSQL, without it for CockroachDB (simulated).
bench_distance()
{
	local name dir words

	for name in distance_pg distance_crdb; do
		case " ${BENCH_ROWS:-$name} " in *" distance"* | *" $name "*) ;; *) continue ;; esac
		words=()
		[ "$name" = distance_crdb ] || words=(plain=on)
		dir=$BENCH_STATE/$name.socket
		mkdir "$dir"
		python3 "$WORLD_TOP/tests/tools/cockroachdb_simulator.py" "$dir/.s.PGSQL.$PG_PORT" \
			"$PG_DIR/socket/.s.PGSQL.$PG_PORT" "${words[@]}" &
		bench_peers+=($!)
		world_until 20 test -S "$dir/.s.PGSQL.$PG_PORT" || bench_fail "no proxy for $name"
		bench_world "$name" bench_distance_url
		bench_fill points 10000 noise 1024 1%08d
		bench_settle
		if [ -n "${PEER_BIN:-}" ]; then
			pg_db "peer_$name" >/dev/null || bench_fail "no database for the peer"
			# The simulator cannot run all of the original's own migration.
			[ "$name" != distance_crdb ] || env -i PATH="$PATH" HULY_LOG_LEVEL=warn \
				HULY_DB_CONNECTION="host=$dir port=$PG_PORT user=postgres dbname=peer_$name" \
				"$HULYKVS_BUILD/hulykvs-migrate" || bench_fail "no tables for the peer"
			bench_start_peer "peer_$name" "$dir" "$name"
		fi
	done
}

# As DB-COMMAND: a database, reached through the proxy of the same name.
bench_distance_url()
{
	pg_db "$1" >/dev/null && echo "host=$BENCH_STATE/$1.socket port=$PG_PORT user=postgres dbname=$1"
}

bench_settle()
{
	pg_sql "$BENCH_DB" -c 'vacuum analyze hulykvs.kvs' -c checkpoint
}

# $1 to $5 become variables of pgbench, which sends them as parameters again (-M prepared).
# A list without a limit gets a high one, and a write has all the time there is.
bench_statements()
{
	local name

	for name in get put list_below; do
		{
			case $name in
			list_below) echo '\set p4 1000000000' ;;
			*) echo '\set p3 random(:first, :last)' ;;
			esac
			grep -v '^--' "$WORLD_TOP/sql/statements/$name.sql" |
				sed -E -e 's/\{schema\}/hulykvs/g' -e "s/\\\$6/'infinity'/" -e 's/\$([0-9])/:p\1/g'
			echo ';'
		} >"$BENCH_STATE/$name.sql"
	done
	cat >"$BENCH_STATE/put_sample.sql" <<-'END'
		\set p3 random(:first, :last)
		insert into hulykvs.kvs (workspace, namespace, key, md5, value)
		select :p1, :p2, :p3, md5, value from bench_samples where name = :sample
		    on conflict (workspace, namespace, key) do update set md5 = excluded.md5, value = excluded.value;
	END
	{
		echo 'prepare q (uuid, text, text, int8, text) as'
		sed 's/{schema}/hulykvs/g' "$WORLD_TOP/sql/statements/list_below.sql"
	} >"$BENCH_STATE/explain.sql"
}
