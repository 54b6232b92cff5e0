#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# Sealed values: the API over them, what the database holds, keys that are wrong, go or come.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world

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

# entries N M: lists of the namespace n tell all of N values, and nothing of the bytes of M others.
entries()
{
	local include

	for include in metadata values; do
		world_get "$(path "n?include=$include")" | head -n 1 | python3 -c '
import base64, hashlib, json, sys
good, sealed = int(sys.argv[1]), int(sys.argv[2])
for entry in json.load(sys.stdin)["entries"]:
    value = entry.get("value")
    if entry["size"] is None:
        assert entry["etag"] is None and value is None, entry
        sealed -= 1
        continue
    if value is not None:
        data = base64.b64decode(value)
        assert entry["size"] == len(data) and entry["etag"].strip("\"") == hashlib.md5(data).hexdigest(), entry
    assert (value is not None) == (sys.argv[3] == "values"), entry
    good -= 1
assert good == sealed == 0, (good, sealed)' "$1" "$2" "$include" || return 1
	done
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

# bats test_tags=cockroachdb
@test "the cases of the API hold over sealed values" {
	sealed nginx
	for cases in keys values conditions lists workspaces problems; do
		run "$WORLD_TOP/tests/tools/http_cases.py" --through nginx "$WORLD_URL" "$WORLD_TOP/tests/api/cases/$cases.json"
		echo "$output"
		[ "$status" -eq 0 ]
	done
	[ "$(sql -c "select count(*) from hulykvs.kvs where substring(value for 8) <> '\\x89484b565345414c'")" = 0 ]
	world_stop
}

@test "they hold in mode required, and in mode off over what was sealed" {
	sealed nginx HULY_ENCRYPTION_MODE=required
	for cases in values conditions; do
		run "$WORLD_TOP/tests/tools/http_cases.py" --through nginx "$WORLD_URL" "$WORLD_TOP/tests/api/cases/$cases.json"
		echo "$output"
		[ "$status" -eq 0 ]
	done
	[ "$(put way/back "$CANARY")" = 204 ]
	again HULY_ENCRYPTION_MODE=off
	get way/back 200 "$CANARY"
	run "$WORLD_TOP/tests/tools/http_cases.py" --through nginx "$WORLD_URL" "$WORLD_TOP/tests/api/cases/conditions.json"
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
	entries 2 0
	sql -c "update hulykvs.kvs set md5 = set_byte(md5, 0, get_byte(md5, 0) # 1) where key = 'k'"
	get n/k 500
	sql -c "update hulykvs.kvs as k set md5 = o.md5, value = o.value from hulykvs.kvs as o
		where k.key = 'k' and o.key = 'l' and o.namespace = 'n'"
	get n/k 500
	get n/l 200 another
	sql -c "update hulykvs.kvs set value = substring(value from 9) where key = 'l'"
	get n/l 500
	entries 0 2
	[ "$(put n/k new)" = 204 ]
	get n/k 200 new
	entries 1 1
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
	run world_probe /readyz
	[[ "$output" == *'[-]keys failed: the current key is not the one'*503 ]]
	keys "$KEY_B"
	again
	get n/k 500
	log_has 'msg="a value is sealed with a key that the key ring does not hold" key_id="?a"?'
	keys "$KEY_B" "$KEY_A"
	again
	get n/k 200 "$CANARY"
	[ "$(world_status /readyz)" = 200 ]
	run world_get '/readyz?verbose'
	[[ "$output" == *'[+]keys ok'* ]]
	again HULY_ENCRYPTION_KEYS_FILE=off HULY_ENCRYPTION_MODE=off
	get n/k 500
	log_has 'msg="a value is sealed, but HULY_ENCRYPTION_KEYS_FILE names no keys"'
	world_stop
}

# A token of the system account, which reaches every workspace.
system_token()
{
	python3 -c "import sys; sys.path.insert(0, '$WORLD_TOP/tests/tools'); import http_cases; print(http_cases.tokens()['system'])"
}

@test "no request reaches the proofs of keys, and decrypt deletes no other row there" {
	local method mode
	local zeros=00000000-0000-0000-0000-000000000000

	sealed nginx HULY_DEFAULT_WORKSPACE_UUID=$zeros
	sql -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value)
		values ('$zeros', 'hulykvs-keys', 'theirs', decode(md5('x'), 'hex'), 'x'),
			('$zeros', 'hulykvs-keys', 'a-long-key-of-somebody', decode(md5('x'), 'hex'), 'x')"
	export WORLD_TOKEN
	WORLD_TOKEN=$(system_token)
	[ "$(put n/k "$CANARY")" = 204 ]
	before=$(table)
	[[ $(world_get /api2/$zeros) == *'"count":0,"namespaces":[]'* ]]
	[[ $(world_get /api2) == '{"count":1,"workspaces":["5f0c2a3e-'* ]]
	for mode in on off; do
		[ "$mode" = on ] || again HULY_ENCRYPTION_KEYS_FILE="$KEYS" HULY_ENCRYPTION_MODE=off
		for path in /api/hulykvs-keys /api2/$zeros/hulykvs-keys /api2/$zeros/hulykvs%2Dkeys; do
			[ "$(world_status "$path")" = 403 ]
			for method in GET HEAD PUT POST DELETE; do
				[ "$method" != POST ] || [[ $path == /api/* ]] || continue
				[ "$method" != PUT ] || [[ $path == /api2/* ]] || continue
				[ "$method" = HEAD ] && set -- -I || set -- -X "$method"
				[[ $method != P* ]] || set -- "$@" --data-binary forged
				[ "$(world_status "$path/a" "$@")" = 403 ]
			done
		done
		[ "$(table)" = "$before" ]
	done
	# That name in another workspace is a name like any other.
	[ "$(put hulykvs-keys/a plain)" = 204 ]
	get hulykvs-keys/a 200 plain
	migrate decrypt
	grep -q 'msg="proofs of keys were deleted" rows=1' "$WORLD_DIR/migrate.log"
	[ "$(sql -c "select key from hulykvs.kvs where workspace = '$zeros' order by key" | paste -sd,)" = a-long-key-of-somebody,theirs ]
	world_stop
}

@test "without keys nothing of a sealed value goes out, nothing is stored plain beside it, and a 412 is true" {
	export WORLD_ERRORS_EXPECTED=1
	sealed nginx HULY_ENCRYPTION_NAMESPACES=secret
	[ "$(put secret/k "$CANARY")" = 204 ]
	[ "$(put open/k "$CANARY")" = 204 ]
	tag=$(md5 "$CANARY")
	before=$(table)
	again HULY_ENCRYPTION_KEYS_FILE=off HULY_ENCRYPTION_MODE=off
	# By itself, at the start.
	log_has 'level=warn msg="the database holds sealed values, and HULY_ENCRYPTION_KEYS_FILE names no keys'
	[ "$(world_status /readyz)" = 503 ]
	[[ "$(world_get /readyz)" == *'[-]keys failed'* ]]
	get secret/k 500
	run world_get "$(path secret/k)" -I
	[[ "$output" == *500 && "$output" != *[Ee][Tt]ag* ]]
	[ "$(put secret/new plain)" = 500 ]
	[ "$(put secret/k plain -H "If-Match: $tag")" = 500 ]
	[ "$(world_status "$(path secret/k)" -X DELETE -H "If-Match: $tag")" = 503 ]
	[ "$(world_status "$(path secret/none)" -X DELETE -H "If-Match: $tag")" = 412 ]
	[ "$(table)" = "$before" ]
	[ "$(put open/k other -H "If-Match: $(md5 wrong)")" = 412 ]
	[ "$(put open/k other -H "If-Match: $tag")" = 204 ]
	# A replica that has another key only.
	keys "$KEY_B"
	again HULY_ENCRYPTION_KEYS_FILE="$KEYS" HULY_ENCRYPTION_MODE=on
	[ "$(put secret/k other -H "If-Match: $tag")" = 503 ]
	[ "$(world_status "$(path secret/k)" -X DELETE -H "If-Match: $tag")" = 503 ]
	keys "$KEY_B" "$KEY_A"
	kill -HUP "$(world_pid)"
	log_has 'settings read again'
	[ "$(put secret/k other -H "If-Match: $(md5 wrong)")" = 412 ]
	[ "$(put secret/k other -H "If-Match: $tag")" = 204 ]
	[ "$(world_get "$(path "secret?include=values")" | grep -c '"value":"b3RoZXI="')" = 1 ] # "other"
	# The keys are lost: told so, it writes again.
	again HULY_ENCRYPTION_KEYS_FILE=off HULY_ENCRYPTION_MODE=off
	[ "$(put secret/new plain)" = 500 ]
	migrate forget-keys
	[ "$(put secret/new plain)" = 204 ]
	[ "$(world_status /readyz)" = 200 ]
	get secret/k 500
	[[ $(world_get "$(path "secret?include=values")") == *'"key":"k","size":null,"etag":null,'*'"value":null}'* ]]
	log_has 'level=error msg="values of a list do not open'
	world_stop
}

@test "a sealed row whose MD5 was emptied is refused, with keys and without" {
	export WORLD_ERRORS_EXPECTED=1
	sealed nginx
	[ "$(put n/k "$CANARY")" = 204 ]
	sql -c "update hulykvs.kvs set md5 = '' where namespace = 'n'"
	for mode in on required off; do
		again HULY_ENCRYPTION_KEYS_FILE="$KEYS" HULY_ENCRYPTION_MODE=$mode
		get n/k 500
		entries 0 1
		[ "$(world_status "$(path n/k)" -I)" = 500 ]
	done
	again HULY_ENCRYPTION_KEYS_FILE=off HULY_ENCRYPTION_MODE=off
	get n/k 500
	[ "$(world_status "$(path n/k)" -I)" = 500 ]
	entries 0 1
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
	log_has 'nothing was changed.*HULY_ENCRYPTION_KEYS_FILE: .*: line 2: a key is 32 bytes in base64'
	get n/new 200 "$CANARY"
	get n/old 200 second
	# A file of another name does as well: nothing waits for a new program.
	mkdir "$WORLD_DIR/etc"
	echo "encryption_keys_file = \"$KEYS\"" >"$WORLD_DIR/etc/config.toml"
	keys "$KEY_A" "$KEY_B"
	sed -i '/^HULY_ENCRYPTION_KEYS_FILE=/d' "$WORLD_DIR/settings"
	again
	echo "encryption_keys_file = \"$KEYS.moved\"" >"$WORLD_DIR/etc/config.toml"
	(umask 077 && printf '%s\n' "$KEY_B" "$KEY_A" >"$KEYS.moved")
	: >"$WORLD_DIR/program.log"
	kill -HUP "$(world_pid)"
	log_has 'settings read again'
	[ "$(put n/moved "$CANARY")" = 204 ]
	[ "$(sql -c "select substring(value from 11 for 1) from hulykvs.kvs where key = 'moved'")" = '\x62' ]
	run ! grep 'when the program is started again' "$WORLD_DIR/program.log"
	# Without keys it could not seal: that is refused.
	: >"$WORLD_DIR/etc/config.toml"
	kill -HUP "$(world_pid)"
	log_has 'nothing was changed.*HULY_ENCRYPTION_MODE: needs HULY_ENCRYPTION_KEYS_FILE'
	get n/moved 200 "$CANARY"
	world_stop
}

@test "while the mode is off, keys come and go without a restart" {
	export WORLD_ERRORS_EXPECTED=1
	sealed nginx
	[ "$(put n/k "$CANARY")" = 204 ]
	mkdir "$WORLD_DIR/etc"
	sed -i '/^HULY_ENCRYPTION_/d' "$WORLD_DIR/settings"
	again
	run ! get n/k 200 "$CANARY"
	echo "encryption_keys_file = \"$KEYS\"" >"$WORLD_DIR/etc/config.toml"
	kill -HUP "$(world_pid)"
	log_has 'settings read again'
	get n/k 200 "$CANARY"
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

@test "settings that are refused" {
	program=$HULYKVS_BUILD/hulykvs
	run -78 env -i HULY_ENCRYPTION_MODE=on "$program" --check-config
	[[ "$output" == *'HULY_ENCRYPTION_MODE: needs HULY_ENCRYPTION_KEYS_FILE'* ]]
	run -78 env -i HULY_ENCRYPTION_MODE=maybe "$program" --check-config
	[[ "$output" == *'HULY_ENCRYPTION_MODE: neither off, on nor required'* ]]
	run -78 env -i HULY_ENCRYPTION_KEYS_FILE=/nowhere "$program" --check-config
	[[ "$output" == *'HULY_ENCRYPTION_KEYS_FILE: /nowhere: No such file or directory'* ]]
	chmod 604 "$KEYS"
	run -78 env -i HULY_ENCRYPTION_KEYS_FILE="$KEYS" "$program" --check-config
	[[ "$output" == *"HULY_ENCRYPTION_KEYS_FILE: $KEYS: open to others than its owner"* ]]
	chmod 600 "$KEYS"
	run -0 env -i HULY_ENCRYPTION_KEYS_FILE="$KEYS" HULY_ENCRYPTION_MODE=on "$program" --check-config
	run -0 env -i HULY_ENCRYPTION_KEYS_FILE="$KEYS" "$program" --print-config
	[[ "$output" == *"HULY_ENCRYPTION_KEYS_FILE=$KEYS "* ]]
	[[ "$output" != *AAECAwQ* ]]
}

# migrate COMMAND [OPTION …]: hulykvs-migrate with the settings of the world.
migrate()
{
	world_environment
	(cd "$WORLD_DIR" && timeout $((120 + ${SEALED_ROWS:-0} / 1000)) "${WORLD_ENV[@]}" "$HULYKVS_BUILD/hulykvs-migrate" "$@" 2>>"$WORLD_DIR/migrate.log")
}

# All that the original's columns hold, as one digest.
table()
{
	sql -c "select md5(string_agg(r::text, '|' order by workspace, namespace, key)) from hulykvs.kvs as r"
}

# fill NAMESPACE COUNT: plain rows, as any program leaves them; every hundredth is large.
fill()
{
	sql -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value)
		select ('00000000-0000-4000-8000-00000000000' || n % 3)::uuid, '$1', 'k' || n, decode(md5(v), 'hex'), convert_to(v, 'UTF8')
		from (select n, '$CANARY ' || repeat(md5(n::text), case when n % 100 = 0 then 3000 else 1 + n % 30 end) as v
			from generate_series(1, $2) as n) as rows"
}

key_status()
{
	migrate key-status | paste -sd,
}

# bats test_tags=cockroachdb
@test "reencrypt and decrypt: there and back, with keys that change, in pages" {
	export WORLD_ERRORS_EXPECTED=1
	sealed nginx HULY_ENCRYPTION_NAMESPACES='mail, sessions'
	fill sessions 1500
	fill open 20
	sql -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value) values ('00000000-0000-4000-8000-000000000001', 'sessions', 'no md5', '', 'x'),
		('00000000-0000-4000-8000-000000000001', 'sessions', 'empty', decode(md5(''), 'hex'), '')"
	before=$(sql -c "select md5(string_agg(namespace || key || value::text, '|' order by workspace, namespace, key))
		from hulykvs.kvs where namespace <> 'hulykvs-keys'")
	[ "$(key_status)" = "plain: 1522" ]
	migrate reencrypt
	[ "$(key_status)" = "plain: 20,key a: 1502 (current)" ]
	[ "$(count_sealed sessions)" = 1502 ]
	[ "$(sql -c "select count(*) from hulykvs.kvs where namespace = 'sessions' and md5 = decode(md5(value), 'hex')")" = 0 ]
	sealed_once=$(table)
	migrate reencrypt
	[ "$(table)" = "$sealed_once" ]
	keys "$KEY_B" "$KEY_A"
	[ "$(key_status)" = "plain: 20,key a: 1502" ]
	migrate reencrypt --rate 100000
	[ "$(key_status)" = "plain: 20,key b: 1502 (current)" ]
	kill -HUP "$(world_pid)"
	log_has 'settings read again'
	system=$(python3 -c "import sys; sys.path.insert(0, '$WORLD_TOP/tests/tools'); import http_cases; print(http_cases.tokens()['system'])")
	run curl -s -H "Authorization: Bearer $system" "$WORLD_URL/api2/00000000-0000-4000-8000-000000000001/sessions/k1"
	[ "$output" = "$CANARY $(printf %s 1 | md5sum | cut -c1-32)$(printf %s 1 | md5sum | cut -c1-32)" ]
	keys "$KEY_B"
	again HULY_ENCRYPTION_MODE=off
	migrate decrypt
	[ "$(key_status)" = "plain: 1522" ]
	[ "$(sql -c "select md5(string_agg(namespace || key || value::text, '|' order by workspace, namespace, key))
		from hulykvs.kvs")" = "$before" ]
	# Nothing had to be tried again.
	run ! grep 'msg="will try again"' "$WORLD_DIR/migrate.log"
	# As the original has it: no row of ours, and each MD5 that of its value.
	[ "$(sql -c "select count(*) from hulykvs.kvs where md5 <> decode(md5(value), 'hex')")" = 0 ]
	[ "$(sql -c "select count(*) from hulykvs.kvs")" = 1522 ]
	world_stop
}

@test "reencrypt and decrypt leave alone what does not open, and say so" {
	export WORLD_ERRORS_EXPECTED=1
	sealed none
	fill n 5
	migrate reencrypt
	sql -c "update hulykvs.kvs set value = set_byte(value, 30, get_byte(value, 30) # 1) where key = 'k2'"
	sql -c "update hulykvs.kvs set value = substring(value from 9) where key = 'k3'"
	keys "$KEY_B" "$KEY_A"
	run -69 migrate reencrypt
	grep -q '2 values do not open and were left alone' "$WORLD_DIR/migrate.log"
	[ "$(key_status)" = "plain: 1,key a: 1,key b: 3 (current)" ]
	keys "$KEY_A_WRONG" "$KEY_B"
	run -69 migrate reencrypt
	grep -q 'the current key is not the one that has sealed under its id (a) until now' "$WORLD_DIR/migrate.log"
	keys "$KEY_A"
	run -69 migrate decrypt
	[ "$(key_status)" = "plain: 1,key a: 1 (current),key b: 3 (not in the key ring)" ]
	keys "$KEY_B" "$KEY_A"
	run -69 migrate decrypt
	# The proofs stay as long as anything is sealed.
	[ "$(sql -c "select count(*) from hulykvs.kvs where namespace = 'hulykvs-keys'")" = 2 ]
	[ "$(key_status)" = "plain: 4,key a: 1" ]
	world_stop
}

@test "reencrypt goes on after it was killed, and after the database went away" {
	export WORLD_ERRORS_EXPECTED=1
	sealed none
	fill n 3000
	world_environment
	(cd "$WORLD_DIR" && exec "${WORLD_ENV[@]}" "$HULYKVS_BUILD/hulykvs-migrate" reencrypt --rate 500 2>>migrate.log 3>&-) &
	migrator=$!
	world_until 20 some_sealed
	kill -KILL "$migrator"
	wait "$migrator" || :
	[ "$(count_sealed n)" -lt 3000 ]
	(cd "$WORLD_DIR" && exec "${WORLD_ENV[@]}" "$HULYKVS_BUILD/hulykvs-migrate" reencrypt --rate 2000 2>>migrate.log 3>&-) &
	migrator=$!
	seen=$(count_sealed n)
	world_until 20 more_sealed
	sql -c "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hulykvs-migrate'"
	wait "$migrator"
	grep -q 'msg="will try again"' "$WORLD_DIR/migrate.log"
	[ "$(key_status)" = "plain: 0,key a: 3000 (current)" ]
	world_stop
}

some_sealed()
{
	[ "$(count_sealed n)" -gt 100 ]
}

more_sealed()
{
	[ "$(count_sealed n)" -gt "$seen" ]
}

waits_for_lock()
{
	[ "$(sql -c "select count(*) from pg_stat_activity
		where application_name = 'hulykvs-migrate' and wait_event_type = 'Lock'")" = 1 ]
}

is_locked()
{
	[ "$(sql -c "select count(*) from pg_stat_activity where state = 'idle in transaction'")" = 1 ]
}

@test "reencrypt does not undo a write that comes after it has read the row" {
	sealed nginx
	fill n 10
	mkfifo "$WORLD_DIR/other"
	"$PG_BIN/psql" -X -q -d "$WORLD_DB" <"$WORLD_DIR/other" >"$WORLD_DIR/other.log" 2>&1 3>&- &
	other=$!
	exec 4>"$WORLD_DIR/other"
	echo "begin; update hulykvs.kvs set value = 'new', md5 = decode(md5('new'), 'hex') where key = 'k5';" >&4
	world_until 20 is_locked
	migrate reencrypt 3>&- 4>&- &
	migrator=$!
	world_until 20 waits_for_lock
	echo "commit;" >&4
	exec 4>&-
	wait "$other"
	wait "$migrator"
	[ "$(key_status)" = "plain: 0,key a: 10 (current)" ]
	migrate decrypt
	[ "$(sql -c "select convert_from(value, 'UTF8') from hulykvs.kvs where key = 'k5'")" = new ]
	world_stop
}

# mode MODE: another program takes over from the running one, with this mode.
mode()
{
	local old

	old=$(world_pid)
	mkdir -p "$WORLD_DIR/etc"
	echo "encryption_mode = \"$1\"" >"$WORLD_DIR/etc/config.toml"
	kill -HUP "$WORLD_SPAWN"
	world_until 20 world_gone "$old"
}

# SEALED_ROWS=1000000 is the long form.
# bats test_tags=cockroachdb
@test "there and back under a ledger of writes: nothing is lost, nothing fails" {
	world_start nginx HULY_ENCRYPTION_KEYS_FILE="$KEYS"
	fill ledger-neighbour "${SEALED_ROWS:-2000}"
	ledger=$WORLD_TOP/tests/tools/ledger.py
	"$ledger" write --writers 4 "$WORLD_URL" "$WORLD_DIR/ledger" >"$WORLD_DIR/wrote" 2>&1 3>&- &
	writer=$!
	world_until 20 test -s "$WORLD_DIR/ledger.progress"
	mode on
	migrate reencrypt
	[[ "$(key_status)" =~ ^plain:\ 0,key\ a:\ [0-9]+\ \(current\)$ ]]
	keys "$KEY_B" "$KEY_A"
	kill -HUP "$(world_pid)"
	log_has 'settings read again'
	migrate reencrypt
	[[ "$(key_status)" =~ ^plain:\ 0,key\ b:\ [0-9]+\ \(current\)$ ]]
	mode off
	migrate decrypt
	[[ "$(key_status)" =~ ^plain:\ [0-9]+$ ]]
	kill -TERM "$writer"
	wait "$writer"
	cat "$WORLD_DIR/wrote"
	[[ "$(cat "$WORLD_DIR/wrote")" != *5xx* && "$(cat "$WORLD_DIR/wrote")" != *unknown* ]]
	[[ "$(cat "$WORLD_DIR/wrote")" != *refused* ]]
	run "$ledger" check "$WORLD_URL" "$WORLD_DIR/ledger" "$WORLD_DB"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *' lost=0 '*' wrong=0'* ]]
	[ "$(sql -c "select count(*) from hulykvs.kvs where md5 <> decode(md5(value), 'hex')")" = 0 ]
	world_stop
}
