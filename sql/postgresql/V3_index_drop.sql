-- What an interrupted build leaves behind.
drop index concurrently if exists {schema}.kvs_pkey_v3;
