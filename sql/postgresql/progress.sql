-- SPDX-License-Identifier: EPL-2.0
-- How far the index build of backend $1 is.
select phase, greatest(blocks_done, tuples_done), greatest(blocks_total, tuples_total)
from pg_catalog.pg_stat_progress_create_index
where pid = $1::int4;
