-- SPDX-License-Identifier: EPL-2.0
delete from {schema}.hulykvs_lease where id = 1 and holder = $1::text;
