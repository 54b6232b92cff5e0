-- SPDX-License-Identifier: EPL-2.0
insert into {schema}.migrations_pg (version, name, applied_on, checksum)
values ($1::int4, $2::varchar, $3::varchar, $4::varchar);
