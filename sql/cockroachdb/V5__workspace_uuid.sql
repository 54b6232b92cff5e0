-- SPDX-License-Identifier: EPL-2.0
-- Two workspaces may now use the same namespace and key; unique, hence cascade.
drop index if exists {schema}.kvs@kvs_namespace_key_key cascade;
