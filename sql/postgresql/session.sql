-- SPDX-License-Identifier: EPL-2.0
-- Nothing is found by a search path.  No time limit of the role ends a step, an export whose reader is slow, or an import
-- that waits for its file.  A client that is stopped or gone does not keep its locks.  A statement does not wait for a
-- lock for ever.  Rows are found by the index, whatever the table's statistics say while rows are moved.  A time that is
-- read as text means the same when it is sent back: other forms have names of time zones that stand for several.  What
-- hulykvs-migrate writes leaves the time in `modified` as it is, see S4.  What was committed is on disk, and survives a
-- crash, also where the role or the database has synchronous_commit = off.
select
	set_config('search_path', '', false),
	set_config('client_min_messages', 'warning', false),
	set_config('statement_timeout', '0', false),
	set_config('lock_timeout', '20s', false),
	set_config('standard_conforming_strings', 'on', false),
	set_config('DateStyle', 'ISO', false),
	set_config('enable_seqscan', 'off', false),
	set_config('enable_bitmapscan', 'off', false),
	set_config('enable_hashjoin', 'off', false),
	set_config('enable_mergejoin', 'off', false),
	set_config('default_transaction_isolation', 'read committed', false),
	set_config('idle_in_transaction_session_timeout', '5s', false),
	set_config('idle_session_timeout', '0', false),
	case when current_setting('transaction_timeout', true) is not null /* from PostgreSQL 17 on */
	then set_config('transaction_timeout', '0', false) end,
	case when version() like '%linux%' /* other systems may refuse it */
	then set_config('client_connection_check_interval', '2s', false) end,
	case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'on', false) end,
	set_config('hulykvs.keep_modified', 'on', false);
