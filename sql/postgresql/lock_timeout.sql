-- SPDX-License-Identifier: EPL-2.0
-- $1: the limit; $2: whether for this transaction only.
select set_config('lock_timeout', $1::text, $2::boolean);
