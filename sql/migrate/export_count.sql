-- SPDX-License-Identifier: EPL-2.0
-- The number of rows of an export; $1, $2, $3 as $5, $6, $7 of export.sql.
select count(*)
  from {schema}.kvs{snapshot}
 where (nullif($1::text, '') is null or workspace = nullif($1::text, '')::uuid)
   and (nullif($2::text, '') is null or namespace = $2::text)
   and ($3::bool or not (workspace = '00000000-0000-0000-0000-000000000000' and namespace = 'hulykvs-keys'));
