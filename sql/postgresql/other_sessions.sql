-- SPDX-License-Identifier: EPL-2.0
-- How many sessions of this database, without those whose process IDs are in $1, have our application_name, or hide
-- theirs from us.  Processes of the server itself have no user.
select count(*)
  from pg_catalog.pg_stat_activity
 where datname = pg_catalog.current_database()
   and usesysid is not null
   and pid <> all ($1::int4[])
   and coalesce(application_name, pg_catalog.current_setting('application_name')) =
       pg_catalog.current_setting('application_name')
