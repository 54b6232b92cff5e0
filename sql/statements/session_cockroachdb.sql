-- SPDX-License-Identifier: EPL-2.0
-- $1 in milliseconds; 0 is no limit.
select pg_catalog.set_config('statement_timeout', $1, false)
