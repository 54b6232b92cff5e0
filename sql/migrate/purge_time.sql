-- SPDX-License-Identifier: EPL-2.0
-- The time that lies $1 seconds back, by the clock that the times of rows come from.
select (now() - $1::int8 * interval '1 second')::text;
