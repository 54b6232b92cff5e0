-- SPDX-License-Identifier: EPL-2.0
-- A time that statements can read the database as of.
select cluster_logical_timestamp()::text;
