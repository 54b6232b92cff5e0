-- SPDX-License-Identifier: EPL-2.0
-- A division by zero means that the deadline $1 has passed: then the commit that follows does not run.
select 1 / (clock_timestamp() < $1)::int
