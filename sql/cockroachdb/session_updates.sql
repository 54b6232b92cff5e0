-- SPDX-License-Identifier: EPL-2.0
-- While this is on, V5's "drop index" is refused (from 25.1 on).
set sql_safe_updates = off;
