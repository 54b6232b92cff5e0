-- SPDX-License-Identifier: EPL-2.0
-- Rows of an export after the key ($1, $2, $3), in its order: $4 at most; of the workspace $5 and the namespace $6,
-- where '' stands for all.  $7: whether the proofs of keys are among them, see src/store/seal.h.
select workspace, namespace, key, md5, value, modified
  from {schema}.kvs{snapshot}
 where (workspace, namespace, key) > ($1::uuid, $2::text, $3::text)
   and (nullif($5::text, '') is null or workspace = nullif($5::text, '')::uuid)
   and (nullif($6::text, '') is null or namespace = $6::text)
   and ($7::bool or not (workspace = '00000000-0000-0000-0000-000000000000' and namespace = 'hulykvs-keys'))
 order by workspace, namespace, key
 limit $4::int8;
