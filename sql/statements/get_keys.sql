-- SPDX-License-Identifier: EPL-2.0
-- Many keys of one namespace at once, no key twice.  A key that is not there has no row.
select key, md5, value, modified
  from {schema}.kvs
 where workspace = $1 and namespace = $2 and key = any ($3)
