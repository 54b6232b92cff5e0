-- SPDX-License-Identifier: EPL-2.0
-- $1: statement_timeout in milliseconds; 0 is no limit.  $2: lock_timeout; null: as it is.  The limit $1 counts also
-- for a transaction that waits for us, since it holds locks; that of a batch never waits longer than a round trip.  A
-- limit for whole transactions, which a role may have from PostgreSQL 17 on, would end lists, and the connection with
-- them.
-- A list has no limit; so that it does not go on for a program that has given it up, the server looks every two seconds
-- whether the connection is still there, also while the list reads, counts or waits and sends nothing.  Not every server
-- can: on Windows, for example, it refuses to be asked.
-- Every statement here goes through the primary key, whatever the statistics of a young table make the planner
-- believe, and a plan that is made once serves for good.
select pg_catalog.set_config('statement_timeout', $1, false),
       pg_catalog.set_config('lock_timeout', coalesce($2, pg_catalog.current_setting('lock_timeout')), false),
       pg_catalog.set_config('idle_in_transaction_session_timeout', $1, false),
       case when pg_catalog.current_setting('transaction_timeout', true) is not null
       then pg_catalog.set_config('transaction_timeout', '0', false) end,
       case when pg_catalog.version() like '%linux%'
       then pg_catalog.set_config('client_connection_check_interval', '2s', false) end,
       pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', false),
       pg_catalog.set_config('enable_seqscan', 'off', false),
       pg_catalog.set_config('enable_bitmapscan', 'off', false),
       pg_catalog.set_config('enable_hashjoin', 'off', false),
       pg_catalog.set_config('enable_mergejoin', 'off', false),
       pg_catalog.set_config('jit', 'off', false)
