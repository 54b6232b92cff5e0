-- SPDX-License-Identifier: EPL-2.0
-- Rows after the key ($1, $2, $3), $4 at most, that were last written before $8; of the workspace $5, the namespace $6
-- ('' stands for all) and keys that begin with $7.  A null is not before anything.
select workspace, namespace, key, modified
  from {schema}.kvs
 where (nullif($5::text, '') is null or workspace = nullif($5::text, '')::uuid)
   and (nullif($6::text, '') is null or namespace = $6::text)
   and left(key, length($7::text)) = $7::text
   and not (workspace = '00000000-0000-0000-0000-000000000000' and namespace = 'hulykvs-keys')
   and (workspace, namespace, key) > ($1::uuid, $2::text, $3::text)
   and modified < $8::timestamptz
 order by workspace, namespace, key
 limit $4::int8;
