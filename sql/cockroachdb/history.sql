select version, applied_on from {schema}.migrations order by version;
