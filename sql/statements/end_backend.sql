-- A connection of ours that was given up under a write: what it has not committed yet, it shall not commit later.
select pg_catalog.pg_terminate_backend(pid)
  from pg_catalog.pg_stat_activity
 where pid = $1::int4 and pid <> pg_catalog.pg_backend_pid()
   and usename = current_user and datname = current_database()
   and application_name = pg_catalog.current_setting('application_name')
