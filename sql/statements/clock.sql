-- SPDX-License-Identifier: EPL-2.0
-- The time by which deadlines of writes are judged.
select clock_timestamp()
