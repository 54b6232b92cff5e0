-- SPDX-License-Identifier: EPL-2.0
-- A division by zero means that the deadline $4 has passed: then nothing is written.
-- Unlike sql/statements/delete.sql, the deadline is not looked at in "returning": an expression there that may fail
-- makes CockroachDB commit in a round trip of its own.
delete from {schema}.kvs
 where workspace = $1 and namespace = $2 and key = $3
   and 1 / (clock_timestamp() < $4)::int = 1
