-- SPDX-License-Identifier: EPL-2.0
-- Held by one migrator of a schema at a time, until its session ends; $1: the schema.
select pg_try_advisory_lock(hashtextextended('hulykvs-migrate:' || $1::text, 0));
