select version, applied_on from {schema}.hulykvs_steps order by version;
