-- SPDX-License-Identifier: EPL-2.0
-- Set by each update that does not set the column itself.
alter table {schema}.kvs alter column modified set on update now();
