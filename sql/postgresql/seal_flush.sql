-- SPDX-License-Identifier: EPL-2.0
-- A commit that waits for the disk, and so for all before it.
set synchronous_commit = on;
update {schema}.kvs
   set value = value
 where workspace = '00000000-0000-0000-0000-000000000000' and namespace = 'hulykvs-keys';
