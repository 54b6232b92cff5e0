-- SPDX-License-Identifier: EPL-2.0
-- The workspaces from $1 on, at most $2 of them, found as in namespaces.sql.  The one of all zeros comes first, if it
-- has another namespace than $3, which is hidden there.
with recursive page (workspace, place) as (
	(select workspace, 1::int8
	   from {schema}.kvs
	  where workspace >= $1 and (workspace > '00000000-0000-0000-0000-000000000000' or namespace <> $3)
	  order by workspace
	  limit 1)
	union all
	select following.workspace, page.place + 1
	  from page
	 cross join lateral (select k.workspace
	                       from {schema}.kvs as k
	                      where k.workspace > page.workspace
	                      order by k.workspace
	                      limit 1) as following
	 where page.place < $2
)
select workspace::text
  from page
 order by place
