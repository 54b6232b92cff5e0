-- SPDX-License-Identifier: EPL-2.0
-- No time limit of the role ends a step early, an export whose reader is slow, or an import that waits for its file.  Its
-- isolation may be one in which time.sql is refused.  Follower reads would make every statement read only, and stale.
-- While safe updates are on, V5's "drop index" is refused (from 25.1 on).
select
	set_config('statement_timeout', '0', false),
	set_config('idle_in_session_timeout', '0', false),
	set_config('default_transaction_isolation', 'serializable', false),
	set_config('default_transaction_use_follower_reads', 'off', false),
	set_config('sql_safe_updates', 'off', false);
