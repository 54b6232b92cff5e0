-- SPDX-License-Identifier: EPL-2.0
-- Leaves the old key behind as the unique index kvs_namespace_key_key.
alter table {schema}.kvs alter primary key using columns (workspace, namespace, key);
