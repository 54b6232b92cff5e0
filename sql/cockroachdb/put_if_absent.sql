-- SPDX-License-Identifier: EPL-2.0
-- modified is the time at which the row is written, not that of the transaction, which may have waited for a lock.
-- A division by zero means that the deadline $6 has passed: then nothing is written.
-- Unlike sql/statements/put_if_absent.sql, the deadline is not looked at in "returning": an expression there that may fail
-- makes CockroachDB commit in a round trip of its own.
insert into {schema}.kvs (workspace, namespace, key, md5, value, modified)
select $1, $2, $3, $4, $5, clock_timestamp()
 where 1 / (clock_timestamp() < $6)::int = 1
    on conflict (workspace, namespace, key) do nothing
