-- SPDX-License-Identifier: EPL-2.0
-- How many rows are older than $4, how many are not, and of how many nobody knows; of the workspace $1, the namespace $2
-- ('' stands for all) and keys that begin with $3.
select count(*) filter (where modified < $4::timestamptz), count(*) filter (where modified >= $4::timestamptz),
	count(*) filter (where modified is null)
  from {schema}.kvs
 where (nullif($1::text, '') is null or workspace = nullif($1::text, '')::uuid)
   and (nullif($2::text, '') is null or namespace = $2::text)
   and left(key, length($3::text)) = $3::text
   and not (workspace = '00000000-0000-0000-0000-000000000000' and namespace = 'hulykvs-keys');
