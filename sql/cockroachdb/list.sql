-- SPDX-License-Identifier: EPL-2.0
-- The order of text is that of its bytes here, without "collate".
-- $3 is the first key that may be in the list; $4 is the largest number of keys.
select key
  from {schema}.kvs
 where workspace = $1 and namespace = $2 and key >= $3
 order by key
 limit $4
