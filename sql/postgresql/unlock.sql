-- SPDX-License-Identifier: EPL-2.0
select pg_advisory_unlock(hashtextextended('hulykvs-migrate:' || $1::text, 0));
