# SPDX-License-Identifier: EPL-2.0
# The databases of the field, for tests of hulykvs-migrate; needs postgres.bash.
#
#   migrate URL [NAME=VALUE …] [ARG …]
#                      hulykvs-migrate with these settings and nothing else of HULY_*;
#                      with MIGRATE_EXEC=1 in place of the shell; it is given
#                      MIGRATE_PATIENCE (120) seconds
#   field_original DB VERSION [HISTORY]
#                      as the original leaves it after VERSION (0: nothing), with rows;
#                      HISTORY (default VERSION) is how many versions are recorded
#   field_old DB       as an original before 0.3 leaves it on PostgreSQL
#   field_rows DB      number of rows, and a digest over all but the workspace
#   field_ok DB        succeeds when the schema is current in all that matters
#   field_enter        in setup: a database of the test's own, DB at URL
#   field_leave        in teardown: drops it, and ends the processes that the test has put in PIDS
#   field_fill         more rows than the 4 MiB from which on indexes are built beside the traffic
#
# HULYKVS_BUILD is the directory that hulykvs-migrate was built in.

MIGRATE_STRANDED=f7c9c6d2-81d7-5ff4-9f42-8ab129bb12f0
MIGRATE_DEFAULT=11111111-2222-3333-4444-555555555555

MIGRATE_NAMES=("" initial workspace_uuid workspace_uuid workspace_uuid workspace_uuid)
# Named to field_history and migrate_history.
# shellcheck disable=SC2034
MIGRATE_SUMS_PG=("" 1555104749697885330 5107166382908415376 12265873161753847360 7690711644200586011
	17336130515191312461)
# shellcheck disable=SC2034
MIGRATE_SUMS_CRDB=("" 17991336279505689148 17483577594816204525 10265038613273781189 14756462545658350566
	8147445182808260062)

migrate()
{
	local url=$1 name
	local -a words
	shift

	words=(exec)
	[ -n "${MIGRATE_EXEC:-}" ] || words=(timeout --foreground "${MIGRATE_PATIENCE:-120}")
	words+=(env -i "PATH=$PATH" "HOME=${HOME:-/}" HULY_TOKEN_SECRET=test "HULY_DB_CONNECTION=$url")
	for name in ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS TSAN_OPTIONS; do
		[ -z "${!name:-}" ] || words+=("$name=${!name}")
	done
	while [[ ${1:-} == HULY_*=* ]]; do
		words+=("$1")
		shift
	done
	"${words[@]}" "$HULYKVS_BUILD/hulykvs-migrate" "$@"
}

# The rows of a history table, one a line, without the time.
migrate_history()
{
	local -n sums=$1
	local version

	for version in $(seq "$2"); do
		echo "$version|${MIGRATE_NAMES[version]}|${sums[version]}"
	done
}

field_history()
{
	local db=$1 table=$2 sums_name=$3 n=$4
	local -n sums=$sums_name
	local version

	pg_sql "$db" -c "create table hulykvs.$table (version int4 primary key, name varchar(255),
		applied_on varchar(255), checksum varchar(255))"
	for version in $(seq "$n"); do
		pg_sql "$db" -c "insert into hulykvs.$table values ($version, '${MIGRATE_NAMES[version]}',
			'2025-03-04T05:06:0$version.123456789Z', '${sums[version]}')"
	done
}

# $2: the type of a value.
field_table()
{
	pg_sql "$1" <<-SQL
		create table hulykvs.kvs (namespace text not null, key text not null, md5 $2 not null,
			value $2 not null, primary key (namespace, key));
		insert into hulykvs.kvs select 'ns' || n % 3, 'key ' || n || ' <é@x>', decode(md5(n::text), 'hex'),
			decode(repeat(md5(n::text), 4), 'hex') from generate_series(1, 40) as n;
	SQL
}

field_alter()
{
	case $2 in
	2) pg_sql "$1" -c "alter table hulykvs.kvs add workspace uuid not null default '$MIGRATE_STRANDED'" ;;
	3) pg_sql "$1" -c "alter table hulykvs.kvs drop constraint kvs_pkey,
		add constraint kvs_pkey primary key (workspace, namespace, key)" ;;
	4) pg_sql "$1" -c "alter table hulykvs.kvs alter workspace drop default" \
		-c "update hulykvs.kvs set workspace = '$MIGRATE_DEFAULT'" ;;
	esac
}

field_original()
{
	local db=$1 version=$2 history=${3:-$2} step

	pg_sql "$db" -c 'create schema hulykvs'
	[ "$history" -eq 0 ] || field_history "$db" migrations_pg MIGRATE_SUMS_PG "$history"
	[ "$version" -eq 0 ] || field_table "$db" bytea
	for step in $(seq 2 "$version"); do
		field_alter "$db" "$step"
	done
}

field_old()
{
	# shellcheck disable=SC2034
	local MIGRATE_SUMS_OLD=("" 12345678901234567890)

	pg_sql "$1" -c 'create schema hulykvs' -c 'create domain hulykvs.bytes as bytea'
	field_history "$1" migrations MIGRATE_SUMS_OLD 1
	field_table "$1" hulykvs.bytes
}

field_rows()
{
	pg_sql "$1" -c "select count(*), md5(string_agg(concat_ws('|', namespace, key, md5, value), ','
		order by namespace, key collate \"C\")) from hulykvs.kvs"
}

# A server that was built without lz4 has neither the compression nor its step.
field_wanted()
{
	if [ "$(pg_sql "$1" -c "select 'lz4' = any (enumvals) from pg_settings
		where name = 'default_toast_compression'")" = t ]; then
		cat
	else
		sed -e '/^3|/d' -e 's/^l$//'
	fi
}

field_ok()
{
	local found

	found=$(pg_sql "$1" <<-'SQL'
		select string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), c.collname,
			case when a.attnotnull then 'not null' end, pg_get_expr(d.adbin, d.adrelid)), E'\n' order by a.attname)
		from pg_attribute as a
		left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
		left join pg_collation as c on c.oid = a.attcollation
		where a.attrelid = 'hulykvs.kvs'::regclass and a.attnum > 0 and not a.attisdropped;
		select attcompression from pg_attribute where attrelid = 'hulykvs.kvs'::regclass and attname = 'value';
		select tgname from pg_trigger where tgrelid = 'hulykvs.kvs'::regclass and tgenabled = 'O';
		select conname, pg_get_constraintdef(oid) from pg_constraint
			where conrelid = 'hulykvs.kvs'::regclass and contype <> 'n';
		select count(*) from pg_index where indrelid = 'hulykvs.kvs'::regclass;
		select version, name from hulykvs.hulykvs_steps order by version;
	SQL
	)
	diff <(echo "$found") <(field_wanted "$1" <<-'TEXT'
		key text C not null
		md5 bytea not null
		modified timestamp with time zone now()
		namespace text default not null
		value bytea not null
		workspace uuid not null
		l
		hulykvs_modified
		kvs_pkey|PRIMARY KEY (workspace, namespace, key)
		1
		1|byte_order
		2|plain_bytes
		3|compression
		4|modified
	TEXT
	)
	diff <(pg_sql "$1" -c 'select version, name, checksum from hulykvs.migrations_pg order by version') \
		<(migrate_history MIGRATE_SUMS_PG 5)
}

# An English database: the hardest for byte order.
field_enter()
{
	DB=t$BATS_TEST_NUMBER
	# shellcheck disable=SC2034 # the tests read it
	URL=$(pg_db_en "$DB")
	PIDS=()
	MAIN=$PG_DIR
}

field_leave()
{
	local pid

	for pid in ${PIDS[@]+"${PIDS[@]}"}; do
		kill -CONT "$pid" 2>/dev/null || :
		kill "$pid" 2>/dev/null || :
	done
	[ "$PG_DIR" = "$MAIN" ] || pg_remove
	PG_DIR=$MAIN
	pg_sql postgres -c "drop database $DB with (force)"
}

field_fill()
{
	pg_sql "$DB" -c "insert into hulykvs.kvs (namespace, key, md5, value)
		select 'big', 'k' || n, '', convert_to(repeat('v', 100), 'UTF8') from generate_series(1, 40000) as n"
}
