-- SPDX-License-Identifier: EPL-2.0
-- $3 is the first key that may be in the list; $4 is the largest number of keys.
select key
  from {schema}.kvs
 where workspace = $1 and namespace = $2 and key collate "C" >= $3
 order by key collate "C"
 limit $4
