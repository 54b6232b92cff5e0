#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# Every statement of the service finds its rows by the primary key, in the session that the service makes, on whichever
# PostgreSQL this is (tests/run matrix: 14 to 18), on a full table and on an empty one that was never analyzed.

load ../lib/postgres
load ../lib/world

WS=11111111-2222-3333-4444-555555555555
FAR=2100-01-01

setup_file()
{
	world_cluster
	export PLANS_DB=plans
	pg_db "$PLANS_DB" >/dev/null
	env -i "PATH=$PATH" HULY_TOKEN_SECRET=s HULY_DB_CONNECTION="$(pg_url "$PLANS_DB")" "$HULYKVS_BUILD/hulykvs-migrate"
}

teardown_file()
{
	pg_remove
}

fill()
{
	pg_sql "$PLANS_DB" -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value)
		select '$WS', 'ns' || n % 3, 'key ' || n, '', '' from generate_series(1, 20000) as n" -c 'analyze hulykvs.kvs'
}

text_of()
{
	sed 's/{schema}/hulykvs/g' "$WORLD_TOP/sql/statements/$1.sql"
}

# plan STATEMENT TYPES VALUES: as the service has it, which prepares its statements.
plan()
{
	{
		text_of session_postgresql | sed "s/\$1/'0'/; s/\$2/null/"
		echo ';'
		echo "prepare p ($2) as"
		text_of "$1"
		echo "; explain (costs off) execute p ($3);"
	} | pg_sql "$PLANS_DB" | grep -v '^0|' | tee "$BATS_TEST_TMPDIR/plan"
	[ -s "$BATS_TEST_TMPDIR/plan" ]
}

has()
{
	grep -qF -- "$1" "$BATS_TEST_TMPDIR/plan"
}

# The rows are found by their whole key, and nothing else is read.
by_key()
{
	plan "$@"
	has 'using kvs_pkey on kvs'
	has 'key = '
	! has 'Seq Scan' && ! has 'Bitmap'
}

in_order()
{
	plan "$@"
	has 'using kvs_pkey on kvs'
	has 'Index Cond: '
	has "(key >= \$3)"
	! has 'Sort' && ! has 'Filter' && ! has 'Seq Scan' && ! has 'Bitmap'
}

points()
{
	local key="uuid, text, text" values="'$WS', 'ns1', 'key 1'"

	by_key get "$key" "$values"
	by_key head "$key" "$values"
	by_key get_keys "uuid, text, text[]" "'$WS', 'ns1', '{key 1,key 4}'"
	by_key get_many "uuid[], text[], text[]" "'{$WS}', '{ns1}', '{key 1}'"
	by_key put_if_present "$key, bytea, bytea, timestamptz" "$values, '', '', '$FAR'"
	by_key put_if_match "$key, bytea, bytea, bytea[], timestamptz" "$values, '', '', '{}', '$FAR'"
	by_key delete "$key, timestamptz" "$values, '$FAR'"
	by_key delete_if_match "$key, bytea[], timestamptz" "$values, '{}', '$FAR'"
	plan any "uuid, text" "'$WS', 'ns1'"
	has 'Limit'
	has 'using kvs_pkey on kvs'
}

# The rows come in the order of the index, and no others are read.
entries_in_order()
{
	plan "$@"
	has 'using kvs_pkey on kvs'
	has "(key >= \$3)"
	! has 'Sort' && ! has 'Seq Scan' && ! has 'Bitmap'
}

# One look into the index for the first name, and one for each that follows.
names_one_by_one()
{
	plan "$@"
	[ "$(grep -cE 'Index (Only )?Scan using kvs_pkey' "$BATS_TEST_TMPDIR/plan")" -ge 2 ]
	has 'Recursive Union'
	[ "$(grep -c 'Limit' "$BATS_TEST_TMPDIR/plan")" = 2 ]
	! has 'Seq Scan' && ! has 'Bitmap' && ! has 'Hash'
	[ "$(grep -c 'Sort$' "$BATS_TEST_TMPDIR/plan")" = 1 ] # of the names that were found
}

lists()
{
	in_order list "uuid, text, text, int8" "'$WS', 'ns1', 'key 1', 100"
	in_order list_below "uuid, text, text, int8, text" "'$WS', 'ns1', 'key 1', 100, 'key 2'"
	has "(key < \$5)"
	entries_in_order entries "uuid, text, text, int8, bool, int8" "'$WS', 'ns1', 'key 1', 100, true, 1000"
	entries_in_order entries_below "uuid, text, text, int8, bool, int8, text" \
		"'$WS', 'ns1', 'key 1', 100, true, 1000, 'key 2'"
	has "(key < \$7)"
	names_one_by_one namespaces "uuid, text, int8" "'$WS', '', 100"
	names_one_by_one counts "uuid, text, int8" "'$WS', '', 100"
	names_one_by_one workspaces "uuid, int8, text" "'$WS', 100, 'x'"
}

# bats test_tags=matrix
@test "on a new table: by key, and lists in order" {
	points
	lists
}

# bats test_tags=matrix
@test "on a full table: by key, and lists in order" {
	fill
	points
	lists
}
