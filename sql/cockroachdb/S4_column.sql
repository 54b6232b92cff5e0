-- SPDX-License-Identifier: EPL-2.0
-- Without a default, so that rows that are there get null.
alter table {schema}.kvs add column if not exists modified timestamptz;
