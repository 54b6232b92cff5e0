#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# hulykvsctl against the real service: each command, and what it refuses.
# shellcheck disable=SC2030,SC2031 # each test has its own output and status
# shellcheck disable=SC2034 # CTL_* are read by ctl.bash

bats_require_minimum_version 1.5.0

load ../lib/postgres
load ../lib/world
load ../lib/ctl

setup_file()
{
	ctl_world
}

teardown_file()
{
	ctl_world_end
}

setup()
{
	ctl_enter
}

teardown()
{
	ctl_leave
}

@test "put, get, delete: a value from standard input and from a file comes back as it was" {
	printf 'a\0\xff\n' >value
	ctl put "$NS" key <value
	ctl get "$NS" key >got
	cmp value got
	head -c 1000000 /dev/urandom >value
	ctl put "$NS" 'key / ä % + ? # .. <x@y>' value
	ctl get "$NS" 'key / ä % + ? # .. <x@y>' --output-file got
	cmp value got
	[ "$(stat -c %a got)" = "$(printf %o $((0666 & ~0$(umask))))" ]
	ctl put "$NS" -- -key - </dev/null
	[ -z "$(ctl get "$NS" -- -key)" ]
	ctl delete "$NS" -- -key
	ctl_ends 1 "not found" get "$NS" -- -key
	ctl_ends 1 "not found" delete "$NS" -- -key
}

@test "get --output json has the value as base64, and the entity tag" {
	printf '\0ab' | ctl put "$NS" 'k"'
	[ "$(ctl get "$NS" 'k"' --output json)" = '{"key":"k\"","etag":"\"'"$(printf '\0ab' | md5sum | cut -c1-32)"'\"","value":"AGFi"}' ]
}

@test "list: all pages, a prefix, a limit, three forms" {
	python3 - <<-END >keys
		import sys
		sys.path.insert(0, "$WORLD_TOP/tests/tools")
		import http1
		with http1.Connection("$WORLD_URL", "$WORLD_TOKEN") as c:
		    for n in range(2345):
		        assert c.ask("PUT", f"/api2/$WS/$NS/k{n:05}", b"").status == 204
		        print(f"k{n:05}")
	END
	ctl list "$NS" | cmp - keys
	ctl list "$NS" --limit 1500 | cmp - <(head -n 1500 keys)
	[ "$(ctl list "$NS" --prefix k0234 | wc -l)" = 5 ]
	[ "$(ctl list "$NS" --prefix k0000 --limit 2 --output json | tr -d '\n')" = '["k00000","k00001"]' ]
	[ "$(ctl list "$NS" --prefix x --output json)" = '[]' ]
	[ -z "$(ctl list "$NS" --prefix x)" ]
	ctl list "$NS" --output json | python3 -c 'import json, sys; assert len(json.load(sys.stdin)) == 2345'
}

@test "list: a key with an escape sequence is shown as text, and raw as it is" {
	local key=$'a\e[31m\\b'

	ctl put "$NS" "$key" </dev/null
	[ "$(ctl list "$NS")" = 'a\x1b[31m\\b' ]
	[ "$(ctl list "$NS" --output raw)" = "$key" ]
}

@test "list --long: size and time of each value, in three forms" {
	printf 'hello' | ctl put "$NS" $'a\e'
	pg_sql "$DB" -c "update hulykvs.kvs set modified = '2026-01-02 03:04:05.678901Z' where namespace = '$NS'"
	ctl put "$NS" b </dev/null
	pg_sql "$DB" -c "update hulykvs.kvs set modified = null where namespace = '$NS' and key = 'b'"
	[ "$(ctl list "$NS" --long)" = "$(printf '%s\n' '        5  2026-01-02T03:04:05Z  a\x1b' '        0  -                     b')" ]
	[ "$(ctl list "$NS" --long --output raw --limit 1)" = "$(printf '5\t2026-01-02T03:04:05.678901Z\t"5d41402abc4b2a76b9719d911017c592"\ta\e')" ]
	ctl list "$NS" --long --output json | python3 -c '
import json, sys
a, b = json.load(sys.stdin)
assert a == {"key": "a\x1b", "size": 5, "etag": "\"5d41402abc4b2a76b9719d911017c592\"",
             "modified": "2026-01-02T03:04:05.678901Z"}, a
assert (b["size"], b["modified"]) == (0, None), b'
}

@test "namespaces: all pages, and with --long the number of keys" {
	local WS=00000000-0000-4000-8000-0000000000ff CTL_TOKEN='' CTL_ENV=(HULY_TOKEN_SECRET=secret)

	[ -z "$(ctl namespaces)" ]
	[ "$(ctl namespaces --output json)" = '[]' ]
	pg_sql "$DB" -c "insert into hulykvs.kvs (workspace, namespace, key, md5, value)
		select '$WS', 'n' || lpad(n::text, 4, '0'), 'k', decode(md5(''), 'hex'), '' from generate_series(1, 1500) as n"
	ctl namespaces | cmp - <(printf 'n%04d\n' {1..1500})
	ctl namespaces --limit 1200 | cmp - <(printf 'n%04d\n' {1..1200})
	ctl put $'n0000\e' k </dev/null
	ctl put n0001 l </dev/null
	[ "$(ctl namespaces --limit 2)" = "$(printf '%s\n' 'n0000\x1b' n0001)" ]
	[ "$(ctl namespaces --limit 2 --long)" = "$(printf '%s\n' '        1  n0000\x1b' '        2  n0001')" ]
	[ "$(ctl namespaces --limit 2 --long --output raw)" = "$(printf '1\tn0000\e\n2\tn0001')" ]
	ctl namespaces --long --output json | python3 -c '
import json, sys
all = json.load(sys.stdin)
assert len(all) == 1501 and all[1] == {"namespace": "n0001", "count": 2}, all[:3]'
}

@test "token: the service takes it, for the account, the workspace and the time that were asked for" {
	local CTL_ENV=(HULY_TOKEN_SECRET=secret) CTL_TOKEN='' token claims

	token=$(ctl token --ttl 90s --service mine)
	claims=$(python3 -c 'import base64, sys; print(base64.urlsafe_b64decode(sys.argv[1].split(".")[1] + "===").decode())' "$token")
	python3 - "$claims" "$WS" <<-'END'
		import json, sys, time
		claims = json.loads(sys.argv[1])
		assert 0 <= time.time() + 90 - claims.pop("exp") < 60, claims
		assert claims == {"account": "1749089e-22e6-48de-af4e-165e18fbd2f9", "workspace": sys.argv[2],
		                  "extra": {"service": "mine"}}, claims
	END
	echo x | CTL_TOKEN=$token ctl put "$NS" key
	(umask 077 && printf %s "$token" >token && echo secret >secret)
	[ "$(CTL_TOKEN=no ctl get "$NS" key --token-file token)" = x ]
	[ "$(CTL_TOKEN=no ctl get "$NS" key --secret-file secret)" = x ]
	CTL_ENV=(HULY_TOKEN_SECRET_FILE="$PWD/secret")
	[ "$(ctl get "$NS" key)" = x ]
	CTL_ENV=()
	ctl_ends 1 'not found' get "$NS" key --secret-file secret --workspace 00000000-0000-4000-8000-000000000002
	ctl_ends 2 '--account: is not a UUID' get "$NS" key --secret-file secret --account me
}

@test "conditions: --if-match and --if-none-match decide, with status 6" {
	local tag

	echo one | ctl put "$NS" key --if-none-match '*'
	ctl_ends 6 'condition' put "$NS" key --if-none-match '*' </dev/null
	tag=$(echo one | md5sum | cut -c1-32)
	echo two | ctl put "$NS" key --if-match "\"$tag\""
	ctl_ends 6 'condition' put "$NS" key --if-match "\"$tag\"" </dev/null
	ctl_ends 6 'condition' delete "$NS" key --if-match "\"$tag\""
	ctl_ends 6 'condition' get "$NS" key --if-match "\"$tag\""
	ctl_ends 6 'condition' get "$NS" key --if-none-match '*'
	[ "$(ctl get "$NS" key)" = two ]
}

@test "batch: all of it or nothing, with the index of what does not hold" {
	echo '{"operations": [{"op": "put", "key": "a\u001b", "value": "MQ==", "if_none_match": "*"},
		{"op": "delete", "key": "no"}, {"op": "get", "key": "nor"}]}' >operations
	[ "$(ctl batch "$NS" operations)" = "$(printf '%s\n' '201  put     a\x1b' '404  delete  no' '404  get     nor')" ]
	ctl_ends 6 '412 operations[0]: the condition does not hold' batch "$NS" operations
	echo '{"operations": [{"op": "put", "key": "b", "value": "MQ=="}, {"op": "put", "key": "c", "value": "1"}]}' >operations
	ctl_ends 4 '400 operations[1]: value must be base64' batch "$NS" operations
	[ "$(ctl list "$NS")" = 'a\x1b' ]
	echo '{"operations": [{"op": "get", "key": "a\u001b"}]}' |
		ctl batch "$NS" - --output json | grep -qF '"value":"MQ=="'
	echo '{"operations": [{"op": "get"}]}' >operations
	ctl_ends 2 'operations: is no JSON object with "operations"' batch "$NS" operations
	ctl_ends 2 'standard input: is no JSON object with "operations"' batch "$NS" </dev/null
	ctl_ends 2 'missing: No such file' batch "$NS" missing
}

# complete WORD …: what bash offers for the last word.
complete()
{
	PATH=$HULYKVS_BUILD:$PATH bash -c '
		compopt() { :; }
		. "$0"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_hulykvsctl
		printf "%s " "${COMPREPLY[@]}"' "$WORLD_TOP/deploy/completion/hulykvsctl" "$@"
}

@test "bash completes commands, options, forms and files" {
	touch a-file
	[ "$(complete hulykvsctl '')" = "get put delete list namespaces export import batch token " ]
	[ "$(complete hulykvsctl ex)" = "export " ]
	[ "$(complete hulykvsctl list --lo)" = "--long " ]
	[ "$(complete hulykvsctl list --h)" = "--help " ]
	[ "$(complete hulykvsctl list a --output '')" = "table json raw " ]
	[ "$(complete hulykvsctl list a --output = j)" = "json " ]
	[ "$(complete hulykvsctl list a --output =)" = "table json raw " ]
	[ "$(complete hulykvsctl import a --existing s)" = "skip " ]
	[ "$(complete hulykvsctl get a b --token-file a-)" = "a-file " ]
	[ "$(complete hulykvsctl import a a-)" = "a-file " ]
	[ "$(complete hulykvsctl list --prefix a-)" = " " ]
}

@test "bad input ends with 2 and a sentence, before anything is sent" {
	local CTL_URL=http://127.0.0.1:1

	ctl_ends 2 "command: is missing"
	ctl_ends 2 "command: there is no such one" gett a b
	ctl_ends 2 "get takes: NAMESPACE KEY" get a
	ctl_ends 2 "delete takes: NAMESPACE KEY" delete a b c
	ctl_ends 2 "key: is empty" get a ''
	ctl_ends 2 "namespace: is not UTF-8" get $'\xff' b
	ctl_ends 2 "--nothing: there is no such option" get a b --nothing
	ctl_ends 2 "--prefix: its value is missing" list a --prefix
	ctl_ends 2 "--prefix: does not go with this command" get a b --prefix x
	ctl_ends 2 "--limit: is no number from 1" list a --limit 0
	ctl_ends 2 "--limit: is no number from 1" list a --limit 1x
	ctl_ends 2 "--timeout: is no number from 1 to 86400" list a --timeout 86401
	ctl_ends 2 "--retries: is no number from 0 to 100" list a --retries -1
	ctl_ends 2 "--ttl: is no time" list a --ttl 1y
	ctl_ends 2 "--ttl: is no time" list a --ttl 3651d
	ctl_ends 2 "--workspace: is not a UUID" list a --workspace x
	ctl_ends 2 "--account: is not a UUID" list a --account x
	ctl_ends 2 "--service: is empty" list a --service ''
	ctl_ends 2 "--output: is none of" list a --output yaml
	ctl_ends 2 "--output: a value has no table" get a b --output table
	ctl_ends 2 "--url: begins neither" list a --url ftp://host
	ctl_ends 2 "--url: has no host" list a --url http:///x
	ctl_ends 2 "--url: may have no user" list a --url http://me:pw@host
	ctl_ends 2 "--url: URL" put a b /dev/null --url http://host:65536
	ctl_ends 2 "--url: has a character" list a --url 'http://host/?x'
	ctl_ends 2 "--if-match: has a character" get a b --if-match $'x\r\nEvil: y'
	ctl_ends 2 "--if-match: is empty" get a b --if-match ''
	ctl_ends 2 "--output-file: is empty" get a b --output-file ''
	ctl_ends 2 "--ca-file: is empty" list a --ca-file ''
	ctl_ends 2 "--token-file: is empty" list a --token-file ''
	ctl_ends 2 "--if-match: and --if-none-match exclude each other" put a b /dev/null --if-none-match '*' --if-match '"x"'
	ctl_ends 2 "missing: No such file" put a b missing
	ctl_ends 2 "Is a directory" put a b .
	CTL_ENV=(HULYKVS_WORKSPACE=)
	ctl_ends 2 "--workspace: is missing" list a
}

@test "a token or secret is never an argument, and its file is closed to others" {
	local CTL_URL=http://127.0.0.1:1

	ctl_ends 2 "everybody can read arguments" get a b --token abc
	ctl_ends 2 "everybody can read arguments" get a b --token=abc
	ctl_ends 2 "everybody can read arguments" token --secret=abc
	echo abc >open && chmod 644 open
	ctl_ends 2 "--token-file: open to others than its owner: chmod 600" get a b --token-file open
	ctl_ends 2 "--secret-file: open to others than its owner: chmod 600" get a b --secret-file open
	ctl_ends 2 "exclude each other" get a b --secret-file open --token-file open
	(umask 077 && : >empty && echo 'Bearer abc' >bearer)
	ctl_ends 2 "--token-file: is empty" get a b --token-file empty
	ctl_ends 2 "--token-file: holds no token" get a b --token-file bearer
	CTL_TOKEN=$'a\r\nEvil: x' ctl_ends 2 "HULYKVS_TOKEN: holds no token" get a b
	CTL_TOKEN='' ctl_ends 2 "token: is missing" get a b
	CTL_TOKEN='' ctl_ends 2 "secret: is missing" token
}

@test "while it waits, neither the token nor the secret is in its command line" {
	local token=the.very.token secret=the-very-secret

	ctl_scripted wait
	(umask 077 && echo "$secret" >secret)
	CTL_EXEC='exec' CTL_TOKEN=$token ctl get a b </dev/null >out 2>&1 3>&- &
	CLIENT=$!
	world_until 10 grep -q '^1 GET' log
	tr '\0' '\n' <"/proc/$CLIENT/cmdline" | grep -qx get
	ctl_no_line "/proc/$CLIENT/cmdline" -F -e "$token"
	kill "$CLIENT"
	CTL_EXEC='exec' ctl get a b --secret-file secret </dev/null >out 2>&1 3>&- &
	CLIENT=$!
	world_until 10 grep -q '^2 GET' log
	tr '\0' '\n' <"/proc/$CLIENT/cmdline" | grep -qx get
	ctl_no_line "/proc/$CLIENT/cmdline" -F -e "$secret" -e eyJ
}

@test "the service refuses: 4" {
	CTL_TOKEN=abc ctl_ends 4 '401 InvalidToken' get "$NS" key
	ctl_ends 4 '403 Workspace mismatch' get "$NS" key --workspace 00000000-0000-4000-8000-000000000001
	head -c 2000001 /dev/zero >large
	ctl_ends 4 '413 payload reached size limit' put "$NS" key large
	ctl_ends 4 "If-None-Match must be '*'" put "$NS" key --if-none-match '"x"' </dev/null
	ctl_ends 1 'not found' get "$NS" key
}

@test "a value that is not text is not printed to a terminal unless asked for" {
	local line

	printf 'a\e[31m' | ctl put "$NS" binary
	printf 'text\n\tä' | ctl put "$NS" text
	line="env -i HULYKVS_URL=$WORLD_URL HULYKVS_WORKSPACE=$WS HULYKVS_TOKEN=$WORLD_TOKEN $HULYKVS_BUILD/hulykvsctl get $NS"
	script -qec "$line text" /dev/null </dev/null | grep -qF text
	run script -qec "$line binary" /dev/null </dev/null
	[ "$status" -eq 2 ]
	[[ $output == *"the value is binary"* && $output != *$'\e[31m'* ]]
	run script -qec "$line binary --binary" /dev/null </dev/null
	[ "$status" -eq 0 ]
	[[ $output == *$'\e[31m'* ]]
}
