-- SPDX-License-Identifier: EPL-2.0
-- Only as the holder ($4) of a lease that has not run out, see record.sql.
insert into {schema}.hulykvs_steps (version, name, applied_on)
select $1::int4, $2::text, $3::text
from {schema}.hulykvs_lease
where id = 1 and holder = $4::text and expires_at > now()
on conflict (version) do nothing;
