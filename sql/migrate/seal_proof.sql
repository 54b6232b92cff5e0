-- SPDX-License-Identifier: EPL-2.0
-- The proof of a key, see store_sealed.h.
select md5, value
  from {schema}.kvs
 where workspace = $1::uuid and namespace = $2::text and key = $3::text;
