-- SPDX-License-Identifier: EPL-2.0
update {schema}.hulykvs_lease
set expires_at = now() + $2::int8 * interval '1 second'
where id = 1 and holder = $1::text and expires_at > now();
