-- SPDX-License-Identifier: EPL-2.0
-- The order of text is that of its bytes here, without "collate".
-- $3 is the first key that may be in the list, $7 the first one after it; $4 is the largest number of keys; $5: with values.
-- The list ends with the value that reaches $6 bytes: what follows is not sent.
-- A value that looks sealed comes in any case, since its size and MD5 are only known when it was opened, see store.h.
-- The tag is that of head.sql, but as it is stored if the value looks sealed.
select key, tag, length, modified, case when $5 or looks_sealed then value end
  from (select key, value, modified, length(value)::int8 as length,
               substring(value for 8) = decode('89484b565345414c', 'hex') as looks_sealed,
               case when length(md5) = 16 or substring(value for 8) = decode('89484b565345414c', 'hex')
                    then md5 else decode(md5(value), 'hex') end as tag,
               sum(length(value)) over (order by key rows unbounded preceding) - length(value) as before
          from {schema}.kvs
         where workspace = $1 and namespace = $2 and key >= $3 and key < $7
         order by key
         limit $4) as page
 where before < $6
 order by key
