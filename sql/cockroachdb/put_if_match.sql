-- SPDX-License-Identifier: EPL-2.0
-- modified is the time at which the row is written, not that of the transaction, which may have waited for a lock.
-- The tag is that of head.sql.
-- A division by zero means that the deadline $7 has passed: then nothing is written.
-- Unlike sql/statements/put_if_match.sql, the deadline is not looked at in "returning": an expression there that may fail
-- makes CockroachDB commit in a round trip of its own.
update {schema}.kvs
   set md5 = $4, value = $5, modified = clock_timestamp()
 where workspace = $1 and namespace = $2 and key = $3
   and case length(md5) when 16 then md5 else decode(md5(value), 'hex') end = any ($6)
   and 1 / (clock_timestamp() < $7)::int = 1
