-- SPDX-License-Identifier: EPL-2.0
-- Many keys at once; n is a key's place in the arrays.  A key that is not there has no row.
select w.n, k.md5, k.value, k.modified
  from unnest($1, $2, $3) with ordinality as w (workspace, namespace, key, n)
  join {schema}.kvs as k
    on k.workspace = w.workspace and k.namespace = w.namespace and k.key = w.key
