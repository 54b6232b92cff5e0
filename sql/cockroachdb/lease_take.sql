-- SPDX-License-Identifier: EPL-2.0
-- $1: who asks, $2: seconds.  A row comes back when the lease is $1's.
insert into {schema}.hulykvs_lease (id, holder, expires_at)
values (1, $1::text, now() + $2::int8 * interval '1 second')
on conflict (id) do update
set holder = excluded.holder, expires_at = excluded.expires_at
where hulykvs_lease.holder = excluded.holder or hulykvs_lease.expires_at <= now()
returning holder;
