select version, applied_on from {schema}.migrations_pg order by version;
