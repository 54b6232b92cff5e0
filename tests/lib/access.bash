# SPDX-License-Identifier: EPL-2.0
# Tokens, access rules and requests with one of the tokens.  Load this after postgres.bash and world.bash.
#
#   access_mint CLAIMS [SECRET]
#                      prints a token
#   access_service NAME [SECRET]
#                      that of a service, of the system account
#   access_user ACCOUNT WORKSPACE
#   access_rules LINE …
#                      writes RULES, at once
#   access_hup LINE    has the program read its settings again, and waits until the log has one more such line
#   access_answers STATUS METHOD PATH [CURL-ARG …]
#                      whether that is the status, with TOKEN

# The tests read some of them.
# shellcheck disable=SC2034
WS=5f0c2a3e-7b1d-4c8f-9e6a-0d1b2c3d4e5f
WS2=a1b2c3d4-e5f6-4a7b-8c9d-0e1f2a3b4c5d
DEFAULT_WS=11111111-2222-3333-4444-555555555555
SYSTEM=1749089e-22e6-48de-af4e-165e18fbd2f9
GUEST=b6996120-416f-49cd-841e-e4a5d2e49c9b
PERSON=0b5e6a52-9a3c-4f0e-8d57-3c1f6f2e9b10

access_mint()
{
	python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import http_cases; print(http_cases.mint(sys.argv[2], secret=sys.argv[3]))' \
		"$WORLD_TOP/tests/tools" "$1" "${2:-secret}"
}

access_service()
{
	access_mint "{\"account\":\"$SYSTEM\",\"extra\":{\"service\":\"$1\"}}" "${2:-secret}"
}

access_user()
{
	access_mint "{\"account\":\"$1\",\"workspace\":\"$2\"}"
}

access_rules()
{
	printf '%s\n' "$@" >"$RULES.new"
	mv "$RULES.new" "$RULES"
}

access_hup()
{
	local before

	before=$(access_lines "$1")
	kill -HUP "$(world_pid)"
	world_until 10 access_more_lines "$1" "$before"
}

access_lines()
{
	grep -cE "$1" "$WORLD_DIR/program.log" || :
}

access_more_lines()
{
	[ "$(access_lines "$1")" -gt "$2" ]
}

access_answers()
{
	local want=$1 method=$2 path=$3 got
	shift 3

	[ "$method" != HEAD ] || set -- "$@" -I
	[ "$method" = HEAD ] || set -- "$@" -X "$method"
	got=$(WORLD_TOKEN=$TOKEN world_status "$path" "$@")
	[ "$got" = "$want" ] || { echo "$method $path: $got, not $want"; return 1; }
}
