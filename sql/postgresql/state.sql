-- SPDX-License-Identifier: EPL-2.0
-- What is there, from the catalogue; $1: the schema, $2: bytes from which on
-- a table counts as large.
select
	s.oid is not null as has_schema,
	k.oid is not null as has_table,
	w.attnum is not null as has_workspace,
	coalesce(w.atthasdef, false) as has_default,
	coalesce((
		select string_agg(a.attname, ',' order by i.place)
		from pg_catalog.pg_index as x
		cross join lateral unnest(x.indkey::int2[]) with ordinality as i (attnum, place)
		join pg_catalog.pg_attribute as a on a.attrelid = x.indrelid and a.attnum = i.attnum
		where x.indrelid = k.oid and x.indisprimary and i.place <= x.indnkeyatts
	), '') as primary_key,
	false as has_old_index, -- CockroachDB's only
	coalesce(y.attcollation = 'pg_catalog."C"'::regcollation, false) as key_by_bytes,
	(
		select count(*) from pg_catalog.pg_attribute as b
		where b.attrelid = k.oid and b.attname in ('md5', 'value')
		  and b.atttypid = 'pg_catalog.bytea'::regtype
	) = 2 as plain_bytes,
	coalesce(pg_relation_size(k.oid) >= $2::int8, false) as is_large,
	coalesce((
		select case when x.indisvalid then 'valid' else 'invalid' end
		from pg_catalog.pg_class as c join pg_catalog.pg_index as x on x.indexrelid = c.oid
		where c.relnamespace = s.oid and c.relname = 'kvs_pkey_v3'
		  and x.indrelid = k.oid and not x.indisprimary
	), 'none') as index_v3,
	coalesce((
		select case when x.indisvalid then 'valid' else 'invalid' end
		from pg_catalog.pg_class as c join pg_catalog.pg_index as x on x.indexrelid = c.oid
		where c.relnamespace = s.oid and c.relname = 'kvs_pkey_s1'
		  and x.indrelid = k.oid and not x.indisprimary
	), 'none') as index_s1,
	exists (
		select 1 from pg_catalog.pg_settings as g
		where g.name = 'default_toast_compression' and 'lz4' = any (g.enumvals)
	) as can_lz4,
	coalesce(to_jsonb(v) ->> 'attcompression' = 'l', false) as has_lz4,
	coalesce(m.atthasdef, false) and exists (
		select 1 from pg_catalog.pg_trigger as g
		where g.tgrelid = k.oid and g.tgname = 'hulykvs_modified' and g.tgenabled <> 'D'
	) as has_modified,
	exists (
		select 1 from pg_catalog.pg_class as c
		where c.relnamespace = s.oid and c.relname = 'migrations_pg'
	) as has_history,
	exists (
		select 1 from pg_catalog.pg_class as c
		where c.relnamespace = s.oid and c.relname = 'hulykvs_steps'
	) as has_steps,
	exists (
		select 1 from pg_catalog.pg_class as c
		where c.relnamespace = s.oid and c.relname = 'migrations'
	) as has_old_history
from (values ($1::name)) as wanted (name)
left join pg_catalog.pg_namespace as s on s.nspname = wanted.name
left join pg_catalog.pg_class as k
	on k.relnamespace = s.oid and k.relname = 'kvs' and k.relkind in ('r', 'p')
left join pg_catalog.pg_attribute as w
	on w.attrelid = k.oid and w.attname = 'workspace' and not w.attisdropped
left join pg_catalog.pg_attribute as y
	on y.attrelid = k.oid and y.attname = 'key' and not y.attisdropped
left join pg_catalog.pg_attribute as v
	on v.attrelid = k.oid and v.attname = 'value' and not v.attisdropped
left join pg_catalog.pg_attribute as m
	on m.attrelid = k.oid and m.attname = 'modified' and not m.attisdropped;
