-- SPDX-License-Identifier: EPL-2.0
-- On a large table the index is there already (V3_index) and only changes its
-- place.  The first statement takes the strongest lock of the three: an
-- upgrade could end in a deadlock with the traffic.  The key may have another
-- name, as in a copy of the table, and kvs_pkey be that of the copied one.
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
create unique index if not exists kvs_pkey_v3 on {schema}.kvs (workspace, namespace, key);
do $step$
declare
	kvs constant regclass := $kvs${schema}.kvs$kvs$;
	taken constant boolean := exists (
		select 1 from pg_catalog.pg_class as k
		join pg_catalog.pg_class as other on other.relnamespace = k.relnamespace and other.relname = 'kvs_pkey'
		where k.oid = kvs
	);
begin
	execute format('alter table %s add constraint %I primary key using index kvs_pkey_v3',
		kvs, case when taken then 'kvs_primary_key' else 'kvs_pkey' end);
end
$step$;
