-- SPDX-License-Identifier: EPL-2.0
-- A row that is still as it was read.
update {schema}.kvs
   set md5 = $4, value = $5
 where workspace = $1 and namespace = $2 and key = $3 and md5 = $6 and value = $7
