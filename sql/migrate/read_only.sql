-- SPDX-License-Identifier: EPL-2.0
set default_transaction_read_only = on;
