-- SPDX-License-Identifier: EPL-2.0
-- The namespaces after $2, at most $3 of them: each is found from the one before, by one look into the index.
with recursive page (namespace, place) as (
	(select namespace, 1::int8
	   from {schema}.kvs
	  where workspace = $1 and namespace > $2
	  order by namespace
	  limit 1)
	union all
	select following.namespace, page.place + 1
	  from page
	 cross join lateral (select k.namespace
	                       from {schema}.kvs as k
	                      where k.workspace = $1 and k.namespace > page.namespace
	                      order by k.namespace
	                      limit 1) as following
	 where page.place < $3
)
select namespace
  from page
 order by place
