-- SPDX-License-Identifier: EPL-2.0
-- A division by zero means that the deadline $4 has passed: then nothing is written.
delete from {schema}.kvs
 where workspace = $1 and namespace = $2 and key = $3
returning 1 / (clock_timestamp() < $4)::int
