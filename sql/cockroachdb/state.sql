-- SPDX-License-Identifier: EPL-2.0
-- What is there; $1: the schema.  $2, a number of bytes, is used on PostgreSQL only.
select
	exists (select 1 from information_schema.schemata as s where s.schema_name = $1::text) as has_schema,
	exists (
		select 1 from information_schema.tables as t
		where t.table_schema = $1::text and t.table_name = 'kvs'
	) as has_table,
	exists (
		select 1 from information_schema.columns as c
		where c.table_schema = $1::text and c.table_name = 'kvs' and c.column_name = 'workspace'
	) as has_workspace,
	exists (
		select 1 from information_schema.columns as c
		where c.table_schema = $1::text and c.table_name = 'kvs' and c.column_name = 'workspace'
		  and c.column_default is not null
	) as has_default,
	coalesce((
		select string_agg(u.column_name::text, ',' order by u.ordinal_position)
		from information_schema.table_constraints as t
		join information_schema.key_column_usage as u
			on u.table_schema = t.table_schema and u.table_name = t.table_name
			and u.constraint_name = t.constraint_name
		where t.table_schema = $1::text and t.table_name = 'kvs'
		  and t.constraint_type = 'PRIMARY KEY'
	), '') as primary_key,
	exists (
		select 1 from pg_catalog.pg_indexes as i
		where i.schemaname = $1::text and i.tablename = 'kvs'
		  and i.indexname = 'kvs_namespace_key_key'
	) as has_old_index,
	true as key_by_bytes,
	true as plain_bytes,
	$2::int8 < 0 as is_large,
	'none' as index_v3,
	'none' as index_s1,
	false as can_lz4,
	false as has_lz4,
	exists (
		select 1 from information_schema.columns as c
		where c.table_schema = $1::text and c.table_name = 'kvs' and c.column_name = 'modified'
		  and c.column_default is not null
	) as has_modified,
	exists (
		select 1 from information_schema.tables as t
		where t.table_schema = $1::text and t.table_name = 'migrations'
	) as has_history,
	exists (
		select 1 from information_schema.tables as t
		where t.table_schema = $1::text and t.table_name = 'hulykvs_steps'
	) as has_steps,
	false as has_old_history;
