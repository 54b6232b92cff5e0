-- SPDX-License-Identifier: EPL-2.0
-- The columns of the primary key of kvs, in order, null where it has none; whether workspace still has the default
-- that it gets while rows move, null where it does not; and the column modified, null where it is missing.
select (select string_agg(a.attname, ',' order by k.position)
          from pg_catalog.pg_constraint c
         cross join lateral unnest(c.conkey) with ordinality as k (attnum, position)
          join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum
         where c.contype = 'p' and c.conrelid = t.oid),
       (select a.attname
          from pg_catalog.pg_attribute a
         where a.attrelid = t.oid and a.attname = 'workspace' and a.atthasdef),
       (select a.attname
          from pg_catalog.pg_attribute a
         where a.attrelid = t.oid and a.attname = 'modified' and not a.attisdropped)
  from pg_catalog.pg_class t
  join pg_catalog.pg_namespace n on n.oid = t.relnamespace
 where n.nspname = $1 and t.relname = 'kvs'
