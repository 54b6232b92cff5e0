#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# Sealed values: the API over them, what the database holds, keys that are wrong, go or come.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world
load ../lib/sealed

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
	sealed_keys "$KEY_A"
}

teardown()
{
	world_leave
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

# bats test_tags=cockroachdb
@test "the cases of the API hold over sealed values" {
	sealed_world nginx
	for cases in keys values conditions lists workspaces problems; do
		run "$WORLD_TOP/tests/tools/http_cases.py" --through nginx "$WORLD_URL" "$WORLD_TOP/tests/api/cases/$cases.json"
		echo "$output"
		[ "$status" -eq 0 ]
	done
	[ "$(sealed_sql -c "select count(*) from hulykvs.kvs where substring(value for 8) <> '\\x89484b565345414c'")" = 0 ]
	world_stop
}

@test "they hold in mode required, and in mode off over what was sealed" {
	sealed_world nginx HULY_ENCRYPTION_MODE=required
	for cases in values conditions; do
		run "$WORLD_TOP/tests/tools/http_cases.py" --through nginx "$WORLD_URL" "$WORLD_TOP/tests/api/cases/$cases.json"
		echo "$output"
		[ "$status" -eq 0 ]
	done
	[ "$(put way/back "$CANARY")" = 204 ]
	sealed_again HULY_ENCRYPTION_MODE=off
	get way/back 200 "$CANARY"
	run "$WORLD_TOP/tests/tools/http_cases.py" --through nginx "$WORLD_URL" "$WORLD_TOP/tests/api/cases/conditions.json"
	echo "$output"
	[ "$status" -eq 0 ]
	world_stop
}

@test "neither a value nor its MD5 is in the database, in v2 and in v1" {
	sealed_world nginx
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
	sealed_world nginx
	[ "$(put n/k "$CANARY")" = 204 ]
	[ "$(put n/l another)" = 204 ]
	size=$(sealed_sql -c "select length(value) from hulykvs.kvs where namespace = 'n' and key = 'k'")
	for byte in 0 7 8 9 10 11 30 40 $((size - 17)) $((size - 1)); do
		sealed_sql -c "create table saved as select * from hulykvs.kvs;
			update hulykvs.kvs set value = set_byte(value, $byte, get_byte(value, $byte) # 1) where key = 'k'"
		get n/k 500
		sealed_sql -c "update hulykvs.kvs as k set value = s.value from saved as s where s.key = k.key; drop table saved"
	done
	get n/k 200 "$CANARY"
	entries 2 0
	sealed_sql -c "update hulykvs.kvs set md5 = set_byte(md5, 0, get_byte(md5, 0) # 1) where key = 'k'"
	get n/k 500
	sealed_sql -c "update hulykvs.kvs as k set md5 = o.md5, value = o.value from hulykvs.kvs as o
		where k.key = 'k' and o.key = 'l' and o.namespace = 'n'"
	get n/k 500
	get n/l 200 another
	sealed_sql -c "update hulykvs.kvs set value = substring(value from 9) where key = 'l'"
	get n/l 500
	entries 0 2
	[ "$(put n/k new)" = 204 ]
	get n/k 200 new
	entries 1 1
	world_log_has 'msg="a value does not open.* key_id="a"'
	run ! grep -qE "$CANARY|key=" "$WORLD_DIR/program.log"
	world_stop
}

@test "a key that is missing or wrong: 500, not ready, nothing sealed" {
	export WORLD_ERRORS_EXPECTED=1
	sealed_world nginx
	[ "$(put n/k "$CANARY")" = 204 ]
	[ "$(world_status /readyz)" = 200 ]
	sealed_keys "$KEY_A_WRONG"
	sealed_again
	get n/k 500
	[ "$(world_status "$(path n/k)" -I)" = 500 ]
	[ "$(put n/k other)" = 500 ]
	run world_probe /readyz
	[[ "$output" == *'[-]keys failed: the current key is not the one'*503 ]]
	sealed_keys "$KEY_B"
	sealed_again
	get n/k 500
	world_log_has 'msg="a value is sealed with a key that the key ring does not hold" key_id="?a"?'
	sealed_keys "$KEY_B" "$KEY_A"
	sealed_again
	get n/k 200 "$CANARY"
	[ "$(world_status /readyz)" = 200 ]
	run world_get '/readyz?verbose'
	[[ "$output" == *'[+]keys ok'* ]]
	sealed_again HULY_ENCRYPTION_KEYS_FILE=off HULY_ENCRYPTION_MODE=off
	get n/k 500
	world_log_has 'msg="a value is sealed, but HULY_ENCRYPTION_KEYS_FILE names no keys"'
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

	sealed_world nginx HULY_DEFAULT_WORKSPACE_UUID=$zeros
	sealed_sql -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value)
		values ('$zeros', 'hulykvs-keys', 'theirs', decode(md5('x'), 'hex'), 'x'),
			('$zeros', 'hulykvs-keys', 'a-long-key-of-somebody', decode(md5('x'), 'hex'), 'x')"
	export WORLD_TOKEN
	WORLD_TOKEN=$(system_token)
	[ "$(put n/k "$CANARY")" = 204 ]
	before=$(sealed_table)
	[[ $(world_get /api2/$zeros) == *'"count":0,"namespaces":[]'* ]]
	[[ $(world_get /api2) == '{"count":1,"workspaces":["5f0c2a3e-'* ]]
	for mode in on off; do
		[ "$mode" = on ] || sealed_again HULY_ENCRYPTION_KEYS_FILE="$KEYS" HULY_ENCRYPTION_MODE=off
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
		[ "$(sealed_table)" = "$before" ]
	done
	# That name in another workspace is a name like any other.
	[ "$(put hulykvs-keys/a plain)" = 204 ]
	get hulykvs-keys/a 200 plain
	sealed_migrate decrypt
	grep -q 'msg="proofs of keys were deleted" rows=1' "$WORLD_DIR/migrate.log"
	[ "$(sealed_sql -c "select key from hulykvs.kvs where workspace = '$zeros' order by key" | paste -sd,)" = a-long-key-of-somebody,theirs ]
	world_stop
}

@test "without keys nothing of a sealed value goes out, nothing is stored plain beside it, and a 412 is true" {
	export WORLD_ERRORS_EXPECTED=1
	sealed_world nginx HULY_ENCRYPTION_NAMESPACES=secret
	[ "$(put secret/k "$CANARY")" = 204 ]
	[ "$(put open/k "$CANARY")" = 204 ]
	tag=$(md5 "$CANARY")
	before=$(sealed_table)
	sealed_again HULY_ENCRYPTION_KEYS_FILE=off HULY_ENCRYPTION_MODE=off
	# By itself, at the start.
	world_log_has 'level=warn msg="the database holds sealed values, and HULY_ENCRYPTION_KEYS_FILE names no keys'
	[ "$(world_status /readyz)" = 503 ]
	[[ "$(world_get /readyz)" == *'[-]keys failed'* ]]
	get secret/k 500
	run world_get "$(path secret/k)" -I
	[[ "$output" == *500 && "$output" != *[Ee][Tt]ag* ]]
	[ "$(put secret/new plain)" = 500 ]
	[ "$(put secret/k plain -H "If-Match: $tag")" = 500 ]
	[ "$(world_status "$(path secret/k)" -X DELETE -H "If-Match: $tag")" = 503 ]
	[ "$(world_status "$(path secret/none)" -X DELETE -H "If-Match: $tag")" = 412 ]
	[ "$(sealed_table)" = "$before" ]
	[ "$(put open/k other -H "If-Match: $(md5 wrong)")" = 412 ]
	[ "$(put open/k other -H "If-Match: $tag")" = 204 ]
	# A replica that has another key only.
	sealed_keys "$KEY_B"
	sealed_again HULY_ENCRYPTION_KEYS_FILE="$KEYS" HULY_ENCRYPTION_MODE=on
	[ "$(put secret/k other -H "If-Match: $tag")" = 503 ]
	[ "$(world_status "$(path secret/k)" -X DELETE -H "If-Match: $tag")" = 503 ]
	sealed_keys "$KEY_B" "$KEY_A"
	kill -HUP "$(world_pid)"
	world_log_has 'settings read again'
	[ "$(put secret/k other -H "If-Match: $(md5 wrong)")" = 412 ]
	[ "$(put secret/k other -H "If-Match: $tag")" = 204 ]
	[ "$(world_get "$(path "secret?include=values")" | grep -c '"value":"b3RoZXI="')" = 1 ] # "other"
	# The keys are lost: told so, it writes again.
	sealed_again HULY_ENCRYPTION_KEYS_FILE=off HULY_ENCRYPTION_MODE=off
	[ "$(put secret/new plain)" = 500 ]
	sealed_migrate forget-keys
	[ "$(put secret/new plain)" = 204 ]
	[ "$(world_status /readyz)" = 200 ]
	get secret/k 500
	[[ $(world_get "$(path "secret?include=values")") == *'"key":"k","size":null,"etag":null,'*'"value":null}'* ]]
	world_log_has 'level=error msg="values of a list do not open'
	world_stop
}

@test "a sealed row whose MD5 was emptied is refused, with keys and without" {
	export WORLD_ERRORS_EXPECTED=1
	sealed_world nginx
	[ "$(put n/k "$CANARY")" = 204 ]
	sealed_sql -c "update hulykvs.kvs set md5 = '' where namespace = 'n'"
	for mode in on required off; do
		sealed_again HULY_ENCRYPTION_KEYS_FILE="$KEYS" HULY_ENCRYPTION_MODE=$mode
		get n/k 500
		entries 0 1
		[ "$(world_status "$(path n/k)" -I)" = 500 ]
	done
	sealed_again HULY_ENCRYPTION_KEYS_FILE=off HULY_ENCRYPTION_MODE=off
	get n/k 500
	[ "$(world_status "$(path n/k)" -I)" = 500 ]
	entries 0 1
	world_stop
}

@test "keys are rotated without a restart; a broken file changes nothing" {
	export WORLD_ERRORS_EXPECTED=1
	sealed_world nginx
	[ "$(put n/old "$CANARY")" = 204 ]
	tag=$(md5 "$CANARY")
	sealed_keys "$KEY_B" "$KEY_A"
	kill -HUP "$(world_pid)"
	world_log_has 'settings read again'
	[ "$(put n/new "$CANARY")" = 204 ]
	[ "$(sealed_sql -c "select string_agg(substring(value from 11 for 1)::text, ',' order by key)
		from hulykvs.kvs where namespace = 'n'")" = '\x62,\x61' ]
	get n/old 200 "$CANARY"
	[ "$(put n/old second -H "If-Match: $tag")" = 204 ]
	[ "$(put n/old third -H "If-Match: $tag")" = 412 ]
	[ "$(world_status "$(path n/new)" -H "If-None-Match: $tag")" = 304 ]
	sealed_keys "$KEY_B" "a too short"
	kill -HUP "$(world_pid)"
	world_log_has 'nothing was changed.*HULY_ENCRYPTION_KEYS_FILE: .*: line 2: a key is 32 bytes in base64'
	get n/new 200 "$CANARY"
	get n/old 200 second
	# A file of another name does as well: nothing waits for a new program.
	mkdir "$WORLD_DIR/etc"
	echo "encryption_keys_file = \"$KEYS\"" >"$WORLD_DIR/etc/config.toml"
	sealed_keys "$KEY_A" "$KEY_B"
	sed -i '/^HULY_ENCRYPTION_KEYS_FILE=/d' "$WORLD_DIR/settings"
	sealed_again
	echo "encryption_keys_file = \"$KEYS.moved\"" >"$WORLD_DIR/etc/config.toml"
	(umask 077 && printf '%s\n' "$KEY_B" "$KEY_A" >"$KEYS.moved")
	: >"$WORLD_DIR/program.log"
	kill -HUP "$(world_pid)"
	world_log_has 'settings read again'
	[ "$(put n/moved "$CANARY")" = 204 ]
	[ "$(sealed_sql -c "select substring(value from 11 for 1) from hulykvs.kvs where key = 'moved'")" = '\x62' ]
	run ! grep 'when the program is started again' "$WORLD_DIR/program.log"
	# Without keys it could not seal: that is refused.
	echo 'encryption_keys_file = "off"' >"$WORLD_DIR/etc/config.toml"
	kill -HUP "$(world_pid)"
	world_log_has 'nothing was changed.*HULY_ENCRYPTION_MODE: needs HULY_ENCRYPTION_KEYS_FILE'
	get n/moved 200 "$CANARY"
	world_stop
}

@test "while the mode is off, keys come and go without a restart" {
	export WORLD_ERRORS_EXPECTED=1
	sealed_world nginx
	[ "$(put n/k "$CANARY")" = 204 ]
	mkdir "$WORLD_DIR/etc"
	sed -i '/^HULY_ENCRYPTION_/d' "$WORLD_DIR/settings"
	sealed_again
	run ! get n/k 200 "$CANARY"
	echo "encryption_keys_file = \"$KEYS\"" >"$WORLD_DIR/etc/config.toml"
	kill -HUP "$(world_pid)"
	world_log_has 'settings read again'
	get n/k 200 "$CANARY"
	world_stop
}

@test "only the namespaces of the setting are sealed, and required refuses what is plain there" {
	export WORLD_ERRORS_EXPECTED=1
	sealed_world nginx HULY_ENCRYPTION_NAMESPACES=telegram,mail HULY_ENCRYPTION_MODE=off
	[ "$(put telegram/k old)" = 204 ]
	[ "$(put mail/k old)" = 204 ]
	sealed_again HULY_ENCRYPTION_MODE=on
	[ "$(put telegram/new new)" = 204 ]
	[ "$(put other/k new)" = 204 ]
	[ "$(sealed_count telegram)" = 1 ]
	[ "$(sealed_count other)" = 0 ]
	get telegram/k 200 old
	sealed_again HULY_ENCRYPTION_MODE=required
	get telegram/k 500
	get telegram/new 200 new
	get other/k 200 new
	world_log_has 'msg="a value is not sealed, which HULY_ENCRYPTION_MODE requires"'
	[ "$(put telegram/k newer)" = 204 ]
	get telegram/k 200 newer
	world_stop
}

@test "through plain CGI" {
	sealed_world cgi
	[ "$(put n/k "$CANARY")" = 204 ]
	get n/k 200 "$CANARY"
	[ "$(etag n/k -I)" = "$(md5 "$CANARY")" ]
	[ "$(sealed_count n)" = 1 ]
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
