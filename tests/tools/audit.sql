-- SPDX-License-Identifier: EPL-2.0
-- Every change that took effect leaves one row; what is rolled back leaves none.
create table public.audit (n bigserial, op text, key text, md5 text);
create function public.audit() returns trigger language plpgsql as $$
begin
	if tg_op = 'DELETE' then
		insert into public.audit (op, key, md5) values (tg_op, old.key, encode(old.md5, 'hex'));
	else
		insert into public.audit (op, key, md5) values (tg_op, new.key, encode(new.md5, 'hex'));
	end if;
	return null;
end
$$;
create trigger audit after insert or update or delete on hulykvs.kvs for each row execute function public.audit();
