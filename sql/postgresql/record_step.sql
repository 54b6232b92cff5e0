-- SPDX-License-Identifier: EPL-2.0
insert into {schema}.hulykvs_steps (version, name, applied_on)
values ($1::int4, $2::text, $3::text)
on conflict (version) do nothing;
