-- SPDX-License-Identifier: EPL-2.0
-- One row: who migrates.  Advisory locks do nothing here.
create table if not exists {schema}.hulykvs_lease (
	id int4 primary key,
	holder text not null,
	expires_at timestamptz not null
);
