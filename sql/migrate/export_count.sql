-- SPDX-License-Identifier: EPL-2.0
-- The number of rows of an export; $1, $2, $3 as $5, $6, $7 of export.sql.  The row that export.sql begins after is no
-- client's: nobody has its workspace.
select count(*)
  from {schema}.kvs{snapshot}
 where (workspace, namespace, key) > ('00000000-0000-0000-0000-000000000000', '', '')
   and (nullif($1::text, '') is null or workspace = nullif($1::text, '')::uuid)
   and (nullif($2::text, '') is null or namespace = $2::text)
   and ($3::bool or not (workspace = '00000000-0000-0000-0000-000000000000' and namespace = 'hulykvs-keys'));
