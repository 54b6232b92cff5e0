-- SPDX-License-Identifier: EPL-2.0
-- $1: statement_timeout in milliseconds; $2: lock_timeout, reads wait for locks too; 0 is no limit.  If $2 is null,
-- lock_timeout stays as it is.  A role or the database may have other defaults for the rest: stale reads, weaker
-- isolation, and refusing of statements without a where clause are not for this service.  An idle session that reaches
-- its limit is ended without a message, so that a write sent just then has an unknown outcome.
select pg_catalog.set_config('statement_timeout', $1, false),
       pg_catalog.set_config('lock_timeout', coalesce($2, pg_catalog.current_setting('lock_timeout')), false),
       pg_catalog.set_config('idle_in_transaction_session_timeout', $1, false),
       pg_catalog.set_config('idle_in_session_timeout', '0', false),
       pg_catalog.set_config('sql_safe_updates', 'off', false),
       pg_catalog.set_config('default_transaction_isolation', 'serializable', false),
       pg_catalog.set_config('default_transaction_use_follower_reads', 'off', false)
