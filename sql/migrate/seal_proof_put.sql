-- SPDX-License-Identifier: EPL-2.0
-- Leaves the proof of a key, unless there is one.
insert into {schema}.kvs (workspace, namespace, key, md5, value)
values ($1::uuid, $2::text, $3::text, $4::bytea, $5::bytea)
on conflict (workspace, namespace, key) do nothing;
