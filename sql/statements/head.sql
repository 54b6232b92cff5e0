-- SPDX-License-Identifier: EPL-2.0
-- A row of another program's may hold no MD5: then the value's own is taken, as GET does.
-- The third column: whether the value looks sealed, see store.h.
select case length(md5) when 16 then md5 else decode(md5(value), 'hex') end, length(value)::int8,
       case when substring(value for 8) = decode('89484b565345414c', 'hex')
            then md5 <> decode(md5(value), 'hex') else false end, modified
  from {schema}.kvs
 where workspace = $1 and namespace = $2 and key = $3
