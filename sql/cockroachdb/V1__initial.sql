-- SPDX-License-Identifier: EPL-2.0
-- The table as it was at first: one key space for all workspaces.
create table if not exists {schema}.kvs (
	namespace string not null,
	key string not null,
	md5 bytes not null,
	value bytes not null,
	primary key (namespace, key)
);
