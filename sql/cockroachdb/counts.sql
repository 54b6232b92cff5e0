-- SPDX-License-Identifier: EPL-2.0
-- The namespaces after $2, at most $3 of them, found as in namespaces.sql, and how many keys each has.
with recursive page (namespace, place) as (
	(select namespace, 1::int8
	   from {schema}.kvs
	  where workspace = $1 and namespace > $2
	  order by namespace
	  limit 1)
	union all
	(select k.namespace, page.place + 1
	   from page, {schema}.kvs as k
	  where k.workspace = $1 and k.namespace > page.namespace and page.place < $3
	  order by k.namespace
	  limit 1)
)
select page.namespace, (select count(*) from {schema}.kvs as k where k.workspace = $1 and k.namespace = page.namespace)
  from page
 order by page.place
