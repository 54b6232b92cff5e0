-- SPDX-License-Identifier: EPL-2.0
-- A row that is still as it was read.  The time of its last write stays: without its own name, `on update` sets it.
update {schema}.kvs
   set md5 = $4, value = $5, modified = modified
 where workspace = $1 and namespace = $2 and key = $3 and md5 = $6 and value = $7
