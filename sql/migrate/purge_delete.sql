-- SPDX-License-Identifier: EPL-2.0
-- Deletes the rows that nobody has written since they were read.
delete from {schema}.kvs
 where (workspace, namespace, key, modified) in (
	select g.workspace, g.namespace, g.key, g.modified
	  from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) as g (workspace, namespace, key, modified));
