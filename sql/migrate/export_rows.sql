-- SPDX-License-Identifier: EPL-2.0
-- The rows of these workspaces, namespaces and keys, as they are at the moment of the export.
select k.workspace, k.namespace, k.key, k.md5, k.value, k.modified
  from unnest($1::uuid[], $2::text[], $3::text[]) as g (workspace, namespace, key)
  join {schema}.kvs as k
    on k.workspace = g.workspace and k.namespace = g.namespace and k.key = g.key{snapshot};
