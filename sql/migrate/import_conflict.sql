-- SPDX-License-Identifier: EPL-2.0
-- The place in the arrays of the first row that is there with another value; 0: none is.
select coalesce(min(g.n), 0)
  from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[]) with ordinality
	as g (workspace, namespace, key, md5, value, n)
  join {schema}.kvs as k
    on k.workspace = g.workspace and k.namespace = g.namespace and k.key = g.key
 where (k.md5 <> g.md5 or k.value <> g.value)
   and not (k.workspace = '00000000-0000-0000-0000-000000000000' and k.namespace = 'hulykvs-keys');
