-- SPDX-License-Identifier: EPL-2.0
-- The proofs of all keys, with $1 and $2 for where they stand.
delete from {schema}.kvs
 where workspace = $1::uuid and namespace = $2::text;
