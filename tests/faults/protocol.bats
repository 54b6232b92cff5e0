#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# bats file_tags=long
# The database's protocol breaks under batches, reads, writes that share a statement, and large writes. PUT and DELETE by
# themselves are in protocol_writes.bats.

# shellcheck disable=SC2154 # FAULT_* and output come from faults.bash and bats

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
	fault_leave
}

# bats test_tags=cockroachdb
@test "a batch or a read broken at every place of the protocol: it happens at most once, and its answer is right" {
	fault_protocol rest
}

@test "broken under a batch of writes: each is judged for itself" {
	# One connection for writes: what waits for it makes the batch.
	fault_proxied none HULY_WORKERS=1 HULY_DB_CONNECTIONS=2 HULY_STATEMENT_TIMEOUT=1
	run python3 "$FAULT_SCRIPTS/batches.py" "$WORLD_SOCKET" "$FAULT_DIR/control" "$FAULT_DB"
	echo "$output"
	[ "$status" -eq 0 ]
	fault_say "$output"
	fault_end
}

connections()
{
	"$PG_BIN/psql" -X -q -A -t -d "$FAULT_DB" \
		-c "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'hulykvs'"
}

connections_are()
{
	[ "$(connections)" -eq "$1" ]
}

# Large values have a connection of their own, which is made when the first one comes.
large_has_connection()
{
	[ "$(world_status "/api2/$WS/n/opens" -T "$FAULT_DIR/large")" = 204 ] && [ "$(connections)" -gt "$1" ]
}

@test "a large write that was given up does not happen after a later one" {
	local few unknown="Outcome unknown: the write may or may not have happened"

	fault_proxied nginx HULY_REQUEST_TIMEOUT=1
	head -c 100000 /dev/urandom >"$FAULT_DIR/large"
	echo later >"$FAULT_DIR/later"
	few=$(connections)
	world_until 10 large_has_connection "$few"
	fault_order '{"arm": {"statement": "put", "key": "k", "do": "blackhole"}}' >/dev/null
	[ "$(world_get "/api2/$WS/n/k" -T "$FAULT_DIR/large" | head -n 1)" = "$unknown" ]
	# Nobody waits for it: its deadline is over.
	[ "$(world_status "/api2/$WS/n/k" -T "$FAULT_DIR/later")" = 204 ]
	[ "$(world_get "/api2/$WS/n/k" | head -n 1)" = later ]
	world_until 20 connections_are "$few" # it goes when no more come
	fault_end
}
