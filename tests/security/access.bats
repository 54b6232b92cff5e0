#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# Access rules and secrets in a running service: who is refused through each web
# server, new rules and secrets on HUP under load, and that no secret is told.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world

WS=5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f
WS2=a1b2c3d4-e5f6-4a7b-8c9d-0e1f2a3b4c5d
DEFAULT_WS=11111111-2222-3333-4444-555555555555
SYSTEM=1749089e-22e6-48de-af4e-165e18fbd2f9
GUEST=b6996120-416f-49cd-841e-e4a5d2e49c9b
PERSON=0b5e6a52-9a3c-4f0e-8d57-3c1f6f2e9b10

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
	[ -z "${LOAD:-}" ] || kill "$LOAD" 2>/dev/null || :
	world_leave
}

# mint CLAIMS [SECRET]: a token.
mint()
{
	python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import http_cases; print(http_cases.mint(sys.argv[2], secret=sys.argv[3]))' \
		"$WORLD_TOP/tests/tools" "$1" "${2:-secret}"
}

service_token()
{
	mint "{\"account\":\"$SYSTEM\",\"extra\":{\"service\":\"$1\"}}" "${2:-secret}"
}

user_token()
{
	mint "{\"account\":\"$1\",\"workspace\":\"$2\"}"
}

log_has()
{
	world_until "${2:-10}" grep -qE -- "$1" "$WORLD_DIR/program.log"
}

# rules LINE …: the file, at once.
rules()
{
	printf '%s\n' "$@" >"$RULES.new"
	mv "$RULES.new" "$RULES"
}

# hup LINE: reads settings again, and waits until the log has one more such line.
hup()
{
	local before

	before=$(lines_of "$1")
	kill -HUP "$(world_pid)"
	world_until 10 more_lines "$1" "$before"
}

lines_of()
{
	grep -cE "$1" "$WORLD_DIR/program.log" || :
}

more_lines()
{
	[ "$(lines_of "$1")" -gt "$2" ]
}

# answers STATUS METHOD PATH [CURL-ARG …], with TOKEN
answers()
{
	local want=$1 method=$2 path=$3 got
	shift 3

	[ "$method" != HEAD ] || set -- "$@" -I
	[ "$method" = HEAD ] || set -- "$@" -X "$method"
	got=$(WORLD_TOKEN=$TOKEN world_status "$path" "$@")
	[ "$got" = "$want" ] || { echo "$method $path: $got, not $want"; return 1; }
}

# Everything that can be asked of a namespace, in any way of writing it, with TOKEN.
refused_everywhere()
{
	python3 - "$WORLD_PORT" "$TOKEN" "$DEFAULT_WS" <<-'END'
		import http.client, sys
		port, token, ws = sys.argv[1:]
		web = http.client.HTTPConnection("127.0.0.1", int(port))
		wrong = []
		def ask(method, path, body=None, **fields):
		    web.request(method, path, body, {"Authorization": "Bearer " + token, **fields})
		    answer = web.getresponse()
		    answer.read()
		    if answer.status != 403:
		        wrong.append((method, path, fields, answer.status))
		for ns in "hulygram", "%68ulygram", "hulygra%6d", "%68%75%6c%79%67%72%61%6D":
		    for path in f"/api/{ns}/k", f"/api2/{ws}/{ns}/k", f"/api2/{ws}/{ns}/new":
		        for method in "GET", "HEAD", "DELETE":
		            ask(method, path)
		        ask("GET", path, **{"If-None-Match": "*"})
		        ask("GET", path, **{"If-Match": '"x"'})
		        ask("POST" if "/api/" in path else "PUT", path, "x")
		    for condition in {"If-None-Match": "*"}, {"If-Match": "*"}, {"If-Match": '"x"'}:
		        ask("PUT", f"/api2/{ws}/{ns}/k", "x", **condition)
		        ask("DELETE", f"/api2/{ws}/{ns}/k", **condition)
		    for path in f"/api/{ns}", f"/api2/{ws}/{ns}", f"/api2/{ws.replace('-', '')}/{ns}", f"/api2/%7B{ws}%7D/{ns}":
		        for query in "", "?prefix=k&limit=1", "?prefix=&cursor=kaw", "?include=metadata", "?include=values":
		            ask("GET", path + query)
		        ask("HEAD", path)
		ask("GET", f"http://127.0.0.1:{port}/api/hulygram/k")
		sys.exit("not refused: %s" % wrong if wrong else 0)
	END
}

# The namespaces of the default workspace that TOKEN is shown.
listed_namespaces()
{
	WORLD_TOKEN=$TOKEN world_get "/api2/$DEFAULT_WS" | head -n 1 | sed 's/.*"namespaces"://; s/}$//'
}

JSON='Content-Type: application/json'

each_way_is_refused()
{
	RULES=$BATS_TEST_TMPDIR/rules
	rules 'allow account=system service=hulygram namespace=hulygram' 'deny namespace=hulygram' \
		'allow account=guest to=read,list namespace=public*' 'deny account=guest' 'deny to=write namespace=frozen api=v2'
	world_start "$1" HULY_ACCESS_RULES="$RULES"
	log_has 'msg="access rules" rules=5 otherwise="allow"'

	TOKEN=$(service_token hulygram)
	answers 204 POST /api/hulygram/k -d secret
	answers 200 GET "/api2/$DEFAULT_WS/hulygram/k"
	answers 200 GET /api/hulygram?prefix=k
	answers 200 GET "/api2/$DEFAULT_WS/hulygram?include=values"
	answers 204 POST /api/open/k -d value
	[ "$(listed_namespaces)" = '["hulygram","open"]' ]
	answers 200 GET /api2
	TOKEN=$(service_token gmail)
	refused_everywhere
	answers 404 GET /api/hulygram/x/../k # three names, and no route
	[ "$(listed_namespaces)" = '["open"]' ]
	TOKEN=$(user_token "$PERSON" "$DEFAULT_WS")
	refused_everywhere
	[ "$(listed_namespaces)" = '["open"]' ]
	answers 403 GET /api2
	TOKEN=$(service_token "hulygram$(printf '%0100d' 0)")
	answers 403 GET /api/hulygram/k
	TOKEN=$(user_token "$PERSON" "$WS")
	answers 403 GET /api/hulygram/k
	answers 403 GET "/api2/$WS/hulygram/k"
	# Other bytes are other rows.
	answers 404 GET /api/Hulygram/k
	answers 404 GET /api/hulygram%20/k
	answers 404 GET /api/hulygram%2Fk/k
	answers 404 GET /api//hulygram/k
	answers 404 GET /api/hulygram//k
	answers 400 GET /api/hulygram%00/k
	answers 403 GET "/api2/$WS2/hulygram/k"
	[[ $(WORLD_TOKEN=$TOKEN world_get "/api2/$WS2/hulygram/k") == *"Workspace mismatch"* ]]
	# It stays the one that was written.
	TOKEN=$(service_token hulygram)
	[ "$(WORLD_TOKEN=$TOKEN world_get /api/hulygram/k)" = $'secret\n200' ]

	TOKEN=$(user_token "$GUEST" "$WS")
	answers 404 GET "/api2/$WS/public-1/k"
	answers 200 GET "/api2/$WS/public"
	answers 403 PUT "/api2/$WS/public/k" -d x
	answers 403 GET "/api2/$WS/other/k"
	TOKEN=$(user_token "$PERSON" "$WS")
	answers 403 PUT "/api2/$WS/frozen/k" -d x
	answers 404 DELETE "/api2/$WS/frozen/k"
	answers 204 POST /api/frozen/k -d x
	# Each operation of a batch is asked for.
	answers 200 POST "/api2/$WS/frozen" -H "$JSON" -d '{"operations":[{"op":"get","key":"k"},{"op":"delete","key":"l"}]}'
	[ "$(WORLD_TOKEN=$TOKEN world_get "/api2/$WS/frozen" -H "$JSON" -d '{"operations":[{"op":"delete","key":"k"},
		{"op":"put","key":"l","value":""}]}')" = $'operations[1]: Namespace forbidden\n403' ]
	answers 403 POST "/api2/$WS/hulygram" -H "$JSON" -d '{"operations":[{"op":"get","key":"k"}]}'

	# As text and as JSON, with a line that names the rule.
	[ "$(WORLD_TOKEN=$TOKEN world_get "/api/hulygram/k")" = $'Namespace forbidden\n403' ]
	run env WORLD_TOKEN="$TOKEN" curl -s -H "Authorization: Bearer $TOKEN" -H 'Accept: application/problem+json' "$WORLD_URL/api/hulygram/k"
	python3 -c 'import json, sys; p = json.loads(sys.argv[1]); assert p["status"] == 403 and "Namespace forbidden" in p.values(), p' "$output"
	log_has 'route="/api/\{namespace\}/\{key\}" status=403 .* refusal="NAMESPACE_FORBIDDEN" rule=2$'
	curl -s "$WORLD_OPERATOR_URL/metrics" | grep -qE '^hulykvs_auth_refusals_total\{reason="namespace_forbidden"\} [1-9]'
	world_stop
}

@test "nginx: a rule refuses a request in every form of its path" { each_way_is_refused nginx; }
@test "lighttpd: a rule refuses a request in every form of its path" { each_way_is_refused lighttpd; }

@test "plain CGI obeys the rules too" {
	RULES=$BATS_TEST_TMPDIR/rules
	rules 'allow account=system namespace=mine' 'deny any'
	world_start cgi HULY_ACCESS_RULES="$RULES"
	TOKEN=$(service_token x)
	answers 204 POST /api/mine/k -d x
	answers 403 GET /api/theirs/k
	WORLD_ERRORS_EXPECTED=1 world_stop
}

# --- what an operator asks ---

@test "--check-config and --print-config: files of rules and secrets, with the line that is wrong" {
	local dir=$BATS_TEST_TMPDIR rows row
	cd "$dir"
	rows=(
		'permit any|HULY_ACCESS_RULES: rules:3: begins with neither allow nor deny: permit'
		'deny|HULY_ACCESS_RULES: rules:3: no condition: a rule about everything has the word any'
		'allow namespce=x|HULY_ACCESS_RULES: rules:3: no such condition: namespce'
		'allow account=me|HULY_ACCESS_RULES: rules:3: account: not a UUID, system or guest'
		'allow namespace=a*b|HULY_ACCESS_RULES: rules:3: namespace: a * that is not the end'
		'allow to=read namespace=%zz|HULY_ACCESS_RULES: rules:3: namespace: a % without two hex digits'
	)
	for row in "${rows[@]}"; do
		printf '# comment\nallow account=system\n%s\ndeny any\n' "${row%%|*}" >rules
		run env -i HULY_TOKEN_SECRET=canary-1 HULY_ACCESS_RULES=rules "$HULYKVS_BUILD/hulykvs" --check-config
		[ "$status" -eq 78 ]
		[[ $output == "hulykvs: ${row#*|}"* ]]
		[[ $output != *canary* ]]
	done
	printf 'deny namespace=*\n\nallow service=x\n' >rules
	run env -i HULY_TOKEN_SECRET=x HULY_ACCESS_RULES=rules "$HULYKVS_BUILD/hulykvs" --check-config
	[ "$status" -eq 0 ]
	[[ $output == *'an access rule never decides: an earlier one decides all its requests" line=3 before=1'* ]]
	cp "$WORLD_TOP/deploy/rules/huly-selfhost.rules" rules
	run env -i HULY_TOKEN_SECRET=x HULY_ACCESS_RULES=rules HULY_ACCESS_DEFAULT=deny "$HULYKVS_BUILD/hulykvs" --check-config
	[ "$status" -eq 0 ]
	[[ $output != *'never decides'* ]]
	run env -i HULY_TOKEN_SECRET=x HULY_ACCESS_DEFAULT=deny "$HULYKVS_BUILD/hulykvs" --check-config
	[ "$status" -eq 78 ]
	[[ $output == *"deny without HULY_ACCESS_RULES"* ]]
	run env -i HULY_TOKEN_SECRET=x HULY_ACCESS_RULES=nowhere "$HULYKVS_BUILD/hulykvs" --check-config
	[ "$status" -eq 78 ]
	[[ $output == *"HULY_ACCESS_RULES: nowhere: No such file"* ]]

	# Secrets are never told, whatever is wrong with them.
	(umask 077 && echo 'canary-2 of the tokens' >token && echo 'postgresql://u:canary-3@nowhere/db?sslmode=canary' >db)
	run env -i HULY_TOKEN_SECRET_FILE=token HULY_DB_CONNECTION_FILE=db HULY_TOKEN_SECRET_PREVIOUS=canary-4 \
		"$HULYKVS_BUILD/hulykvs" --print-config
	[ "$status" -eq 0 ]
	[[ $output != *canary* ]]
	grep -qxF 'HULY_TOKEN_SECRET_FILE=token  # environment; HUP reads it again' <<<"$output"
	grep -qxF 'HULY_TOKEN_SECRET_PREVIOUS=********  # environment; HUP reads it again' <<<"$output"
	for wrong in HULY_TOKEN_SECRET=canary-5 HULY_REQUIRE_STRONG_SECRET=on HULY_WORKERS=x HULY_ACCESS_RULES=nowhere; do
		run env -i HULY_TOKEN_SECRET_FILE=token HULY_DB_CONNECTION_FILE=db "$wrong" "$HULYKVS_BUILD/hulykvs" --check-config
		[ "$status" -eq 78 ]
		[[ $output != *canary* ]]
	done
	printf "host='canary" >db
	run env -i HULY_TOKEN_SECRET_FILE=token HULY_DB_CONNECTION_FILE=db "$HULYKVS_BUILD/hulykvs" --check-config
	[ "$status" -eq 78 ]
	[[ $output != *canary* ]]
	chmod 644 token
	run env -i HULY_TOKEN_SECRET_FILE=token "$HULYKVS_BUILD/hulykvs" --check-config
	[ "$status" -eq 78 ]
	[[ $output == *"HULY_TOKEN_SECRET_FILE: token: open to others than its owner"* ]]
}

# verdict STATUS FIRST-LINE SECOND-LINE REQUEST: what --access-check says with standard input as it is.
verdict()
{
	run --separate-stderr env -i HULY_TOKEN_SECRET=canary HULY_ACCESS_RULES=rules HULY_ACCESS_DEFAULT="${DEFAULT:-allow}" \
		"$HULYKVS_BUILD/hulykvs" --access-check "$4"
	echo "$4: $status: $output"
	[ "$status" -eq "$1" ]
	[ "${lines[0]:-}" = "$2" ]
	# shellcheck disable=SC2053 # a pattern
	[[ ${lines[1]:-} == $3 ]]
}

@test "--access-check: the verdict and the rule, for a token or its claims, without a database" {
	cd "$BATS_TEST_TMPDIR"
	cp "$WORLD_TOP/deploy/rules/huly-selfhost.rules" rules
	local telegram system user
	telegram=$(service_token hulygram canary) system="{\"account\":\"$SYSTEM\"" user="{\"account\":\"$PERSON\",\"workspace\":\"$WS\"}"
	number() { grep -n "$1" rules | head -n 1 | cut -d: -f1; }

	echo "$telegram" >asked
	verdict 0 allowed "rules:$(number '^allow.*=hulygram'): allow account=system service=hulygram *" 'GET /api/hulygram/ses_%2B49123' <asked
	verdict 77 '403 Namespace forbidden' "rules:$(number '^deny  *namespace'): deny *" 'GET /api/hulygram' <asked
	verdict 77 '403 Namespace forbidden' "rules:$(number '^deny  *namespace'): deny *" 'GET /api/gmail/x' <asked
	for service in google-calendar gmail huly-mail hulygram; do
		echo "$system,\"extra\":{\"service\":\"$service\"}}" >asked
		for method in POST DELETE; do
			verdict 0 allowed "rules:*service=$service*" "$method /api/$service/key" <asked
		done
		[ "$service" != google-calendar ] || verdict 0 allowed 'rules:*' "GET /api/$service?prefix=x" <asked
		for other in google-calendar gmail huly-mail hulygram; do
			[ "$other" = "$service" ] || verdict 77 '403 Namespace forbidden' 'rules:*' "GET /api/$other/key" <asked
		done
	done
	echo "$user" >asked
	for ns in google-calendar gmail huly-mail hulygram; do
		verdict 77 '403 Namespace forbidden' 'rules:*' "GET /api/$ns/key" <asked
		verdict 77 '403 Namespace forbidden' 'rules:*' "GET /api2/$WS/$ns" <asked
	done
	verdict 0 allowed 'no rule: HULY_ACCESS_DEFAULT is allow' "PUT /api2/$WS/own/key" <asked
	DEFAULT=deny verdict 77 '403 Namespace forbidden' 'no rule: HULY_ACCESS_DEFAULT is deny' "PUT /api2/$WS/own/key" <asked
	verdict 77 '403 Workspace mismatch' 'the rules were not asked' "PUT /api2/$WS2/own/key" <asked
	verdict 0 allowed 'the rules are asked for each name of the list' "GET /api2/$WS" <asked
	verdict 77 '403 Only the system account may list workspaces' 'the rules were not asked' "GET /api2" <asked
	verdict 77 '400 Malformed percent-encoding' 'the rules were not asked' "GET /api/%zz/key" <asked
	service_token hulygram wrong-secret >asked
	verdict 77 '401 InvalidToken' 'the token is refused: signature' 'GET /api/hulygram/x' <asked
	mint "{\"account\":\"$SYSTEM\",\"exp\":1000000000}" canary >asked
	verdict 77 '401 InvalidToken' 'the token is refused: expired' 'GET /api/hulygram/x' <asked
	echo '{"extra":{}}' >asked
	verdict 77 '401 InvalidToken' 'the token is refused: claims' 'GET /api/hulygram/x' <asked
	verdict 64 '' '' 'GET' <asked
	verdict 64 '' '' 'GET /livez' <asked
	verdict 64 '' '' 'GET /api/x/y' </dev/null
	sed -i 's/^deny.*/deny/' rules
	verdict 78 '' '' 'GET /api/x/y' <asked
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

# --- refused tokens ---

# refused TOKEN REASON SERVICE: the answer tells nothing, the log line why.
refused()
{
	local id=refused-$RANDOM

	[ "$(WORLD_TOKEN=$1 world_get "/api2/$WS/ns/key" -H "X-Request-Id: $id")" = $'InvalidToken\n401' ]
	log_has "request_id=\"$id\" .* refusal=\"INVALID_TOKEN\" reason=\"$2\"${4:-}$"
	log_has "request_id=\"$id\" .* ${3:+service=\"$3\" }refusal="
	run ! grep -F "${1##*.}" "$WORLD_DIR/program.log"
}

refused_tokens()
{
	local claims="\"account\":\"$SYSTEM\",\"extra\":{\"service\":\"mail\"}"

	world_start "$1"
	refused "$(service_token mail canary-secret)" signature mail
	refused "$(mint "{$claims,\"exp\":1000000000}")" expired mail
	refused "$(mint "{$claims,\"nbf\":9000000000}")" 'not yet valid' mail
	refused "$(mint "{$claims,\"aud\":\"x\"}")" claims mail
	refused a.b.canary-token malformed ''
	for reason in signature expired not_yet_valid claims malformed; do
		curl -s "$WORLD_OPERATOR_URL/metrics" |
			grep -qxF "hulykvs_auth_refusals_total{reason=\"token_$reason\"} 1"
	done
	run ! grep -E 'client=|127\.0\.0\.1|canary' "$WORLD_DIR/program.log"
	mkdir "$WORLD_DIR/etc"
	echo 'log_client_address = true' >"$WORLD_DIR/etc/config.toml"
	hup 'settings read again'
	refused a.b.canary-token malformed '' ' client="127.0.0.1"'
	world_stop
}

@test "nginx: a refused token says why in the log and the metrics, and nothing in the answer" {
	refused_tokens nginx
}

@test "lighttpd: a refused token says why in the log and the metrics, and nothing in the answer" {
	refused_tokens lighttpd
}

# --- files that are read once ---

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

# --- secrets that nobody is told ---

# What can go wrong with a token, the settings and the database, with canaries in all of them.
@test "no token, secret or connection string in any log, in failure either" {
	local token c=canary$RANDOM$RANDOM

	printf '%s the secret\n' "$c" >"$BATS_TEST_TMPDIR/token"
	chmod 600 "$BATS_TEST_TMPDIR/token"
	RULES=$BATS_TEST_TMPDIR/rules
	rules "deny namespace=$c"
	world_start nginx HULY_LOG_FORMAT=json HULY_TOKEN_SECRET_FILE="$BATS_TEST_TMPDIR/token" HULY_REQUEST_TIMEOUT=1 \
		HULY_TOKEN_SECRET_PREVIOUS="$c before" HULY_ACCESS_RULES="$RULES"
	mkdir -p "$WORLD_DIR/etc"
	token=$(service_token "x" "$c the secret")
	TOKEN=$token
	answers 204 POST /api/n/k -d "$c"
	answers 403 GET "/api/$c/k"
	TOKEN=${token%?}x answers 401 GET "/api/n/k"
	TOKEN=$c answers 401 GET "/api/n/k"
	# A connection string that nobody can read, and one for another database with a password in it.
	for connection in "postgresql://u:$c@h:port/db" "host=$c password=$c" "'$c"; do
		echo "db_connection = \"$connection\"" >"$WORLD_DIR/etc/config.toml"
		kill -HUP "$(world_pid)"
	done
	echo "token_secret = \"$c\"" >"$WORLD_DIR/etc/config.toml"
	hup 'settings are wrong'
	rm "$WORLD_DIR/etc/config.toml"
	chmod 666 "$BATS_TEST_TMPDIR/token"
	hup 'open to others'
	rm "$BATS_TEST_TMPDIR/token"
	hup 'No such file'
	pg_sql "w${WORLD_DIR##*.}" -c 'alter table hulykvs.kvs rename to elsewhere'
	answers 503 GET /api/n/k || answers 500 GET /api/n/k
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

# --- HUP ---

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

# Asks for ever; a line for each answer in $WORLD_DIR/answers: STATUS NAMESPACE.
load_two()
{
	local ns

	while :; do
		for ns in a b; do
			echo "$(WORLD_TOKEN=$TOKEN world_status "/api/$ns/k") $ns"
		done
	done >"$WORLD_DIR/answers"
}

# The last of many answers is the one: the load has come so far.
last_answers()
{
	tail -n 2 "$WORLD_DIR/answers" | sort | tr '\n' ' ' | grep -qx "$1 "
}

@test "HUP under load: the old rules or the new ones, and a broken file changes nothing" {
	RULES=$BATS_TEST_TMPDIR/rules
	rules 'deny namespace=b'
	world_start nginx HULY_ACCESS_RULES="$RULES" HULY_WORKERS=3
	TOKEN=$(service_token x)
	load_two 3>&- &
	LOAD=$!
	world_until 10 last_answers '403 b 404 a'
	rules 'deny namespace=a'
	hup 'msg="settings read again"'
	answers 403 GET /api/a/k
	answers 404 GET /api/b/k
	for broken in 'deny' 'allow any' '' 'deny namespace=%zz'; do
		rules 'deny namespace=b' "$broken" 'permit me'
		hup 'level=error msg="settings are wrong, nothing was changed"'
		answers 403 GET /api/a/k
		answers 404 GET /api/b/k
	done
	log_has "why=\"HULY_ACCESS_RULES: $RULES:2: no condition"
	log_has "why=\"HULY_ACCESS_RULES: $RULES:3: begins with neither allow nor deny: permit\""
	log_has "why=\"HULY_ACCESS_RULES: $RULES:2: namespace: a % without"
	rm "$RULES"
	hup 'level=error .*No such file or directory'
	answers 403 GET /api/a/k
	for i in 1 2 3 4 5 6 7 8 9 10; do
		rules "deny namespace=$([ $((i % 2)) = 0 ] && echo a || echo b)"
		hup 'msg="settings read again"'
		answers "$([ $((i % 2)) = 0 ] && echo 403 || echo 404)" GET /api/a/k
		answers "$([ $((i % 2)) = 0 ] && echo 404 || echo 403)" GET /api/b/k
	done
	kill "$LOAD"
	wait "$LOAD" || :
	LOAD=
	# Nothing but what one of the two says, and more than a handful.
	run sort -u "$WORLD_DIR/answers"
	[ "$output" = $'403 a\n403 b\n404 a\n404 b' ]
	WORLD_ERRORS_EXPECTED=1 world_stop
}

@test "HUP: rules go on using the workspace that v1 serves" {
	RULES=$BATS_TEST_TMPDIR/rules
	rules 'deny target=default'
	world_start nginx HULY_ACCESS_RULES="$RULES"
	TOKEN=$(service_token x)
	answers 403 GET /api/n/k
	mkdir -p "$WORLD_DIR/etc"
	echo 'default_workspace_uuid = "22222222-3333-4444-5555-666666666666"' >"$WORLD_DIR/etc/config.toml"
	hup 'msg="settings read again"'
	log_has 'it takes effect when the program is started again" setting="HULY_DEFAULT_WORKSPACE_UUID"'
	answers 403 GET /api/n/k
	world_stop
}

@test "a token secret is replaced by the next, and every request is answered meanwhile" {
	local old=$BATS_TEST_TMPDIR/old new=$BATS_TEST_TMPDIR/new
	printf 'the old secret, thirty-two bytes\n' >"$BATS_TEST_TMPDIR/current"
	chmod 600 "$BATS_TEST_TMPDIR/current"
	world_start lighttpd HULY_TOKEN_SECRET_FILE="$BATS_TEST_TMPDIR/current" HULY_REQUIRE_STRONG_SECRET=on
	old=$(service_token x 'the old secret, thirty-two bytes')
	new=$(service_token x 'the new secret, thirty-two bytes')
	mkdir -p "$WORLD_DIR/etc"
	TOKEN=$old answers 404 GET /api/n/k
	TOKEN=$new answers 401 GET /api/n/k

	printf 'the new secret, thirty-two bytes' >"$BATS_TEST_TMPDIR/current"
	echo 'token_secret_previous = "the old secret, thirty-two bytes"' >"$WORLD_DIR/etc/config.toml"
	hup 'msg="settings read again"'
	TOKEN=$old answers 404 GET /api/n/k
	TOKEN=$old answers 404 GET /api/n/k
	TOKEN=$new answers 404 GET /api/n/k
	curl -s "$WORLD_OPERATOR_URL/metrics" | grep -E '^hulykvs_tokens_accepted_total' >"$WORLD_DIR/accepted"
	grep -qx 'hulykvs_tokens_accepted_total{secret="previous"} 2' "$WORLD_DIR/accepted"
	grep -qE 'secret="current"\} [2-9]' "$WORLD_DIR/accepted"

	[ "$(in_memory 'the old secret, thirty-two bytes')" -ge 1 ]

	# One that is too short changes nothing.
	echo short >"$BATS_TEST_TMPDIR/current"
	hup 'level=error .*HULY_TOKEN_SECRET: shorter than 32 bytes'
	TOKEN=$new answers 404 GET /api/n/k
	printf 'the new secret, thirty-two bytes' >"$BATS_TEST_TMPDIR/current"
	chmod 644 "$BATS_TEST_TMPDIR/current"
	hup 'level=error .*open to others than its owner'
	chmod 600 "$BATS_TEST_TMPDIR/current"
	: >"$WORLD_DIR/etc/config.toml"
	hup 'msg="settings read again"'
	TOKEN=$old answers 401 GET /api/n/k
	TOKEN=$new answers 404 GET /api/n/k
	# No memory of the process holds the old one whole; the new one is there, once or more.
	[ "$(in_memory 'the new secret, thirty-two bytes')" -ge 1 ]
	[ "$(in_memory 'the old secret, thirty-two bytes')" -eq 0 ]

	# Where files are named, an empty one ends the rotation.
	(umask 077 && printf 'the old secret, thirty-two bytes' >"$BATS_TEST_TMPDIR/previous")
	echo "token_secret_previous_file = \"$BATS_TEST_TMPDIR/previous\"" >"$WORLD_DIR/etc/config.toml"
	hup 'msg="settings read again"'
	TOKEN=$old answers 404 GET /api/n/k
	: >"$BATS_TEST_TMPDIR/previous"
	hup 'msg="settings read again"'
	TOKEN=$old answers 401 GET /api/n/k
	TOKEN=$new answers 404 GET /api/n/k
	run ! grep -F thirty-two "$WORLD_DIR"/*.log
	WORLD_ERRORS_EXPECTED=1 world_stop
}
