-- SPDX-License-Identifier: EPL-2.0
-- A transaction that waits for the disk, and so for all before it.  The message is in the write-ahead log only.
reset synchronous_commit;
select pg_logical_emit_message(true, 'hulykvs-migrate', '');
