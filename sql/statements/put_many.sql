-- SPDX-License-Identifier: EPL-2.0
-- modified is the time at which the row is written, not that of the transaction, which may have waited for a lock.
-- Many values at once, no key twice.
-- A division by zero means that the deadline $6 has passed: then nothing is written.
insert into {schema}.kvs (workspace, namespace, key, md5, value, modified)
select w.workspace, w.namespace, w.key, w.md5, w.value, clock_timestamp()
  from unnest($1, $2, $3, $4, $5) as w (workspace, namespace, key, md5, value)
    on conflict (workspace, namespace, key) do update
   set md5 = excluded.md5, value = excluded.value, modified = clock_timestamp()
returning 1 / (clock_timestamp() < $6)::int
