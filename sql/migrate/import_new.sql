-- SPDX-License-Identifier: EPL-2.0
-- Rows of an import that are not there yet.
insert into {schema}.kvs (workspace, namespace, key, md5, value, modified)
select g.workspace, g.namespace, g.key, g.md5, g.value, g.modified
  from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[], $6::timestamptz[])
	as g (workspace, namespace, key, md5, value, modified)
    on conflict (workspace, namespace, key) do nothing;
