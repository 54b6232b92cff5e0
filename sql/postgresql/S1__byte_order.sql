-- SPDX-License-Identifier: EPL-2.0
-- Keys in byte order, whatever the collation of the database, also after a
-- dump is read into another one.  A new collation rewrites no row, but it
-- does rebuild the indexes of the column, unless they have that collation
-- already: on a large table the index is built before (S1_index) and only
-- changes its place here.  About the key's name see V3.
do $step$
declare
	kvs constant regclass := $kvs${schema}.kvs$kvs$;
	found text := (select conname from pg_catalog.pg_constraint where conrelid = kvs and contype = 'p');
begin
	if found is not null then
		execute format('alter table %s drop constraint %I', kvs, found);
	end if;
end
$step$;
create unique index if not exists kvs_pkey_s1 on {schema}.kvs (workspace, namespace, key collate "C");
alter table {schema}.kvs alter column key type text collate "C";
do $step$
declare
	kvs constant regclass := $kvs${schema}.kvs$kvs$;
	taken constant boolean := exists (
		select 1 from pg_catalog.pg_class as k
		join pg_catalog.pg_class as other on other.relnamespace = k.relnamespace and other.relname = 'kvs_pkey'
		where k.oid = kvs
	);
begin
	execute format('alter table %s add constraint %I primary key using index kvs_pkey_s1',
		kvs, case when taken then 'kvs_primary_key' else 'kvs_pkey' end);
end
$step$;
