#!/usr/bin/env bats
# Sealed values: the API over them, what the database holds, keys that are wrong, go or come.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load lib/postgres
load lib/world

KEY_A="a AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
KEY_B="b //79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA="
KEY_A_WRONG="a //79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA="
CANARY=canary-4c1f0b7d

setup_file()
{
	world_cluster
}

teardown_file()
{
	pg_remove
}

setup()
{
	KEYS=$BATS_TEST_TMPDIR/keys
	keys "$KEY_A"
}

teardown()
{
	world_leave
}

# keys LINE …: the file of the keys, from one moment to the next.
keys()
{
	(umask 077 && printf '%s\n' "$@" >"$KEYS.new")
	mv "$KEYS.new" "$KEYS"
}

# sealed SERVER [SETTING …]: a world with the keys, values sealed unless the settings say otherwise.
sealed()
{
	local server=$1
	shift

	world_start "$server" HULY_ENCRYPTION_KEYS_FILE="$KEYS" HULY_ENCRYPTION_MODE=on "$@"
}

# again SETTING …: the program once more, with these settings instead.
again()
{
	local setting

	for setting; do
		sed -i "s|^${setting%%=*}=.*|$setting|" "$WORLD_DIR/settings"
	done
	world_kill "$WORLD_SPAWN" 20
	rm -f "$WORLD_DIR/spawn.pid" "$WORLD_DIR/spawn.status"
	world_environment
	world_program
	world_until 20 world_answers
}

# The program is there, ready or not.
world_answers()
{
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$WORLD_URL/livez")" = 200 ]
}

path()
{
	echo "/api2/5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f/$1"
}

put()
{
	world_status "$(path "$1")" -X PUT --data-binary "$2" "${@:3}"
}

# get NAME STATUS [BODY]
get()
{
	run world_get "$(path "$1")"
	[ "$output" = "${3:-}${3:+$'\n'}$2" ] || [ "${3+set}" != set ] && [ "${lines[-1]}" = "$2" ]
}

etag()
{
	world_get "$(path "$1")" -o /dev/null -D - "${@:2}" | tr -d '\r' | sed -n 's/^[Ee][Tt][Aa][Gg]: //p'
}

md5()
{
	printf '"%s"' "$(printf %s "$1" | md5sum | cut -c1-32)"
}

sql()
{
	pg_sql "w${WORLD_DIR##*.}" "$@"
}

# How many values under a namespace begin with the magic.
count_sealed()
{
	sql -c "select count(*) from hulykvs.kvs where namespace = '$1' and substring(value for 8) = '\\x89484b565345414c'"
}

log_has()
{
	world_until 10 grep -qE -- "$1" "$WORLD_DIR/program.log"
}

@test "the cases of the API hold over sealed values" {
	sealed nginx
	for cases in keys values conditions lists workspaces problems; do
		run "$WORLD_TOP/tests/play.py" --through nginx "$WORLD_URL" "$WORLD_TOP/tests/cases/$cases.json"
		echo "$output"
		[ "$status" -eq 0 ]
	done
	[ "$(sql -c "select count(*) from hulykvs.kvs where substring(value for 8) <> '\\x89484b565345414c'")" = 0 ]
	world_stop
}

@test "they hold in mode required, and in mode off over what was sealed" {
	sealed nginx HULY_ENCRYPTION_MODE=required
	for cases in values conditions; do
		run "$WORLD_TOP/tests/play.py" --through nginx "$WORLD_URL" "$WORLD_TOP/tests/cases/$cases.json"
		echo "$output"
		[ "$status" -eq 0 ]
	done
	[ "$(put way/back "$CANARY")" = 204 ]
	again HULY_ENCRYPTION_MODE=off
	get way/back 200 "$CANARY"
	run "$WORLD_TOP/tests/play.py" --through nginx "$WORLD_URL" "$WORLD_TOP/tests/cases/conditions.json"
	echo "$output"
	[ "$status" -eq 0 ]
	world_stop
}

@test "neither a value nor its MD5 is in the database, in v2 and in v1" {
	sealed nginx
	[ "$(put n/k "$CANARY")" = 204 ]
	[ "$(put n/large "$(printf '%s %.0s' {1..2000})$CANARY")" = 204 ]
	[ "$(world_status /api/n/v1 -X POST --data-binary "$CANARY")" = 204 ]
	[ "$(etag n/k)" = "$(md5 "$CANARY")" ]
	[ "$(etag n/k -I)" = "$(md5 "$CANARY")" ]
	run world_get /api/n/v1
	[ "$output" = "$CANARY"$'\n200' ]
	"$PG_BIN/pg_dump" -d "$WORLD_DB" >"$WORLD_DIR/dump"
	# In a dump bytes are hexadecimal.
	run grep -ciE "$CANARY|$(printf %s "$CANARY" | od -An -tx1 | tr -d ' \n')|$(md5 "$CANARY" | tr -d '"')" "$WORLD_DIR/dump"
	[ "$output" = 0 ]
	[ "$(grep -c 89484b565345414c "$WORLD_DIR/dump")" -ge 3 ]
	run ! grep -q "$CANARY" "$WORLD_DIR/program.log"
	world_stop
}

@test "a row that was changed, moved or stripped is refused" {
	export WORLD_ERRORS_EXPECTED=1
	sealed nginx
	[ "$(put n/k "$CANARY")" = 204 ]
	[ "$(put n/l another)" = 204 ]
	size=$(sql -c "select length(value) from hulykvs.kvs where namespace = 'n' and key = 'k'")
	for byte in 0 7 8 9 10 11 30 40 $((size - 17)) $((size - 1)); do
		sql -c "create table saved as select * from hulykvs.kvs;
			update hulykvs.kvs set value = set_byte(value, $byte, get_byte(value, $byte) # 1) where key = 'k'"
		get n/k 500
		sql -c "update hulykvs.kvs as k set value = s.value from saved as s where s.key = k.key; drop table saved"
	done
	get n/k 200 "$CANARY"
	sql -c "update hulykvs.kvs set md5 = set_byte(md5, 0, get_byte(md5, 0) # 1) where key = 'k'"
	get n/k 500
	sql -c "update hulykvs.kvs as k set md5 = o.md5, value = o.value from hulykvs.kvs as o
		where k.key = 'k' and o.key = 'l' and o.namespace = 'n'"
	get n/k 500
	get n/l 200 another
	sql -c "update hulykvs.kvs set value = substring(value from 9) where key = 'l'"
	get n/l 500
	[ "$(put n/k new)" = 204 ]
	get n/k 200 new
	log_has 'msg="a value does not open.* key_id="a"'
	run ! grep -qE "$CANARY|key=" "$WORLD_DIR/program.log"
	world_stop
}

@test "a key that is missing or wrong: 500, not ready, nothing sealed" {
	export WORLD_ERRORS_EXPECTED=1
	sealed nginx
	[ "$(put n/k "$CANARY")" = 204 ]
	[ "$(world_status /readyz)" = 200 ]
	keys "$KEY_A_WRONG"
	again
	get n/k 500
	[ "$(world_status "$(path n/k)" -I)" = 500 ]
	[ "$(put n/k other)" = 500 ]
	run world_get /readyz
	[[ "$output" == *'[-]encryption failed: the current key is not the one'*503 ]]
	keys "$KEY_B"
	again
	get n/k 500
	log_has 'msg="a value is sealed with a key that the key ring does not hold" key_id="?a"?'
	keys "$KEY_B" "$KEY_A"
	again
	get n/k 200 "$CANARY"
	[ "$(world_status /readyz)" = 200 ]
	run world_get '/readyz?verbose'
	[[ "$output" == *'[+]encryption ok'* ]]
	world_stop
}

@test "keys are rotated without a restart; a broken file changes nothing" {
	export WORLD_ERRORS_EXPECTED=1
	sealed nginx
	[ "$(put n/old "$CANARY")" = 204 ]
	tag=$(md5 "$CANARY")
	keys "$KEY_B" "$KEY_A"
	kill -HUP "$(world_pid)"
	log_has 'settings read again'
	[ "$(put n/new "$CANARY")" = 204 ]
	[ "$(sql -c "select string_agg(substring(value from 11 for 1)::text, ',' order by key)
		from hulykvs.kvs where namespace = 'n'")" = '\x62,\x61' ]
	get n/old 200 "$CANARY"
	[ "$(put n/old second -H "If-Match: $tag")" = 204 ]
	[ "$(put n/old third -H "If-Match: $tag")" = 412 ]
	[ "$(world_status "$(path n/new)" -H "If-None-Match: $tag")" = 304 ]
	keys "$KEY_B" "a too short"
	kill -HUP "$(world_pid)"
	log_has 'nothing was changed.*HULY_ENCRYPTION_KEYS_FILE: line 2: a key is 32 bytes in base64'
	get n/new 200 "$CANARY"
	get n/old 200 second
	world_stop
}

@test "only the namespaces of the setting are sealed, and required refuses what is plain there" {
	export WORLD_ERRORS_EXPECTED=1
	sealed nginx HULY_ENCRYPTION_NAMESPACES=telegram,mail HULY_ENCRYPTION_MODE=off
	[ "$(put telegram/k old)" = 204 ]
	[ "$(put mail/k old)" = 204 ]
	again HULY_ENCRYPTION_MODE=on
	[ "$(put telegram/new new)" = 204 ]
	[ "$(put other/k new)" = 204 ]
	[ "$(count_sealed telegram)" = 1 ]
	[ "$(count_sealed other)" = 0 ]
	get telegram/k 200 old
	again HULY_ENCRYPTION_MODE=required
	get telegram/k 500
	get telegram/new 200 new
	get other/k 200 new
	log_has 'msg="a value is not sealed, which HULY_ENCRYPTION_MODE requires"'
	[ "$(put telegram/k newer)" = 204 ]
	get telegram/k 200 newer
	world_stop
}

@test "through plain CGI" {
	sealed cgi
	[ "$(put n/k "$CANARY")" = 204 ]
	get n/k 200 "$CANARY"
	[ "$(etag n/k -I)" = "$(md5 "$CANARY")" ]
	[ "$(count_sealed n)" = 1 ]
	world_stop
}

@test "settings that cannot be" {
	program=$HULYKVS_BUILD/hulykvs
	run -78 env -i HULY_ENCRYPTION_MODE=on "$program" --check-config
	[[ "$output" == *'HULY_ENCRYPTION_MODE: needs HULY_ENCRYPTION_KEYS_FILE'* ]]
	run -78 env -i HULY_ENCRYPTION_MODE=maybe "$program" --check-config
	[[ "$output" == *'HULY_ENCRYPTION_MODE: neither off, on nor required'* ]]
	run -78 env -i HULY_ENCRYPTION_KEYS_FILE=/nowhere "$program" --check-config
	[[ "$output" == *'HULY_ENCRYPTION_KEYS_FILE: No such file or directory'* ]]
	chmod 640 "$KEYS"
	run -78 env -i HULY_ENCRYPTION_KEYS_FILE="$KEYS" "$program" --check-config
	[[ "$output" == *'HULY_ENCRYPTION_KEYS_FILE: others than its owner have access'* ]]
	chmod 600 "$KEYS"
	run -0 env -i HULY_ENCRYPTION_KEYS_FILE="$KEYS" HULY_ENCRYPTION_MODE=on "$program" --check-config
	run -0 env -i HULY_ENCRYPTION_KEYS_FILE="$KEYS" "$program" --print-config
	[[ "$output" == *"HULY_ENCRYPTION_KEYS_FILE=$KEYS "* ]]
	[[ "$output" != *AAECAwQ* ]]
}
