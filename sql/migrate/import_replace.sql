-- SPDX-License-Identifier: EPL-2.0
-- Rows of an import; of those that are there, only what differs is written.  A proof of a key stays as it is.
insert into {schema}.kvs (workspace, namespace, key, md5, value, modified)
select g.workspace, g.namespace, g.key, g.md5, g.value, g.modified
  from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[], $6::timestamptz[])
	as g (workspace, namespace, key, md5, value, modified)
    on conflict (workspace, namespace, key) do update
   set md5 = excluded.md5, value = excluded.value, modified = excluded.modified
 where (kvs.md5 <> excluded.md5 or kvs.value <> excluded.value or kvs.modified is distinct from excluded.modified)
   and not (kvs.workspace = '00000000-0000-0000-0000-000000000000' and kvs.namespace = 'hulykvs-keys');
