-- SPDX-License-Identifier: EPL-2.0
-- Moves a page of rows from workspace $1 to workspace $2: at most $5 rows from
-- the key ($3, $4) on; run again until a page has fewer.  A row whose place is
-- taken there stays where it is, and so does a sealed one, which opens in its
-- own workspace only.
-- Answers: rows in the page, rows moved, the page's last key.
with page as (
	select namespace, key
	from {schema}.kvs
	where workspace = $1::uuid and (namespace, key) >= ($3::text, $4::text)
	order by namespace, key
	limit $5::int8
), moved as (
	update {schema}.kvs as k
	set workspace = $2::uuid
	from page as p
	where k.workspace = $1::uuid and k.namespace = p.namespace and k.key = p.key
	  and substring(k.value for 8) <> decode('89484b565345414c', 'hex')
	  and not exists (
		select 1 from {schema}.kvs as taken
		where taken.workspace = $2::uuid and taken.namespace = p.namespace and taken.key = p.key
		offset 0 -- looked up row by row: statistics of a moment ago would have it read the whole table
	)
	returning k.key
)
select
	(select count(*) from page),
	(select count(*) from moved),
	(select namespace from page order by namespace desc, key desc limit 1),
	(select key from page order by namespace desc, key desc limit 1);
