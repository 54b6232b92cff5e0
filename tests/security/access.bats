#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# Access rules in a running service: who is refused through each web server, and new rules on HUP under load.

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
	[ -z "${LOAD:-}" ] || kill "$LOAD" 2>/dev/null || :
	world_leave
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
	access_rules 'allow account=system service=hulygram namespace=hulygram' 'deny namespace=hulygram' \
		'allow account=guest to=read,list namespace=public*' 'deny account=guest' 'deny to=write namespace=frozen api=v2'
	world_start "$1" HULY_ACCESS_RULES="$RULES"
	world_log_has 'msg="access rules" rules=5 otherwise="allow"'

	TOKEN=$(access_service hulygram)
	access_answers 204 POST /api/hulygram/k -d secret
	access_answers 200 GET "/api2/$DEFAULT_WS/hulygram/k"
	access_answers 200 GET /api/hulygram?prefix=k
	access_answers 200 GET "/api2/$DEFAULT_WS/hulygram?include=values"
	access_answers 204 POST /api/open/k -d value
	[ "$(listed_namespaces)" = '["hulygram","open"]' ]
	access_answers 200 GET /api2
	TOKEN=$(access_service gmail)
	refused_everywhere
	access_answers 404 GET /api/hulygram/x/../k # three names, and no route
	[ "$(listed_namespaces)" = '["open"]' ]
	TOKEN=$(access_user "$PERSON" "$DEFAULT_WS")
	refused_everywhere
	[ "$(listed_namespaces)" = '["open"]' ]
	access_answers 403 GET /api2
	TOKEN=$(access_service "hulygram$(printf '%0100d' 0)")
	access_answers 403 GET /api/hulygram/k
	TOKEN=$(access_user "$PERSON" "$WS")
	access_answers 403 GET /api/hulygram/k
	access_answers 403 GET "/api2/$WS/hulygram/k"
	# Other bytes are other rows.
	access_answers 404 GET /api/Hulygram/k
	access_answers 404 GET /api/hulygram%20/k
	access_answers 404 GET /api/hulygram%2Fk/k
	access_answers 404 GET /api//hulygram/k
	access_answers 404 GET /api/hulygram//k
	access_answers 400 GET /api/hulygram%00/k
	access_answers 403 GET "/api2/$WS2/hulygram/k"
	[[ $(WORLD_TOKEN=$TOKEN world_get "/api2/$WS2/hulygram/k") == *"Workspace mismatch"* ]]
	# It stays the one that was written.
	TOKEN=$(access_service hulygram)
	[ "$(WORLD_TOKEN=$TOKEN world_get /api/hulygram/k)" = $'secret\n200' ]

	TOKEN=$(access_user "$GUEST" "$WS")
	access_answers 404 GET "/api2/$WS/public-1/k"
	access_answers 200 GET "/api2/$WS/public"
	access_answers 403 PUT "/api2/$WS/public/k" -d x
	access_answers 403 GET "/api2/$WS/other/k"
	TOKEN=$(access_user "$PERSON" "$WS")
	access_answers 403 PUT "/api2/$WS/frozen/k" -d x
	access_answers 404 DELETE "/api2/$WS/frozen/k"
	access_answers 204 POST /api/frozen/k -d x
	# Each operation of a batch is asked for.
	access_answers 200 POST "/api2/$WS/frozen" -H "$JSON" -d '{"operations":[{"op":"get","key":"k"},{"op":"delete","key":"l"}]}'
	[ "$(WORLD_TOKEN=$TOKEN world_get "/api2/$WS/frozen" -H "$JSON" -d '{"operations":[{"op":"delete","key":"k"},
		{"op":"put","key":"l","value":""}]}')" = $'operations[1]: Namespace forbidden\n403' ]
	access_answers 403 POST "/api2/$WS/hulygram" -H "$JSON" -d '{"operations":[{"op":"get","key":"k"}]}'

	# As text and as JSON, with a line that names the rule.
	[ "$(WORLD_TOKEN=$TOKEN world_get "/api/hulygram/k")" = $'Namespace forbidden\n403' ]
	run env WORLD_TOKEN="$TOKEN" curl -s -H "Authorization: Bearer $TOKEN" -H 'Accept: application/problem+json' "$WORLD_URL/api/hulygram/k"
	python3 -c 'import json, sys; p = json.loads(sys.argv[1]); assert p["status"] == 403 and "Namespace forbidden" in p.values(), p' "$output"
	world_log_has 'route="/api/\{namespace\}/\{key\}" status=403 .* refusal="NAMESPACE_FORBIDDEN" rule=2$'
	curl -s "$WORLD_OPERATOR_URL/metrics" | grep -qE '^hulykvs_auth_refusals_total\{reason="namespace_forbidden"\} [1-9]'
	world_stop
}

@test "nginx: a rule refuses a request in every form of its path" { each_way_is_refused nginx; }
@test "lighttpd: a rule refuses a request in every form of its path" { each_way_is_refused lighttpd; }

@test "plain CGI obeys the rules too" {
	RULES=$BATS_TEST_TMPDIR/rules
	access_rules 'allow account=system namespace=mine' 'deny any'
	world_start cgi HULY_ACCESS_RULES="$RULES"
	TOKEN=$(access_service x)
	access_answers 204 POST /api/mine/k -d x
	access_answers 403 GET /api/theirs/k
	WORLD_ERRORS_EXPECTED=1 world_stop
}

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
	# The path of a secret in the place of the rules.
	rows+=('canary-of-more-than-twelve|HULY_ACCESS_RULES: rules:3: begins with neither allow nor deny')
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
	run --separate-stderr env -i HULY_TOKEN_SECRET=canary HULY_ACCESS_RULES="${RULES_FILE:-rules}" \
		HULY_ACCESS_DEFAULT="${DEFAULT:-allow}" "$HULYKVS_BUILD/hulykvs" --access-check "$4"
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
	# shellcheck disable=SC2153 # from access.bash
	telegram=$(access_service hulygram canary) system="{\"account\":\"$SYSTEM\"" user="{\"account\":\"$PERSON\",\"workspace\":\"$WS\"}"
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
	verdict 0 allowed 'get allowed, no rule: HULY_ACCESS_DEFAULT is allow' "POST /api2/$WS/own" <asked
	DEFAULT=deny verdict 77 '403 Namespace forbidden' 'get refused, no rule: HULY_ACCESS_DEFAULT is deny' "POST /api2/$WS/own" <asked
	verdict 77 '403 Workspace mismatch' 'the rules were not asked' "POST /api2/$WS2/own" <asked
	# The place of the proofs of encryption keys is for nobody, whatever the rules and their default.
	zeros=00000000-0000-0000-0000-000000000000
	echo "$system}" >asked
	for request in "GET /api2/$zeros/hulykvs-keys/a" "GET /api2/$zeros/hulykvs-keys" "POST /api2/$zeros/hulykvs-keys"; do
		for default in allow deny; do
			DEFAULT=$default verdict 77 '403 Namespace forbidden' 'the rules were not asked: proofs of *' "$request" <asked
		done
		RULES_FILE=off verdict 77 '403 Namespace forbidden' 'the rules were not asked: proofs of *' "$request" <asked
	done
	verdict 0 allowed 'no rule: HULY_ACCESS_DEFAULT is allow' "GET /api2/$WS2/hulykvs-keys/a" <asked
	echo "$user" >asked
	verdict 77 '405 METHOD_NOT_ALLOWED' 'the rules were not asked' "PUT /api2/$WS/own" <asked
	# A batch whose operations are judged differently.
	cp rules rules.all
	printf '%s\n' 'allow namespace=own to=read' 'deny  namespace=own to=delete' >rules
	verdict 77 '403 Namespace forbidden' 'get allowed, rules:1: allow namespace=own to=read' "POST /api2/$WS/own" <asked
	[ "${lines[2]}" = 'put allowed, no rule: HULY_ACCESS_DEFAULT is allow' ]
	[ "${lines[3]}" = 'delete refused, rules:2: deny  namespace=own to=delete' ]
	mv rules.all rules
	verdict 77 '400 Malformed percent-encoding' 'the rules were not asked' "GET /api/%zz/key" <asked
	access_service hulygram wrong-secret >asked
	verdict 77 '401 InvalidToken' 'the token is refused: signature' 'GET /api/hulygram/x' <asked
	access_mint "{\"account\":\"$SYSTEM\",\"exp\":1000000000}" canary >asked
	verdict 77 '401 InvalidToken' 'the token is refused: expired' 'GET /api/hulygram/x' <asked
	echo '{"extra":{}}' >asked
	verdict 77 '401 InvalidToken' 'the token is refused: claims' 'GET /api/hulygram/x' <asked
	verdict 64 '' '' 'GET' <asked
	verdict 64 '' '' 'GET /livez' <asked
	verdict 64 '' '' 'GET /api/x/y' </dev/null
	sed -i 's/^deny.*/deny/' rules
	verdict 78 '' '' 'GET /api/x/y' <asked
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
	access_rules 'deny namespace=b'
	world_start nginx HULY_ACCESS_RULES="$RULES" HULY_WORKERS=3
	TOKEN=$(access_service x)
	load_two 3>&- &
	LOAD=$!
	world_until 10 last_answers '403 b 404 a'
	access_rules 'deny namespace=a'
	access_hup 'msg="settings read again"'
	access_answers 403 GET /api/a/k
	access_answers 404 GET /api/b/k
	for broken in 'deny' 'allow any' '' 'deny namespace=%zz'; do
		access_rules 'deny namespace=b' "$broken" 'permit me'
		access_hup 'level=error msg="settings are wrong, nothing was changed"'
		access_answers 403 GET /api/a/k
		access_answers 404 GET /api/b/k
	done
	world_log_has "why=\"HULY_ACCESS_RULES: $RULES:2: no condition"
	world_log_has "why=\"HULY_ACCESS_RULES: $RULES:3: begins with neither allow nor deny: permit\""
	world_log_has "why=\"HULY_ACCESS_RULES: $RULES:2: namespace: a % without"
	rm "$RULES"
	access_hup 'level=error .*No such file or directory'
	access_answers 403 GET /api/a/k
	for i in 1 2 3 4 5 6 7 8 9 10; do
		access_rules "deny namespace=$([ $((i % 2)) = 0 ] && echo a || echo b)"
		access_hup 'msg="settings read again"'
		access_answers "$([ $((i % 2)) = 0 ] && echo 403 || echo 404)" GET /api/a/k
		access_answers "$([ $((i % 2)) = 0 ] && echo 404 || echo 403)" GET /api/b/k
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
	access_rules 'deny target=default'
	world_start nginx HULY_ACCESS_RULES="$RULES"
	TOKEN=$(access_service x)
	access_answers 403 GET /api/n/k
	mkdir -p "$WORLD_DIR/etc"
	echo 'default_workspace_uuid = "22222222-3333-4444-5555-666666666666"' >"$WORLD_DIR/etc/config.toml"
	access_hup 'msg="settings read again"'
	world_log_has 'it takes effect when the program is started again" setting="HULY_DEFAULT_WORKSPACE_UUID"'
	access_answers 403 GET /api/n/k
	world_stop
}
