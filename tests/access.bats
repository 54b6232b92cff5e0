#!/usr/bin/env bats
# Access rules and secrets in a running service: who is refused through each web
# server, new rules and secrets on HUP under load, and that no secret is told.

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load lib/postgres
load lib/world

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
	python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import play; print(play.mint(sys.argv[2], secret=sys.argv[3]))' \
		"$WORLD_TOP/tests" "$1" "${2:-secret}"
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

# Everything that can be asked of a namespace, in any way of writing it.
refused_everywhere()
{
	local ns path

	for ns in hulygram %68%75%6c%79%67%72%61%6D; do
		for path in "/api/$ns/k" "/api2/$DEFAULT_WS/$ns/k"; do
			answers 403 GET "$path"
			answers 403 HEAD "$path"
			answers 403 DELETE "$path"
		done
		answers 403 POST "/api/$ns/k" -d x
		answers 403 PUT "/api2/$DEFAULT_WS/$ns/k" -d x
		answers 403 PUT "/api2/$DEFAULT_WS/$ns/new" -d x -H 'If-None-Match: *'
		answers 403 PUT "/api2/$DEFAULT_WS/$ns/k" -d x -H 'If-Match: *'
		answers 403 GET "/api2/$DEFAULT_WS/$ns/k" -H 'If-None-Match: *'
		answers 403 GET "/api/$ns"
		answers 403 HEAD "/api/$ns"
		answers 403 GET "/api/$ns?prefix=k&limit=1"
		answers 403 GET "/api2/${DEFAULT_WS//-/}/$ns?prefix="
		answers 403 GET "/api2/%7B${DEFAULT_WS}%7D/$ns"
	done
	answers 403 GET / --request-target "$WORLD_URL/api/hulygram/k"
	answers 404 GET /api/hulygram/x/../k # three names, and no route
}

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
	TOKEN=$(service_token gmail)
	refused_everywhere
	TOKEN=$(user_token "$PERSON" "$DEFAULT_WS")
	refused_everywhere
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

	# As text and as JSON, with a line that names the rule.
	[ "$(WORLD_TOKEN=$TOKEN world_get "/api/hulygram/k")" = $'Namespace forbidden\n403' ]
	run env WORLD_TOKEN="$TOKEN" curl -s -H "Authorization: Bearer $TOKEN" -H 'Accept: application/problem+json' "$WORLD_URL/api/hulygram/k"
	python3 -c 'import json, sys; p = json.loads(sys.argv[1]); assert p["status"] == 403 and "Namespace forbidden" in p.values(), p' "$output"
	log_has 'route="/api/\{namespace\}/\{key\}" status=403 .* refusal="NAMESPACE_FORBIDDEN" rule=2$'
	curl -s "$WORLD_OPERATOR_URL/metrics" | grep -qE '^hulykvs_auth_refusals_total\{reason="namespace_forbidden"\} [1-9]'
	world_stop
}

@test "nginx: whoever a rule refuses finds no other way" { each_way_is_refused nginx; }
@test "lighttpd: whoever a rule refuses finds no other way" { each_way_is_refused lighttpd; }

@test "plain CGI obeys the rules too" {
	RULES=$BATS_TEST_TMPDIR/rules
	rules 'allow account=system namespace=mine' 'deny any'
	world_start cgi HULY_ACCESS_RULES="$RULES"
	TOKEN=$(service_token x)
	answers 204 POST /api/mine/k -d x
	answers 403 GET /api/theirs/k
	WORLD_ERRORS_EXPECTED=1 world_stop
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
		        if "w" in rights:
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

@test "a token secret gives way to the next, and every request is answered meanwhile" {
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
	# No memory of the process holds the old one; the new one is there, once or more.
	[ "$(in_memory 'the new secret, thirty-two bytes')" -ge 1 ]
	[ "$(in_memory 'the old secret, thirty-two bytes')" -eq 0 ]
	run ! grep -F thirty-two "$WORLD_DIR"/*.log
	WORLD_ERRORS_EXPECTED=1 world_stop
}
