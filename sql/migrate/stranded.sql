-- Rows still under the workspace that V2 gave them; $1: that workspace.
select count(*) from {schema}.kvs where workspace = $1::uuid;
