-- SPDX-License-Identifier: EPL-2.0
-- What tells whether a row is the same in two databases, for rows after the key ($1, $2, $3), $4 at most, in the order
-- of bytes.  This is the order of its key.
select workspace, namespace, key, md5, md5(value), length(value)::int8, modified
  from {schema}.kvs{snapshot}
 where (workspace, namespace, key) > ($1::uuid, $2::text, $3::text)
 order by workspace, namespace, key
 limit $4::int8;
