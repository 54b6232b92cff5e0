-- Nothing is found by a search path, no role's time limit cuts a step short,
-- and a client that is stopped or gone does not keep its locks.
select
	set_config('search_path', '', false),
	set_config('client_min_messages', 'warning', false),
	set_config('statement_timeout', '0', false),
	set_config('lock_timeout', '0', false),
	set_config('default_transaction_isolation', 'read committed', false),
	set_config('idle_in_transaction_session_timeout', '5s', false),
	set_config('client_connection_check_interval', '2s', false);
