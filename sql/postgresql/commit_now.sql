-- SPDX-License-Identifier: EPL-2.0
-- A transaction that waits for the disk, and so for all before it, also where the role or the database has `off`.  The
-- message is in the write-ahead log only.
select set_config('synchronous_commit', case reset_val when 'off' then 'on' else reset_val end, false),
	pg_logical_emit_message(true, 'hulykvs-migrate', '')
  from pg_settings
 where name = 'synchronous_commit';
