-- SPDX-License-Identifier: EPL-2.0
-- What another session can share our snapshot by.
select pg_catalog.pg_export_snapshot();
