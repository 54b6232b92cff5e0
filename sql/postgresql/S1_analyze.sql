-- SPDX-License-Identifier: EPL-2.0
-- The change of the collation dropped the column's statistics.  Those of an empty table would have the planner believe
-- that it stays empty, and read all of it.
do $step$
begin
	if exists (select 1 from {schema}.kvs) then
		analyze {schema}.kvs (key);
	end if;
end
$step$;
