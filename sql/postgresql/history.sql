-- SPDX-License-Identifier: EPL-2.0
select version, applied_on from {schema}.migrations_pg order by version;
