-- SPDX-License-Identifier: EPL-2.0
insert into {schema}.kvs (workspace, namespace, key, md5, value)
values ($1, $2, $3, $4, $5)
    on conflict (workspace, namespace, key) do nothing
