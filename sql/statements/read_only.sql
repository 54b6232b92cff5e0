-- SPDX-License-Identifier: EPL-2.0
-- "on": of a standby, and where default_transaction_read_only is set.
select pg_catalog.current_setting('transaction_read_only')
