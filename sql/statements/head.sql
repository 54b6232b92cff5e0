select md5, length(value)::int8
  from {schema}.kvs
 where workspace = $1 and namespace = $2 and key = $3
