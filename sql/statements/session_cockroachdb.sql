-- SPDX-License-Identifier: EPL-2.0
-- $1 and $2 in milliseconds; 0 is no limit, and a $2 that is null changes nothing; reads wait for locks, too.  A role or
-- the database may have other defaults for the others: stale reads, weaker isolation, and refusing of statements without a where clause are not for this service.  An idle session that
-- reaches its limit is ended without a message, so that a write sent just then has an unknown outcome.
select pg_catalog.set_config('statement_timeout', $1, false),
       pg_catalog.set_config('lock_timeout', coalesce($2, pg_catalog.current_setting('lock_timeout')), false),
       pg_catalog.set_config('idle_in_transaction_session_timeout', $1, false),
       pg_catalog.set_config('idle_in_session_timeout', '0', false),
       pg_catalog.set_config('sql_safe_updates', 'off', false),
       pg_catalog.set_config('default_transaction_isolation', 'serializable', false),
       pg_catalog.set_config('default_transaction_use_follower_reads', 'off', false)
