-- SPDX-License-Identifier: EPL-2.0
-- The change of the collation dropped the column's statistics.
analyze {schema}.kvs (key);
