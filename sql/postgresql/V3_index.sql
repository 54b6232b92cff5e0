-- SPDX-License-Identifier: EPL-2.0
create unique index concurrently kvs_pkey_v3 on {schema}.kvs (workspace, namespace, key);
