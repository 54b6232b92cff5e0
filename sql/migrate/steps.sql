-- SPDX-License-Identifier: EPL-2.0
select version, applied_on from {schema}.hulykvs_steps order by version;
