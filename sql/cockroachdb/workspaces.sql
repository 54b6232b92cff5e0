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
	(select k.workspace, page.place + 1
	   from page, {schema}.kvs as k
	  where k.workspace > page.workspace and page.place < $2
	  order by k.workspace
	  limit 1)
)
select workspace::text
  from page
 order by place
