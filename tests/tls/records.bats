#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# A database that sends large TLS records: libpq may leave a part of one in OpenSSL, where the socket does not show it.

# shellcheck disable=SC2154 # FAULT_*, PG_* and output come from the files that are loaded and from bats

load ../lib/postgres
load ../lib/world
load ../lib/faults

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
	[ -z "${FRONT:-}" ] || kill "$FRONT"
	fault_leave
}

front_is_ready()
{
	grep -q ready "$FAULT_DIR/front"
}

# Sets FRONT_URL.
start_front()
{
	local port

	port=$(world_port)
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout "$FAULT_DIR/key.pem" \
		-out "$FAULT_DIR/certificate.pem" 2>/dev/null
	python3 "$FAULT_SCRIPTS/tls_front.py" "$port" "$FAULT_DIR/certificate.pem" "$FAULT_DIR/key.pem" \
		"$(crdb_socket)" </dev/null >"$FAULT_DIR/front" 2>&1 3>&- &
	FRONT=$!
	world_until 10 front_is_ready
	FRONT_URL="postgresql://postgres@127.0.0.1:$port/${FAULT_DB##*/}"
	FRONT_URL=${FRONT_URL%%\?*}"?sslmode=require"
}

# migrate WORD …: over TLS
migrate()
{
	HULY_TOKEN_SECRET=secret HULY_DB_CONNECTION=$FRONT_URL "$HULYKVS_BUILD/hulykvs-migrate" "$@"
}

@test "answers of any size arrive over TLS, however the database cuts them" {
	fault_directory
	fault_database
	start_front
	fault_serve nginx HULY_DB_CONNECTION="$FRONT_URL" HULY_REQUEST_TIMEOUT=2 HULY_WORKERS=1
	fault_ready
	run python3 "$FAULT_SCRIPTS/tls_answers.py" "$WORLD_URL"
	echo "$output"
	[ "$status" -eq 0 ]
	fault_say "$output"
	# A list that hangs begins again with the next key, so its answer does not show it.
	run grep -E 'reason="(no answer|a list made no progress)' "$WORLD_DIR/program.log"
	[ "$status" -eq 1 ]
	migrate export >"$FAULT_DIR/over-tls"
	HULY_TOKEN_SECRET=secret HULY_DB_CONNECTION=$FAULT_DB "$HULYKVS_BUILD/hulykvs-migrate" export >"$FAULT_DIR/plain"
	cmp "$FAULT_DIR/over-tls" "$FAULT_DIR/plain"
	fault_end
}
