-- SPDX-License-Identifier: EPL-2.0
-- Many keys of one namespace at once, no key twice.  A key that is not there has no row.
-- All values are null if together they have more than $4 bytes; a single one is always read.
select key, md5, case when sum(length(value)) over () <= $4 or count(*) over () = 1 then value end, modified
  from {schema}.kvs
 where workspace = $1 and namespace = $2 and key = any ($3)
