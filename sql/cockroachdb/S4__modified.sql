-- SPDX-License-Identifier: EPL-2.0
-- The time of a row's last write; null: before this step.  Runs after S4_column and S4_on_update: with a default, the
-- column has all that it needs.
alter table {schema}.kvs alter column modified set default now();
