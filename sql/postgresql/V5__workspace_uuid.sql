-- SPDX-License-Identifier: EPL-2.0
-- Nothing: V3 leaves no second index here, as it does on CockroachDB.
select 1;
