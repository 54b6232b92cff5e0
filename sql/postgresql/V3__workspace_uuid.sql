-- On a large table the index is there already (V3_index) and only changes its
-- place.  The first statement takes the strongest lock of the three: an
-- upgrade could end in a deadlock with the traffic.
alter table {schema}.kvs drop constraint if exists kvs_pkey;
create unique index if not exists kvs_pkey_v3 on {schema}.kvs (workspace, namespace, key);
alter table {schema}.kvs add constraint kvs_pkey primary key using index kvs_pkey_v3;
