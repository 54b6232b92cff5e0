-- SPDX-License-Identifier: EPL-2.0
select md5, value, modified
  from {schema}.kvs
 where workspace = $1 and namespace = $2 and key = $3
