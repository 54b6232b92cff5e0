-- SPDX-License-Identifier: EPL-2.0
-- The history of the original, which reads and writes it too.
create table if not exists {schema}.migrations_pg (
	version int4 primary key,
	name varchar(255),
	applied_on varchar(255),
	checksum varchar(255)
);
