-- SPDX-License-Identifier: EPL-2.0
-- The columns of the primary key of kvs, in order, null where it has none; whether workspace still has the default
-- that it gets while rows move, null where it does not; and the column modified, null where it is missing.
-- Column numbers in pg_constraint may be out of date here.
select (select string_agg(u.column_name::text, ',' order by u.ordinal_position)
          from information_schema.table_constraints c
          join information_schema.key_column_usage u
            on u.table_schema = c.table_schema and u.table_name = c.table_name and u.constraint_name = c.constraint_name
         where c.table_schema = t.table_schema and c.table_name = t.table_name and c.constraint_type = 'PRIMARY KEY'),
       (select a.column_name::text
          from information_schema.columns a
         where a.table_schema = t.table_schema and a.table_name = t.table_name and a.column_name = 'workspace'
           and a.column_default is not null),
       (select a.column_name::text
          from information_schema.columns a
         where a.table_schema = t.table_schema and a.table_name = t.table_name and a.column_name = 'modified')
  from information_schema.tables t
 where t.table_schema = $1::text and t.table_name = 'kvs'
