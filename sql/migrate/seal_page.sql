-- SPDX-License-Identifier: EPL-2.0
-- A page of rows after the key ($1, $2, $3), in its order: at most $4 rows, and of those whose value is wanted at most
-- $5 bytes of values, unless the first one has more.  Wanted are values that begin with $6 or, where $7 is false, do not;
-- only in the namespaces $8 (names with commas between them, or all), but sealed ones in all.
with page as (
	select workspace, namespace, key, md5, value, wanted,
		sum(case when wanted then length(value) else 0 end) over w as total,
		row_number() over w as number
	from (
		select workspace, namespace, key, md5, value,
			(substring(value for length($6::bytea)) = $6::bytea) = $7::boolean
			and ($8::text = 'all' or namespace = any (string_to_array($8::text, ','))
				or substring(value for 8) = '\x89484b565345414c'::bytea) as wanted
		from {schema}.kvs
		where (workspace, namespace, key) > ($1::uuid, $2::text, $3::text)
		order by workspace, namespace, key
		limit $4::int8
	) as behind
	window w as (order by workspace, namespace, key)
)
select workspace, namespace, key, md5, substring(value for 26), case when wanted then value end
from page
where number = 1 or total <= $5::int8
order by workspace, namespace, key;
