-- SPDX-License-Identifier: EPL-2.0
-- Moves the row ($3, $4) from workspace $1 to workspace $2.  It stays where it is if there is a row of that name, or if
-- its value is sealed: a sealed value opens in its own workspace only.  The time of its last write stays: without its own
-- name, `on update` sets it.
update {schema}.kvs
   set workspace = $2, modified = modified
 where workspace = $1 and namespace = $3 and key = $4
   and substring(value for 8) <> decode('89484b565345414c', 'hex')
   and not exists (
	select 1
	  from {schema}.kvs as taken
	 where taken.workspace = $2 and taken.namespace = $3 and taken.key = $4
   )
