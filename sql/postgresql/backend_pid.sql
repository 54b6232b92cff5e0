-- SPDX-License-Identifier: EPL-2.0
-- Compared with the process id that libpq got when it connected: a connection pooler gives another one.
select pg_backend_pid();
