-- SPDX-License-Identifier: EPL-2.0
alter table {schema}.kvs
	add column if not exists workspace uuid not null default 'f7c9c6d2-81d7-5ff4-9f42-8ab129bb12f0';
