-- SPDX-License-Identifier: EPL-2.0
-- All that follows sees one state of the database.  Whoever reads an export may do so as slowly as they like.
begin isolation level repeatable read read only;
set local idle_in_transaction_session_timeout = 0;
