-- SPDX-License-Identifier: EPL-2.0
set statement_timeout = 0;
