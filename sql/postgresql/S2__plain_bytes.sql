-- SPDX-License-Identifier: EPL-2.0
-- An original before 0.3 ran on PostgreSQL by way of a domain over bytea, into
-- which the later ones cannot write.  No row is rewritten; the domain stays.
alter table {schema}.kvs
	alter column md5 type bytea,
	alter column value type bytea;
