-- SPDX-License-Identifier: EPL-2.0
-- Our own steps; the original stops at a row in its history that it does not know.
create table if not exists {schema}.hulykvs_steps (
	version int4 primary key,
	name text not null,
	applied_on text not null
);
