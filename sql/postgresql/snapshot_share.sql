-- SPDX-License-Identifier: EPL-2.0
-- The same state of the database as another session; {snapshot}: its name, in quotes.
begin isolation level repeatable read read only;
set transaction snapshot {snapshot};
set local idle_in_transaction_session_timeout = 0;
