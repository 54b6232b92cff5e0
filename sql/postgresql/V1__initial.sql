-- SPDX-License-Identifier: EPL-2.0
-- The table as it was at first: one key space for all workspaces.
create table if not exists {schema}.kvs (
	namespace text not null,
	key text not null,
	md5 bytea not null,
	value bytea not null,
	primary key (namespace, key)
);
