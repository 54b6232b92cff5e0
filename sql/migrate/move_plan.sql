-- SPDX-License-Identifier: EPL-2.0
-- For --dry-run: what move_page and move_row do row by row, as one statement.
update {schema}.kvs as k
   set workspace = $2::uuid
 where k.workspace = $1::uuid
   and substring(k.value for 8) <> decode('89484b565345414c', 'hex')
   and not exists (
	select 1
	  from {schema}.kvs as taken
	 where taken.workspace = $2::uuid and taken.namespace = k.namespace and taken.key = k.key
   );
