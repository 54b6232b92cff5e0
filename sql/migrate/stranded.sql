-- SPDX-License-Identifier: EPL-2.0
-- Rows still under the workspace that V2 gave them, and how many of them are sealed; $1: that workspace.
select count(*), count(*) filter (where substring(value for 8) = decode('89484b565345414c', 'hex'))
  from {schema}.kvs
 where workspace = $1::uuid;
