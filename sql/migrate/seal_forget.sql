-- SPDX-License-Identifier: EPL-2.0
-- Deletes the proofs of keys, with $1 and $2 for their place, and no other row there: a proof is a value that begins as
-- one that the key of this id has sealed (see src/store/seal.h).
delete from {schema}.kvs
 where workspace = $1::uuid and namespace = $2::text and octet_length(key) between 1 and 16
   and substring(value for 10 + octet_length(key)) =
	decode('89484b565345414c01' || lpad(to_hex(octet_length(key)), 2, '0'), 'hex') || convert_to(key, 'UTF8');
