-- SPDX-License-Identifier: EPL-2.0
-- modified is the time at which the row is written, not that of the transaction, which may have waited for a lock.
-- A division by zero means that the deadline $6 has passed: then nothing is written.
update {schema}.kvs
   set md5 = $4, value = $5, modified = clock_timestamp()
 where workspace = $1 and namespace = $2 and key = $3
returning 1 / (clock_timestamp() < $6)::int
