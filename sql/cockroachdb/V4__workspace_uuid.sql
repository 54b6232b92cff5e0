alter table {schema}.kvs alter column workspace drop default;
