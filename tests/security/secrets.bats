#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# Secrets and tokens: files of secrets, new secrets on HUP, why a token is refused, and that no secret is told.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world
load ../lib/access

setup_file()
{
	world_cluster
}

teardown_file()
{
	pg_remove
}

teardown()
{
	world_leave
}

# as_nobody COMMAND …: as a user who is not root.
as_nobody()
{
	run env -i PATH="$PATH" setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

@test "a secret that a container engine mounts may be read by everybody in there" {
	unshare --mount true 2>/dev/null || skip 'cannot make a mount namespace here'
	local program=$BATS_TEST_TMPDIR/hulykvs

	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR/.." "$BATS_TEST_TMPDIR" 2>/dev/null || :
	install -m 755 "$HULYKVS_BUILD/hulykvs" "$program"
	cd "$BATS_TEST_TMPDIR"
	echo 'the secret' >token
	run env -i PATH="$PATH" unshare --mount bash -c "mkdir -p /run/secrets && mount -t tmpfs none /run/secrets &&
		install -m 444 token /run/secrets/token && exec setpriv --reuid=65534 --regid=65534 --clear-groups \
		env HULY_TOKEN_SECRET_FILE=/run/secrets/token '$program' --check-config"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "files: who may own and read them" {
	[ "$(id -u)" -eq 0 ] || skip 'only root can give files away'
	local dir=$BATS_TEST_TMPDIR/files program=$BATS_TEST_TMPDIR/hulykvs
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR/.." "$BATS_TEST_TMPDIR" 2>/dev/null || :
	install -m 755 "$HULYKVS_BUILD/hulykvs" "$program"
	mkdir -m 755 "$dir" "$dir/etc"
	cd "$dir"
	echo 'the secret' >token
	chown root:65534 token
	chmod 440 token
	as_nobody env HULY_TOKEN_SECRET_FILE=token "$program" --check-config
	echo "$output"
	[ "$status" -eq 0 ]
	chmod 444 token
	as_nobody env HULY_TOKEN_SECRET_FILE=token "$program" --check-config
	[ "$status" -eq 78 ]
	[[ $output == *'HULY_TOKEN_SECRET_FILE: token: open to others than its owner'* ]]
	echo 'deny any' >rules
	chown 65533 rules
	as_nobody env HULY_ACCESS_RULES=rules "$program" --check-config
	[ "$status" -eq 78 ]
	[[ $output == *'HULY_ACCESS_RULES: rules: belongs neither to root nor to the user'* ]]
	chown root rules
	chmod 646 rules
	as_nobody env HULY_ACCESS_RULES=rules "$program" --check-config
	[[ $output == *'HULY_ACCESS_RULES: rules: others than its owner can write it'* ]]
	: >rules
	chmod 644 rules
	as_nobody env HULY_ACCESS_RULES=rules "$program" --check-config
	[ "$status" -eq 78 ]
	[[ $output == *'HULY_ACCESS_RULES: rules: holds no rule'* ]]
	# A directory that may not be entered, whatever would be in it.
	chmod 700 etc
	as_nobody "$program" --check-config
	[ "$status" -eq 78 ]
	[[ $output == *'etc: the program'* ]]
	chmod 700 .
	as_nobody "$program" --check-config
	[ "$status" -eq 78 ]
	[[ $output == *"$dir: the program's user may not enter this working directory"* ]]
}

# refused TOKEN REASON SERVICE: the answer tells nothing, the log line why.
refused()
{
	local id=refused-$RANDOM

	[ "$(WORLD_TOKEN=$1 world_get "/api2/$WS/ns/key" -H "X-Request-Id: $id")" = $'InvalidToken\n401' ]
	world_log_has "request_id=\"$id\" .* refusal=\"INVALID_TOKEN\" reason=\"$2\"${4:-}$"
	world_log_has "request_id=\"$id\" .* ${3:+service=\"$3\" }refusal="
	run ! grep -F "${1##*.}" "$WORLD_DIR/program.log"
}

refused_tokens()
{
	local claims="\"account\":\"$SYSTEM\",\"extra\":{\"service\":\"mail\"}"

	world_start "$1"
	refused "$(access_service mail canary-secret)" signature mail
	refused "$(access_mint "{$claims,\"exp\":1000000000}")" expired mail
	refused "$(access_mint "{$claims,\"nbf\":9000000000}")" 'not yet valid' mail
	refused "$(access_mint "{$claims,\"aud\":\"x\"}")" claims mail
	refused a.b.canary-token malformed ''
	for reason in signature expired not_yet_valid claims malformed; do
		curl -s "$WORLD_OPERATOR_URL/metrics" |
			grep -qxF "hulykvs_auth_refusals_total{reason=\"token_$reason\"} 1"
	done
	run ! grep -E 'client=|127\.0\.0\.1|canary' "$WORLD_DIR/program.log"
	mkdir "$WORLD_DIR/etc"
	echo 'log_client_address = true' >"$WORLD_DIR/etc/config.toml"
	access_hup 'settings read again'
	refused a.b.canary-token malformed '' ' client="127.0.0.1"'
	world_stop
}

@test "nginx: a refused token says why in the log and the metrics, and nothing in the answer" {
	refused_tokens nginx
}

@test "lighttpd: a refused token says why in the log and the metrics, and nothing in the answer" {
	refused_tokens lighttpd
}

@test "hulykvs-migrate reads the connection string from its file, and no token secret" {
	local url
	cd "$BATS_TEST_TMPDIR"
	url=$(pg_db filed)
	(umask 077 && echo "$url" >db)
	run env -i HULY_DB_CONNECTION_FILE=db HULY_TOKEN_SECRET_FILE=nowhere HULY_REQUIRE_STRONG_SECRET=on \
		"$HULYKVS_BUILD/hulykvs-migrate"
	[ "$status" -eq 0 ]
	[[ $output != *"$url"* ]]
	[ "$(pg_sql filed -c "select count(*) from hulykvs.kvs")" = 0 ]
	chmod 604 db
	run env -i HULY_DB_CONNECTION_FILE=db "$HULYKVS_BUILD/hulykvs-migrate" status
	[ "$status" -eq 78 ]
	[[ $output == *"HULY_DB_CONNECTION_FILE: db: open to others than its owner"* ]]
	[[ $output != *"$url"* ]]
}

# deploy_secret [NAME=VALUE …]: what the scripts of deploy/ take for the token secret.
deploy_secret()
{
	# shellcheck disable=SC2016 # the inner shell's
	run env -i "$@" sh -c '. "$0"; secret HULY_TOKEN_SECRET token_secret default' "$WORLD_TOP/deploy/settings.sh"
}

@test "the scripts of deploy/ find a secret in its file too" {
	cd "$BATS_TEST_TMPDIR"
	printf 'of the file\n' >token
	deploy_secret HULY_TOKEN_SECRET_FILE=token
	[ "$output" = 'of the file' ]
	deploy_secret HULY_TOKEN_SECRET=plain
	[ "$output" = plain ]
	deploy_secret
	[ "$output" = default ]
}

@test "HULY_CORE_DUMPS=off: no core, and nothing of the process is told to its own user" {
	local pid

	world_start none HULY_CORE_DUMPS=off
	pid=$(pgrep -P "$WORLD_SPAWN" -x hulykvs)
	world_until 10 grep -qE '^Max core file size +0 +0 ' "/proc/$pid/limits"
	[ "$(stat -c %U "/proc/$pid/environ")" = root ]
	[ "$(od -An -tx1 "/proc/$pid/auxv" | wc -l)" -gt 0 ] # to root it is
	world_stop
}

# What can go wrong with a token, the settings and the database, with canaries in all of them.
@test "no token, secret or connection string in any log, in failure either" {
	local token c=canary$RANDOM$RANDOM

	printf '%s the secret\n' "$c" >"$BATS_TEST_TMPDIR/token"
	chmod 600 "$BATS_TEST_TMPDIR/token"
	RULES=$BATS_TEST_TMPDIR/rules
	access_rules "deny namespace=$c"
	world_start nginx HULY_LOG_FORMAT=json HULY_TOKEN_SECRET_FILE="$BATS_TEST_TMPDIR/token" HULY_REQUEST_TIMEOUT=1 \
		HULY_TOKEN_SECRET_PREVIOUS="$c before" HULY_ACCESS_RULES="$RULES"
	mkdir -p "$WORLD_DIR/etc"
	token=$(access_service "x" "$c the secret")
	# shellcheck disable=SC2034 # access.bash reads it
	TOKEN=$token
	access_answers 204 POST /api/n/k -d "$c"
	access_answers 403 GET "/api/$c/k"
	TOKEN=${token%?}x access_answers 401 GET "/api/n/k"
	TOKEN=$c access_answers 401 GET "/api/n/k"
	# A connection string that nobody can read, and one for another database with a password in it.
	for connection in "postgresql://u:$c@h:port/db" "host=$c password=$c" "'$c"; do
		echo "db_connection = \"$connection\"" >"$WORLD_DIR/etc/config.toml"
		kill -HUP "$(world_pid)"
	done
	echo "token_secret = \"$c\"" >"$WORLD_DIR/etc/config.toml"
	access_hup 'settings are wrong'
	echo '# nothing' >"$WORLD_DIR/etc/config.toml"
	chmod 666 "$BATS_TEST_TMPDIR/token"
	access_hup 'open to others'
	rm "$BATS_TEST_TMPDIR/token"
	access_hup 'No such file'
	pg_sql "w${WORLD_DIR##*.}" -c 'alter table hulykvs.kvs rename to elsewhere'
	access_answers 503 GET /api/n/k || access_answers 500 GET /api/n/k
	world_kill "$WORLD_SPAWN" 20
	WORLD_SPAWN=
	run grep -rlF -e "$c" -e "${token##*.}" --include='*.log' "$WORLD_DIR"
	echo "$output"
	[ "$status" -eq 1 ]
	world_leave
}

# Start, probe and migration, with strings that are taken and strings that are refused.
@test "a password with any special character in any form of a connection string: no piece of it is told" {
	run -0 "$WORLD_TOP/tests/tools/string_canary.py" "$HULYKVS_BUILD"
	[[ $output == *'told=0' ]]
}

# How often a text is in the memory of the program.
in_memory()
{
	python3 - "$(world_pid)" "$1" <<-'END'
		import re, sys
		pid, text, found = sys.argv[1], sys.argv[2].encode(), 0
		with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
		    for line in maps:
		        begin, end, rights = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
		        if "w" in rights and int(end, 16) - int(begin, 16) < 1 << 28:  # a sanitizer has larger ones, for itself
		            memory.seek(int(begin, 16))
		            try:
		                found += memory.read(int(end, 16) - int(begin, 16)).count(text)
		            except OSError:
		                pass  # a guard page
		print(found)
	END
}

@test "a token secret is replaced by the next, and every request is answered meanwhile" {
	local old=$BATS_TEST_TMPDIR/old new=$BATS_TEST_TMPDIR/new
	printf 'the old secret, thirty-two bytes\n' >"$BATS_TEST_TMPDIR/current"
	chmod 600 "$BATS_TEST_TMPDIR/current"
	world_start lighttpd HULY_TOKEN_SECRET_FILE="$BATS_TEST_TMPDIR/current" HULY_REQUIRE_STRONG_SECRET=on
	old=$(access_service x 'the old secret, thirty-two bytes')
	new=$(access_service x 'the new secret, thirty-two bytes')
	mkdir -p "$WORLD_DIR/etc"
	TOKEN=$old access_answers 404 GET /api/n/k
	TOKEN=$new access_answers 401 GET /api/n/k

	printf 'the new secret, thirty-two bytes' >"$BATS_TEST_TMPDIR/current"
	echo 'token_secret_previous = "the old secret, thirty-two bytes"' >"$WORLD_DIR/etc/config.toml"
	access_hup 'msg="settings read again"'
	TOKEN=$old access_answers 404 GET /api/n/k
	TOKEN=$old access_answers 404 GET /api/n/k
	TOKEN=$new access_answers 404 GET /api/n/k
	curl -s "$WORLD_OPERATOR_URL/metrics" | grep -E '^hulykvs_tokens_accepted_total' >"$WORLD_DIR/accepted"
	grep -qx 'hulykvs_tokens_accepted_total{secret="previous"} 2' "$WORLD_DIR/accepted"
	grep -qE 'secret="current"\} [2-9]' "$WORLD_DIR/accepted"

	[ "$(in_memory 'the old secret, thirty-two bytes')" -ge 1 ]

	# One that is too short changes nothing.
	echo short >"$BATS_TEST_TMPDIR/current"
	access_hup 'level=error .*HULY_TOKEN_SECRET: shorter than 32 bytes'
	TOKEN=$new access_answers 404 GET /api/n/k
	printf 'the new secret, thirty-two bytes' >"$BATS_TEST_TMPDIR/current"
	chmod 644 "$BATS_TEST_TMPDIR/current"
	access_hup 'level=error .*open to others than its owner'
	chmod 600 "$BATS_TEST_TMPDIR/current"
	echo '# no previous secret' >"$WORLD_DIR/etc/config.toml"
	access_hup 'msg="settings read again"'
	TOKEN=$old access_answers 401 GET /api/n/k
	TOKEN=$new access_answers 404 GET /api/n/k
	# No memory of the process holds the old one whole; the new one is there, once or more.
	[ "$(in_memory 'the new secret, thirty-two bytes')" -ge 1 ]
	[ "$(in_memory 'the old secret, thirty-two bytes')" -eq 0 ]

	# Where files are named, an empty one ends the rotation.
	(umask 077 && printf 'the old secret, thirty-two bytes' >"$BATS_TEST_TMPDIR/previous")
	echo "token_secret_previous_file = \"$BATS_TEST_TMPDIR/previous\"" >"$WORLD_DIR/etc/config.toml"
	access_hup 'msg="settings read again"'
	TOKEN=$old access_answers 404 GET /api/n/k
	: >"$BATS_TEST_TMPDIR/previous"
	access_hup 'msg="settings read again"'
	TOKEN=$old access_answers 401 GET /api/n/k
	TOKEN=$new access_answers 404 GET /api/n/k
	run ! grep -F thirty-two "$WORLD_DIR"/*.log
	WORLD_ERRORS_EXPECTED=1 world_stop
}

# forged_is STATUS: what a token gets that is signed with the default secret, and that everybody can make.
forged_is()
{
	TOKEN=$(access_service x) access_answers "$1" GET /api/n/k
}

@test "HUP: a settings file that is missing, empty or cut short takes no protection away" {
	local strong='the secret, thirty-two bytes long' change

	world_start none
	world_kill "$WORLD_SPAWN" 20
	mkdir "$WORLD_DIR/etc"
	printf '%s\n' "token_secret = \"$strong\"" 'require_strong_secret = true' "access_rules = \"$WORLD_DIR/rules\"" \
		'access_default = "deny"' >"$WORLD_DIR/settings.toml"
	echo 'deny namespace=m' >"$WORLD_DIR/rules"
	cp "$WORLD_DIR/settings.toml" "$WORLD_DIR/etc/config.toml"
	world_program
	WORLD_SERVER=nginx world_web
	world_until 20 forged_is 401

	for change in "rm etc/config.toml" ": >etc/config.toml"; do
		(cd "$WORLD_DIR" && eval "$change")
		access_hup 'nothing was changed" why="etc/config.toml: missing or empty'
		forged_is 401
	done
	# The lines from the front, as far as they had been written.
	for change in 0:HULY_TOKEN_SECRET 1:HULY_REQUIRE_STRONG_SECRET 2:HULY_ACCESS_RULES 3:HULY_ACCESS_DEFAULT; do
		{ echo '# written anew' && head -n "${change%%:*}" "$WORLD_DIR/settings.toml"; } >"$WORLD_DIR/etc/config.toml"
		access_hup "nothing was changed\" why=\"${change##*:}: no longer set"
		forged_is 401
	done
	# It may be taken away in words.
	printf '%s\n' 'token_secret = "secret"' 'require_strong_secret = false' 'access_rules = "off"' 'access_default = "allow"' \
		>"$WORLD_DIR/etc/config.toml"
	access_hup 'msg="settings read again"'
	forged_is 404
	WORLD_ERRORS_EXPECTED=1 world_stop
}
