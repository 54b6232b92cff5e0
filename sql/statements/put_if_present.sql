-- SPDX-License-Identifier: EPL-2.0
update {schema}.kvs
   set md5 = $4, value = $5
 where workspace = $1 and namespace = $2 and key = $3
