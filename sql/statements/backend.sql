-- SPDX-License-Identifier: EPL-2.0
select pg_catalog.pg_backend_pid()
