# SPDX-License-Identifier: EPL-2.0
# Two databases, for the tests of what hulykvs-migrate moves, compares and deletes.  Load this after postgres.bash and
# migrate.bash.
#
#   transfer_enter     in setup: the databases A and B with our tables, at A_URL and B_URL; and FILE, the name of
#                      an export
#   transfer_leave     in teardown: drops them
#   transfer_rows DB N rows of two workspaces and three namespaces; every fifth has no time, others are N days old and
#                      younger
#   transfer_digest DB
#                      all of a database, in one digest
#   transfer_count DB [CONDITION]
#                      how many rows there are
#   transfer_same      compares A with B

WS=22222222-3333-4444-5555-666666666666

# What the set-up says is of no interest.
transfer_enter()
{
	A=a$BATS_TEST_NUMBER B=b$BATS_TEST_NUMBER FILE=$BATS_TEST_TMPDIR/export
	A_URL=$(pg_db "$A") B_URL=$(pg_db_en "$B")
	migrate "$A_URL" 2>"$FILE.log"
	migrate "$B_URL" 2>"$FILE.log"
}

transfer_leave()
{
	pg_sql postgres -c "drop database $A with (force)" -c "drop database $B with (force)"
}

transfer_rows()
{
	pg_sql "$1" <<-SQL
		insert into hulykvs.kvs (workspace, namespace, key, md5, value, modified)
		select case when n % 4 = 0 then '$WS'::uuid else '$MIGRATE_DEFAULT' end, (array['a', 'B', 'é"'])[n % 3 + 1],
			'<key ' || n || '@é"\\>', decode(md5(value), 'hex'), value,
			case when n % 5 > 0 then now() - n * interval '1 day' end
		from (select n, decode(repeat(md5(n::text), n % 4), 'hex') as value from generate_series(1, $2) as n) as r
	SQL
}

transfer_digest()
{
	pg_sql "$1" -c "select count(*), md5(string_agg(concat_ws('|', workspace, namespace, key, md5, value, modified), ','
		order by workspace, namespace collate \"C\", key)) from hulykvs.kvs"
}

transfer_count()
{
	pg_sql "$1" -c "select count(*) from hulykvs.kvs ${2:+where $2}"
}

transfer_same()
{
	migrate "$A_URL" HULY_OTHER_DB_CONNECTION="$B_URL" compare
}
