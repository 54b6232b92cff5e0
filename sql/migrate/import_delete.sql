-- SPDX-License-Identifier: EPL-2.0
-- Deletes the rows that still have this column md5.
delete from {schema}.kvs
 where (workspace, namespace, key, md5) in (
	select g.workspace, g.namespace, g.key, g.md5
	  from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[]) as g (workspace, namespace, key, md5));
