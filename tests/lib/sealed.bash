# SPDX-License-Identifier: EPL-2.0
# Worlds with sealed values.  Load this after postgres.bash and world.bash.
#
#   sealed_keys LINE …  writes the file of the keys, KEYS, from one moment to the next
#   sealed_world SERVER [NAME=VALUE …]
#                       a world with the keys, values sealed unless the settings say otherwise
#   sealed_again NAME=VALUE …
#                       the program once more, with these settings instead; ready or not
#   sealed_sql ARG …    psql on its database
#   sealed_count NAMESPACE
#                       how many values there begin with the magic
#   sealed_migrate COMMAND [OPTION …]
#                       hulykvs-migrate with the settings of the world
#   sealed_table        all that the original's columns hold, as one digest

# shellcheck disable=SC2034 # the tests read them
KEY_A="a AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
KEY_B="b //79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA="
KEY_A_WRONG="a //79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA="
CANARY=canary-4c1f0b7d

sealed_keys()
{
	(umask 077 && printf '%s\n' "$@" >"$KEYS.new")
	mv "$KEYS.new" "$KEYS"
}

sealed_world()
{
	local server=$1
	shift

	world_start "$server" HULY_ENCRYPTION_KEYS_FILE="$KEYS" HULY_ENCRYPTION_MODE=on "$@"
}

sealed_again()
{
	local setting

	for setting; do
		sed -i "s|^${setting%%=*}=.*|$setting|" "$WORLD_DIR/settings"
	done
	world_kill "$WORLD_SPAWN" 20
	rm -f "$WORLD_DIR/spawn.pid" "$WORLD_DIR/spawn.status"
	world_environment
	world_program
	world_until 20 sealed_answers
}

sealed_answers()
{
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$WORLD_URL/livez")" = 200 ]
}

sealed_sql()
{
	pg_sql "w${WORLD_DIR##*.}" "$@"
}

sealed_count()
{
	sealed_sql -c "select count(*) from hulykvs.kvs where namespace = '$1' and substring(value for 8) = '\\x89484b565345414c'"
}

sealed_migrate()
{
	world_environment
	(cd "$WORLD_DIR" && timeout $((120 + ${SEALED_ROWS:-0} / 1000)) "${WORLD_ENV[@]}" "$HULYKVS_BUILD/hulykvs-migrate" "$@" 2>>"$WORLD_DIR/migrate.log")
}

sealed_table()
{
	sealed_sql -c "select md5(string_agg(r::text, '|' order by workspace, namespace, key)) from hulykvs.kvs as r"
}
