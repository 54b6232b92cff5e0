-- Keys in byte order, whatever the collation of the database, also after a
-- dump is read into another one.  A new collation rewrites no row, but it
-- does rebuild the indexes of the column, unless they have that collation
-- already: on a large table the index is built before (S1_index) and only
-- changes its place here.
alter table {schema}.kvs drop constraint if exists kvs_pkey;
create unique index if not exists kvs_pkey_s1 on {schema}.kvs (workspace, namespace, key collate "C");
alter table {schema}.kvs alter column key type text collate "C";
alter table {schema}.kvs add constraint kvs_pkey primary key using index kvs_pkey_s1;
