-- SPDX-License-Identifier: EPL-2.0
-- What an interrupted build leaves behind.
drop index concurrently if exists {schema}.kvs_pkey_v3;
