-- SPDX-License-Identifier: EPL-2.0
-- Nothing is found by a search path, no role's time limit cuts a step short,
-- a client that is stopped or gone does not keep its locks, and whoever waits
-- for a lock comes to say so.  Rows are found by the index, however the table's
-- statistics look in the midst of a move.
select
	set_config('search_path', '', false),
	set_config('client_min_messages', 'warning', false),
	set_config('statement_timeout', '0', false),
	set_config('lock_timeout', '20s', false),
	set_config('standard_conforming_strings', 'on', false),
	set_config('enable_seqscan', 'off', false),
	set_config('enable_bitmapscan', 'off', false),
	set_config('enable_hashjoin', 'off', false),
	set_config('enable_mergejoin', 'off', false),
	set_config('default_transaction_isolation', 'read committed', false),
	set_config('idle_in_transaction_session_timeout', '5s', false),
	set_config('client_connection_check_interval', '2s', false);
