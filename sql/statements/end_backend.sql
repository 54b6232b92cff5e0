-- SPDX-License-Identifier: EPL-2.0
-- A connection of ours that was given up under a write: what it has not committed yet, it shall not commit later.
-- As the user that logged in, whatever role the connection string has set: that is whose the backend is.
select pg_catalog.pg_terminate_backend(a.pid)
  from (select pg_catalog.set_config('role', 'none', true) as role offset 0) as own
  join pg_catalog.pg_stat_activity as a
    on own.role = 'none'
 where a.pid = $1::int4 and a.pid <> pg_catalog.pg_backend_pid()
   and a.usename = session_user and a.datname = current_database()
   and a.application_name = pg_catalog.current_setting('application_name')
