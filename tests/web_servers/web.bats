#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The program behind both web servers: a database that hangs or is not ready, large values, many clients.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world

WS=5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f # the workspace of the token

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
	pg_thaw
	world_leave
}

hanging_database()
{
	world_start "$1" HULY_REQUEST_TIMEOUT=2 HULY_STATEMENT_TIMEOUT=1
	world_status_is "/api2/$WS/web/k" 404
	pg_freeze
	world_status_is /livez 200
	world_status_is /status 200
	world_status_is "/api2/$WS/web/k" 503
	[ "$(world_status "/api2/$WS/web/k" -X PUT -d v)" = 503 ]
	world_status_is /livez 200
	world_status_is /nowhere 404
	[ "$(WORLD_TOKEN='' world_status "/api2/$WS/web/k")" = 401 ]
	world_until 20 world_status_is /readyz 503
	pg_thaw
	world_until 20 world_status_is /readyz 200
	world_until 20 world_status_is "/api2/$WS/web/other" 404
}

@test "nginx: while the database hangs, all else is answered" { hanging_database nginx; }
@test "lighttpd: while the database hangs, all else is answered" { hanging_database lighttpd; }

@test "refusals do not wait for a database that hangs" {
	world_start nginx HULY_REQUEST_TIMEOUT=5
	world_status_is "/api2/$WS/web/k" 404
	pg_freeze
	clients=()
	for i in $(seq 64); do
		world_status "/api2/$WS/web/$i" >"$BATS_TEST_TMPDIR/status.$i" 3>&- &
		clients+=($!)
	done
	for _ in $(seq 20); do
		world_status_is /livez 200
		[ "$(WORLD_TOKEN='' world_status /api2/x)" = 401 ]
	done
	pg_thaw
	wait "${clients[@]}"
	[ "$(cat "$BATS_TEST_TMPDIR"/status.* | grep -oE '404|503' | wc -l)" = 64 ]
}

@test "without a database: alive, not ready, and 503 with the reason" {
	WORLD_BARE=1 world_start nginx "HULY_DB_CONNECTION=host=$BATS_TEST_TMPDIR"
	world_until 20 world_status_is /livez 200
	run world_get /readyz
	[ "${lines[-1]}" = 503 ]
	[ "${#lines[0]}" -gt 9 ]
	run world_get "/api2/$WS/web/k" -D "$BATS_TEST_TMPDIR/head"
	[ "${lines[-1]}" = 503 ]
	grep -qi '^retry-after: ' "$BATS_TEST_TMPDIR/head"
}

@test "a database without our tables: not ready until it is migrated, without a restart" {
	url=$(pg_db "bare$RANDOM")
	WORLD_BARE=1 world_start nginx "HULY_DB_CONNECTION=$url"
	world_until 20 world_status_is /livez 200
	before=$(world_pid)
	world_until 20 world_status_is /readyz 503
	run world_get /readyz
	[[ ${lines[0]} == *schema* || ${lines[0]} == *table* || ${lines[0]} == *migrat* ]]
	world_migrate
	world_until 20 world_status_is /readyz 200
	world_status_is "/api2/$WS/web/k" 404
	[ "$(world_pid)" = "$before" ]
	WORLD_ERRORS_EXPECTED=1 world_stop
}

@test "a database that is not in UTF8: not ready, and /readyz says why" {
	for encoding in LATIN1 SQL_ASCII; do
		url=$(pg_db "other$RANDOM" --template=template0 --encoding=$encoding --locale=C)
		WORLD_BARE=1 world_start nginx "HULY_DB_CONNECTION=$url"
		world_until 20 world_status_is /livez 200
		world_until 20 world_status_is /readyz 503
		world_until 20 probe_has "^\[-\]schema failed: the database's encoding is $encoding, and UTF8 is needed"
		world_status_is "/api2/$WS/web/k" 503
		WORLD_ERRORS_EXPECTED=1 world_stop
	done
}

probe_has()
{
	world_probe /readyz | grep -q "$1"
}

# A key of 8,190 bytes and one after it, which only its cursor reaches.
long_keys_are_paged()
{
	local long next page

	world_start "$1"
	long=$(printf 'x%.0s' {1..8190}) next=${long}y
	for key in "$long" "$next"; do
		[ "$(world_status "/api2/$WS/long/$key" -T - <<<value)" = 204 ]
	done
	page=$(world_page 'limit=1')
	[ "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["keys"][0])' <<<"$page")" = "$long" ]
	page=$(world_page "limit=1&cursor=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["cursor"])' <<<"$page")")
	[ "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["keys"][0])' <<<"$page")" = "$next" ]
	world_stop
}

world_page()
{
	curl -s -f -H "Authorization: Bearer $(world_token)" "$WORLD_URL/api2/$WS/long?$1"
}

@test "nginx: keys of 8,190 bytes are paged" { long_keys_are_paged nginx; }
@test "lighttpd: keys of 8,190 bytes are paged" { long_keys_are_paged lighttpd; }

@test "a database of the original's first version: not ready until it is migrated" {
	name=old$RANDOM
	url=$(pg_db "$name")
	WORLD_BARE=1 world_start nginx "HULY_DB_CONNECTION=$url"
	pg_sql "$name" <<-'END'
		create schema hulykvs;
		create table hulykvs.kvs (namespace text, key text, md5 bytea not null, value bytea not null, primary key (namespace, key));
		create table hulykvs.migrations_pg (version int4 primary key, name varchar(255), applied_on varchar(255), checksum varchar(255));
		insert into hulykvs.migrations_pg values (1, 'initial', '2025-01-01T00:00:00Z', '1555104749697885330');
		insert into hulykvs.kvs values ('old', 'k', decode('f97c5d29941bfb1b2fdab0874906ab82', 'hex'), 'one');
	END
	world_until 20 world_status_is /livez 200
	world_until 20 world_status_is /readyz 503
	world_migrate
	world_until 20 world_status_is /readyz 200
	run world_get /api/old/k
	[ "${lines[0]}" = one ]
}

large_values()
{
	world_start "$1"
	head -c 2000000 /dev/urandom >"$BATS_TEST_TMPDIR/value"
	head -c 2000001 /dev/urandom >"$BATS_TEST_TMPDIR/over"
	[ "$(world_status "/api2/$WS/web/large" -T "$BATS_TEST_TMPDIR/value")" = 204 ]
	curl -sf -H "Authorization: Bearer $WORLD_TOKEN" "$WORLD_URL/api2/$WS/web/large" | cmp - "$BATS_TEST_TMPDIR/value"
	[ "$(world_status "/api2/$WS/web/large" -T "$BATS_TEST_TMPDIR/over")" = 413 ]
	curl -sf -H "Authorization: Bearer $WORLD_TOKEN" "$WORLD_URL/api2/$WS/web/large" | cmp - "$BATS_TEST_TMPDIR/value"
	world_stop
}

@test "nginx: two million bytes, and one more" { large_values nginx; }
@test "lighttpd: two million bytes, and one more" { large_values lighttpd; }

many_clients()
{
	world_start "$1"
	run "$WORLD_TOP/tests/tools/load.py" "$WORLD_URL" 64 40
	echo "$output"
	[ "$output" = "GET 200 2560"$'\n'"PUT 204 2560" ]
	world_stop
}

@test "nginx: 64 clients" { many_clients nginx; }
@test "lighttpd: 64 clients" { many_clients lighttpd; }

@test "limit, default workspace and schema are settings" {
	world_start nginx HULY_PAYLOAD_SIZE_LIMIT=10 HULY_DEFAULT_WORKSPACE_UUID=$WS HULY_DB_SCHEME=elsewhere
	[ "$(world_status "/api2/$WS/web/k" -X PUT -d 0123456789)" = 204 ]
	[ "$(world_status "/api2/$WS/web/k" -X PUT -d 01234567890)" = 413 ]
	run world_get /api/web/k
	[ "${lines[0]}" = 0123456789 ]
	[ "$(pg_sql "w${WORLD_DIR##*.}" -c 'select count(*) from elsewhere.kvs')" = 1 ]
}

@test "a row of another program's without an MD5: the tag is the value's own" {
	local key=/api2/5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f/n/k tag

	world_start nginx
	[ "$(world_status "$key" -T - <<<"a value")" = 204 ]
	tag=$(world_get "$key" -I | grep -i '^etag:')
	pg_sql "w${WORLD_DIR##*.}" -c "update hulykvs.kvs set md5 = ''"
	[ "$(world_get "$key" -I | grep -i '^etag:')" = "$tag" ]
	[ "$(world_get "$key" -D - -o /dev/null | grep -i '^etag:')" = "$tag" ]
	tag=$(tr -d '\r' <<<"${tag#*: }")
	[ "$(world_status "$key" -T - -H "If-Match: $tag" <<<"a value")" = 204 ]
	[ "$(world_status "$key" -T - -H "If-Match: $tag" <<<"a value")" = 204 ]
	pg_sql "w${WORLD_DIR##*.}" -c "update hulykvs.kvs set md5 = ''"
	[ "$(world_status "$key" -X DELETE -H 'If-Match: "00000000000000000000000000000000"')" = 412 ]
	[ "$(world_status "$key" -X DELETE -H "If-Match: $tag")" = 204 ]
	world_stop
}
