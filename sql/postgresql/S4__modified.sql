-- SPDX-License-Identifier: EPL-2.0
-- The time of a row's last write; null: before this step.  The default is set after the column was added, so that no row
-- that is there gets it.  The trigger is for writers that do not set the column; those that set it pay for the condition
-- only.  hulykvs-migrate, which moves and seals rows without changing what they mean, keeps the time: see session.sql.
alter table {schema}.kvs add column if not exists modified timestamptz;
alter table {schema}.kvs alter column modified set default now();
create or replace function {schema}.hulykvs_set_modified() returns trigger
language plpgsql as $function$
begin
	if pg_catalog.current_setting('hulykvs.keep_modified', true) is distinct from 'on' then
		new.modified := pg_catalog.now();
	end if;
	return new;
end
$function$;
create or replace trigger hulykvs_modified
before update on {schema}.kvs
for each row
when (new.modified is not distinct from old.modified)
execute function {schema}.hulykvs_set_modified();
