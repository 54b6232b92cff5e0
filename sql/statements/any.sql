-- SPDX-License-Identifier: EPL-2.0
-- Whether the namespace has any key.
select 1
  from {schema}.kvs
 where workspace = $1 and namespace = $2
 limit 1
