-- SPDX-License-Identifier: EPL-2.0
-- Only as holder ($5) of a lease that has not run out, in one statement and so
-- in one transaction.
insert into {schema}.migrations (version, name, applied_on, checksum)
select $1::int4, $2::varchar, $3::varchar, $4::varchar
from {schema}.hulykvs_lease
where id = 1 and holder = $5::text and expires_at > now()
on conflict (version) do nothing;
