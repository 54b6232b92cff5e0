-- SPDX-License-Identifier: EPL-2.0
-- modified is the time at which the row is written, not that of the transaction, which may have waited for a lock.
-- A division by zero means that the deadline $6 has passed: then nothing is written.
insert into {schema}.kvs (workspace, namespace, key, md5, value, modified)
values ($1, $2, $3, $4, $5, clock_timestamp())
    on conflict (workspace, namespace, key) do nothing
returning 1 / (clock_timestamp() < $6)::int
