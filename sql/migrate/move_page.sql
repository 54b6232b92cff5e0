-- SPDX-License-Identifier: EPL-2.0
-- The keys of a page of rows of workspace $1: at most $4, in order, from the key ($2, $3) on.
select namespace, key
from {schema}.kvs
where workspace = $1::uuid and (namespace, key) >= ($2::text, $3::text)
order by namespace, key
limit $4::int8;
