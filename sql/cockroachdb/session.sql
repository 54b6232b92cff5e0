-- SPDX-License-Identifier: EPL-2.0
-- No time limit of the role ends a step early.
set statement_timeout = 0;
