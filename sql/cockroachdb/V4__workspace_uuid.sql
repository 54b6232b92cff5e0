-- SPDX-License-Identifier: EPL-2.0
alter table {schema}.kvs alter column workspace drop default;
