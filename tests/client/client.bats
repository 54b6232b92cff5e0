#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# hulykvsctl against the real service, and against servers that do not behave.
# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0

load ../lib/postgres
load ../lib/world

setup_file()
{
	world_cluster
	world_start nginx
	world_save "$BATS_FILE_TMPDIR/world"
}

teardown_file()
{
	# shellcheck disable=SC1091 # as world_save left it
	. "$BATS_FILE_TMPDIR/world"
	world_stop || { world_leave; pg_remove; return 1; }
	pg_remove
}

setup()
{
	# shellcheck disable=SC1091 # as world_save left it
	. "$BATS_FILE_TMPDIR/world"
	WS=$(PYTHONPATH=$WORLD_TOP/tests/tools python3 -B -c 'import http_cases; print(http_cases.WS)')
	NS=n$BATS_TEST_NUMBER
	DB=w${WORLD_DIR##*.}
	SERVER='' CLIENT='' CTL_ENV=()
	cd "$BATS_TEST_TMPDIR" || return 1
}

teardown()
{
	local pid

	for pid in $CLIENT $SERVER; do
		if kill -KILL "$pid" 2>/dev/null; then
			wait "$pid" 2>/dev/null || :
		fi
	done
}

# ctl ARG …: nothing of the tester's own environment reaches it.  CTL_EXEC=exec: in the place of the shell.
ctl()
{
	${CTL_EXEC:-} env -i "PATH=$PATH" LC_ALL=C.UTF-8 "HULYKVS_URL=${CTL_URL:-$WORLD_URL}" "HULYKVS_WORKSPACE=$WS" \
		"HULYKVS_TOKEN=${CTL_TOKEN-$WORLD_TOKEN}" "${CTL_ENV[@]}" "$HULYKVS_BUILD/hulykvsctl" "$@"
}

# ends STATUS TEXT ARG …: it ends so, and says that on standard error.
ends()
{
	local wanted=$1 text=$2 status=0
	shift 2

	ctl "$@" >out 2>err || status=$?
	[ "$status" -eq "$wanted" ] && grep -qF -- "$text" err && return
	echo "status $status: $(cat err)" >&2
	return 1
}

# scripted WORD …: see tests/tools/scripted_server.py
scripted()
{
	rm -f port
	"$WORLD_TOP/tests/tools/scripted_server.py" port log "$@" </dev/null >server.out 2>&1 3>&- &
	SERVER=$!
	world_until 10 test -s port
	CTL_URL=http://127.0.0.1:$(cat port)
}

# no_line FILE GREP-ARG …: the file can be read, and no line matches.
no_line()
{
	local file=$1 status=0
	shift

	grep -q "$@" "$file" || status=$?
	[ "$status" -eq 1 ]
}

stop_server()
{
	kill "$SERVER"
	wait "$SERVER" || :
}

# --- each command ---

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
	ends 1 "not found" get "$NS" -- -key
	ends 1 "not found" delete "$NS" -- -key
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
	ends 1 'not found' get "$NS" key --secret-file secret --workspace 00000000-0000-4000-8000-000000000002
	ends 2 '--account: is not a UUID' get "$NS" key --secret-file secret --account me
}

@test "conditions: --if-match and --if-none-match decide, with status 6" {
	local tag

	echo one | ctl put "$NS" key --if-none-match '*'
	ends 6 'condition' put "$NS" key --if-none-match '*' </dev/null
	tag=$(echo one | md5sum | cut -c1-32)
	echo two | ctl put "$NS" key --if-match "\"$tag\""
	ends 6 'condition' put "$NS" key --if-match "\"$tag\"" </dev/null
	ends 6 'condition' delete "$NS" key --if-match "\"$tag\""
	ends 6 'condition' get "$NS" key --if-match "\"$tag\""
	ends 6 'condition' get "$NS" key --if-none-match '*'
	[ "$(ctl get "$NS" key)" = two ]
}

# closed: the lines of standard input with the last line of an export
closed()
{
	python3 -c '
import hashlib, sys
lines = sys.stdin.buffer.read()
end = "{\"keys\":%d,\"sha256\":\"%s\"}\n" % (lines.count(b"\n"), hashlib.sha256(lines).hexdigest())
sys.stdout.buffer.write(lines + end.encode())'
}

# make_rows N: the lines of keys of an export, in their order.
make_rows()
{
	python3 -c '
import base64, json, sys
for n in range(int(sys.argv[1])):
    value = bytes(n % 256 for _ in range(n % 300))
    print(json.dumps({"key": "k%06d <ä@x>" % n, "value": base64.b64encode(value).decode()},
                     ensure_ascii=False, separators=(",", ":")))' "$1"
}

@test "import and export: all rows come back, byte for byte" {
	make_rows 2345 | closed >rows
	ctl import "$NS" rows 2>err
	[ "$(cat err)" = "2345 keys imported" ]
	ctl export "$NS" >out 2>err
	[ "$(cat err)" = "2345 keys exported" ]
	cmp rows out
	ctl import "$NS-2" --quiet <out 2>err
	ctl export "$NS-2" --quiet --output-file file 2>>err
	cmp rows file
	[ ! -s err ]
	ctl export "$NS" --prefix k00001 --quiet | cmp - <(sed -n 11,20p rows | closed)
	ctl export "$NS-3" --quiet | cmp - <(closed </dev/null)
	ctl export "$NS-3" --quiet | ctl import "$NS-4" --quiet
	ctl export "$NS" --quiet --output-file file
	head -n 2000 file | ends 2 'standard input: the last line of an export is missing' import "$NS-4"
}

@test "import: a file that is not a whole export is refused, and nothing of it is written" {
	local missing='the last line of an export is missing'

	make_rows 150 >lines
	closed <lines >rows
	head -n -1 rows >cut
	ends 2 "cut: $missing" import "$NS" cut
	ends 2 "standard input: $missing" import "$NS" <cut
	ends 2 "standard input: $missing" import "$NS" </dev/null
	{ sed 100d lines; tail -n 1 rows; } >less
	ends 2 'less, line 150: does not fit the lines before' import "$NS" less
	sed '100s/k000099/k100099/' rows >other
	ends 2 'other, line 151: does not fit the lines before' import "$NS" other
	cat rows rows >twice
	ends 2 'twice, line 152: comes after the last line' import "$NS" twice
	ctl list "$NS" | cmp - /dev/null
	# Of a pipe the rows are written as they come, and then it is said.
	ends 2 "$missing" import "$NS" < <(cat cut)
	grep -qF '100 keys imported' err
	ctl import "$NS" cut --incomplete --existing replace 2>err
	[ "$(cat err)" = "150 keys imported" ]
	ctl import "$NS" rows --incomplete --existing skip 2>err
	[ "$(cat err)" = "0 keys imported, 150 left as they were" ]
	ends 2 'less, line 150: ' import "$NS" less --incomplete
}

@test "keys and namespaces that are dots are like any other" {
	local ns key

	for ns in "$NS" . ..; do
		printf '{"key":"%s","value":"MQ=="}\n' . .. ... .%2e a/.. | closed >rows
		for key in . .. ...; do
			echo "$key" | ctl put "$ns" "$key" --if-none-match '*'
			[ "$(ctl get "$ns" "$key")" = "$key" ]
		done
		ctl export "$ns" --quiet >out
		[ "$(wc -l <out)" -eq 4 ]
		ctl import "$ns" --quiet --existing replace <rows
		ctl export "$ns" --quiet | head -n 5 | sort | cmp - <(head -n 5 rows | sort)
		[ "$(ctl get "$ns" ..)" = 1 ]
		for key in . .. ... .%2e a/..; do
			ctl delete "$ns" "$key"
		done
		ends 1 'not found' get "$ns" .
		ctl list "$ns" | cmp - /dev/null
	done
	# One by one, too: no batches are made of one row.
	echo '{"key":"..","value":"MQ=="}' | ctl import "$NS" --quiet --incomplete
	[ "$(ctl get "$NS" ..)" = 1 ]
}

@test "import: a key that is there stops it, is left, or is replaced" {
	local tag

	make_rows 250 | closed >rows
	echo mine | ctl put "$NS" 'k000123 <ä@x>'
	ends 6 'rows, line 124: there is such a key already' import "$NS" rows
	[ "$(ctl get "$NS" 'k000123 <ä@x>')" = mine ]
	[ "$(ctl list "$NS" | wc -l)" = 124 ]
	ctl import "$NS" rows --existing skip 2>err
	[ "$(cat err)" = "126 keys imported, 124 left as they were" ]
	[ "$(ctl get "$NS" 'k000123 <ä@x>')" = mine ]
	ctl import "$NS" rows --existing replace 2>err
	[ "$(cat err)" = "250 keys imported" ]
	ctl export "$NS" --quiet | cmp - rows
}

@test "import: large values, and a key twice" {
	python3 -c '
import base64, json
for n in (1999999, 700000, 700000, 1, 0):
    print(json.dumps({"key": f"k{n}", "value": base64.b64encode(b"x" * n).decode()}))' | closed >rows
	ctl import "$NS" rows --existing replace --quiet
	[ "$(ctl list "$NS" | wc -l)" = 4 ]
	[ "$(ctl get "$NS" k1999999 | wc -c)" = 1999999 ]
	printf '{"key":"k","value":"%s"}\n' MQ== Mg== | closed >rows
	ctl import "$NS" rows --existing replace --quiet
	[ "$(ctl get "$NS" k)" = 2 ]
}

@test "import: a wrong line is named, and of a file nothing is written" {
	{ make_rows 150; echo '{"key":"k","value":"x"}'; } >rows
	ends 2 'rows, line 151: the value is not base64' import "$NS" rows
	ctl list "$NS" | cmp - /dev/null
	make_rows 3 | head -c -5 >rows
	ends 2 'rows, line 3: is not a whole JSON object' import "$NS" rows
	ctl list "$NS" | cmp - /dev/null
	{ make_rows 150; echo '{"key":"k","value":"x"}'; } >rows
	ends 2 'standard input, line 151: the value is not base64' import "$NS" <rows
	ctl list "$NS" | cmp - /dev/null
	# What the shell has read before of the same file is not read again.
	{ echo 'a line of another form'; make_rows 2 | closed; } >rows
	{ read -r _; ctl import "$NS-read" --quiet; } <rows
	[ "$(ctl list "$NS-read" | wc -l)" -eq 2 ]
	{ make_rows 2; echo; make_rows 3; } >rows
	ends 2 'standard input, line 3: is not a whole JSON object' import "$NS" <rows
	ends 2 'missing: No such file' import "$NS" missing
	ends 2 'Is a directory' import "$NS" .
}

@test "batch: all of it or nothing, with the index of what does not hold" {
	echo '{"operations": [{"op": "put", "key": "a\u001b", "value": "MQ==", "if_none_match": "*"},
		{"op": "delete", "key": "no"}, {"op": "get", "key": "nor"}]}' >operations
	[ "$(ctl batch "$NS" operations)" = "$(printf '%s\n' '201  put     a\x1b' '404  delete  no' '404  get     nor')" ]
	ends 6 '412 operations[0]: the condition does not hold' batch "$NS" operations
	echo '{"operations": [{"op": "put", "key": "b", "value": "MQ=="}, {"op": "put", "key": "c", "value": "1"}]}' >operations
	ends 4 '400 operations[1]: value must be base64' batch "$NS" operations
	[ "$(ctl list "$NS")" = 'a\x1b' ]
	echo '{"operations": [{"op": "get", "key": "a\u001b"}]}' |
		ctl batch "$NS" - --output json | grep -qF '"value":"MQ=="'
	echo '{"operations": [{"op": "get"}]}' >operations
	ends 2 'operations: is no JSON object with "operations"' batch "$NS" operations
	ends 2 'standard input: is no JSON object with "operations"' batch "$NS" </dev/null
	ends 2 'missing: No such file' batch "$NS" missing
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

# --- what is refused ---

@test "bad input ends with 2 and a sentence, before anything is sent" {
	local CTL_URL=http://127.0.0.1:1

	ends 2 "command: is missing"
	ends 2 "command: there is no such one" gett a b
	ends 2 "get takes: NAMESPACE KEY" get a
	ends 2 "delete takes: NAMESPACE KEY" delete a b c
	ends 2 "key: is empty" get a ''
	ends 2 "namespace: is not UTF-8" get $'\xff' b
	ends 2 "--nothing: there is no such option" get a b --nothing
	ends 2 "--prefix: its value is missing" list a --prefix
	ends 2 "--prefix: does not go with this command" get a b --prefix x
	ends 2 "--limit: is no number from 1" list a --limit 0
	ends 2 "--limit: is no number from 1" list a --limit 1x
	ends 2 "--timeout: is no number from 1 to 86400" list a --timeout 86401
	ends 2 "--retries: is no number from 0 to 100" list a --retries -1
	ends 2 "--ttl: is no time" list a --ttl 1y
	ends 2 "--ttl: is no time" list a --ttl 3651d
	ends 2 "--workspace: is not a UUID" list a --workspace x
	ends 2 "--account: is not a UUID" list a --account x
	ends 2 "--service: is empty" list a --service ''
	ends 2 "--output: is none of" list a --output yaml
	ends 2 "--output: a value has no table" get a b --output table
	ends 2 "--url: begins neither" list a --url ftp://host
	ends 2 "--url: has no host" list a --url http:///x
	ends 2 "--url: may have no user" list a --url http://me:pw@host
	ends 2 "--url: URL" put a b /dev/null --url http://host:65536
	ends 2 "--url: has a character" list a --url 'http://host/?x'
	ends 2 "--if-match: has a character" get a b --if-match $'x\r\nEvil: y'
	ends 2 "--if-match: is empty" get a b --if-match ''
	ends 2 "--output-file: is empty" get a b --output-file ''
	ends 2 "--ca-file: is empty" list a --ca-file ''
	ends 2 "--token-file: is empty" list a --token-file ''
	ends 2 "--if-match: and --if-none-match exclude each other" put a b /dev/null --if-none-match '*' --if-match '"x"'
	ends 2 "missing: No such file" put a b missing
	ends 2 "Is a directory" put a b .
	CTL_ENV=(HULYKVS_WORKSPACE=)
	ends 2 "--workspace: is missing" list a
}

@test "a token or secret is never an argument, and its file is closed to others" {
	local CTL_URL=http://127.0.0.1:1

	ends 2 "everybody can read arguments" get a b --token abc
	ends 2 "everybody can read arguments" get a b --token=abc
	ends 2 "everybody can read arguments" token --secret=abc
	echo abc >open && chmod 644 open
	ends 2 "--token-file: open to others than its owner: chmod 600" get a b --token-file open
	ends 2 "--secret-file: open to others than its owner: chmod 600" get a b --secret-file open
	ends 2 "exclude each other" get a b --secret-file open --token-file open
	(umask 077 && : >empty && echo 'Bearer abc' >bearer)
	ends 2 "--token-file: is empty" get a b --token-file empty
	ends 2 "--token-file: holds no token" get a b --token-file bearer
	CTL_TOKEN=$'a\r\nEvil: x' ends 2 "HULYKVS_TOKEN: holds no token" get a b
	CTL_TOKEN='' ends 2 "token: is missing" get a b
	CTL_TOKEN='' ends 2 "secret: is missing" token
}

@test "while it waits, neither the token nor the secret is in its command line" {
	local token=the.very.token secret=the-very-secret

	scripted wait
	(umask 077 && echo "$secret" >secret)
	CTL_EXEC='exec' CTL_TOKEN=$token ctl get a b </dev/null >out 2>&1 3>&- &
	CLIENT=$!
	world_until 10 grep -q '^1 GET' log
	tr '\0' '\n' <"/proc/$CLIENT/cmdline" | grep -qx get
	no_line "/proc/$CLIENT/cmdline" -F -e "$token"
	kill "$CLIENT"
	CTL_EXEC='exec' ctl get a b --secret-file secret </dev/null >out 2>&1 3>&- &
	CLIENT=$!
	world_until 10 grep -q '^2 GET' log
	tr '\0' '\n' <"/proc/$CLIENT/cmdline" | grep -qx get
	no_line "/proc/$CLIENT/cmdline" -F -e "$secret" -e eyJ
}

@test "the service refuses: 4" {
	CTL_TOKEN=abc ends 4 '401 InvalidToken' get "$NS" key
	ends 4 '403 Workspace mismatch' get "$NS" key --workspace 00000000-0000-4000-8000-000000000001
	head -c 2000001 /dev/zero >large
	ends 4 '413 payload reached size limit' put "$NS" key large
	ends 4 "If-None-Match must be '*'" put "$NS" key --if-none-match '"x"' </dev/null
	ends 1 'not found' get "$NS" key
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

# --- servers that do not behave ---

@test "a read is tried again after a closed connection, a cut answer and 503; then it gives up with 5" {
	scripted close cut 503:later value:there
	[ "$(ctl get a b)" = there ]
	[ "$(wc -l <log)" = 4 ]
	stop_server
	scripted 503:later
	ends 5 '503 later' get a b --retries 2
	[ "$(wc -l <log)" = 3 ]
	stop_server
	scripted 400:no
	ends 4 '400 no' get a b
	[ "$(wc -l <log)" = 1 ]
	CTL_URL=http://127.0.0.1:1 ends 5 "connect" get a b --retries 0
}

@test "a write is sent once, whatever happens" {
	local how

	for how in close cut 503:later 502; do
		scripted "$how"
		ends 5 '' put a b </dev/null
		ends 5 '' delete a b
		[ "$(cut -d' ' -f2 log | tr '\n' ' ')" = 'PUT DELETE ' ]
		stop_server
	done
	scripted close
	ends 5 'the write may have happened' put a b </dev/null
	stop_server
	# Nobody listens any more: then it certainly has not.
	ends 5 'connect to server' put a b </dev/null
	run -1 grep 'may have happened' err
}

@test "a batch is tried again if it only reads" {
	echo '{"operations": [{"op": "get", "key": "a"}, {"op": "get", "key": "b"}]}' >reads
	echo '{"operations": [{"op": "get", "key": "a"}, {"op": "delete", "key": "b"}]}' >writes
	scripted close 503:later '200:{"results":[{"status":404},{"status":404}]}'
	[ "$(ctl batch a reads | wc -l)" = 2 ]
	[ "$(wc -l <log)" = 3 ]
	stop_server
	scripted close '200:{"results":[{"status":404}]}'
	ends 5 'the write may have happened' batch a writes
	[ "$(wc -l <log)" = 1 ]
	ends 5 'is not that of a batch' batch a writes
}

@test "a write is not sent again over a connection that was kept and then closed" {
	make_rows 2 | closed >rows
	scripted 405 keep:204 close
	ends 5 'rows, line 2: ' import a rows
	[ "$(cut -d' ' -f2 log | tr '\n' ' ')" = 'POST PUT PUT ' ]
}

@test "an import whose batch got no answer says which lines may be in, and stops" {
	make_rows 250 | closed >rows
	scripted '200:{}' close
	ends 5 'rows, lines 101 to 200: ' import a rows
	grep -qxF '100 keys imported' err
	[ "$(cut -d' ' -f2 log | tr '\n' ' ')" = 'POST POST ' ]
}

@test "long work shows its progress on a terminal, unless asked not to" {
	local line="env -i HULYKVS_WORKSPACE=$WS HULYKVS_TOKEN=x $HULYKVS_BUILD/hulykvsctl import a rows"

	make_rows 5000 | closed >rows
	scripted slow:204
	run script -qec "$line --url $CTL_URL" /dev/null </dev/null
	[ "$status" -eq 0 ]
	[[ $output == *"#."*" % "*" keys"* && $output == *"5000 keys imported"* ]]
	run script -qec "$line --url $CTL_URL --quiet" /dev/null </dev/null
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	run ctl import a rows
	[ "$output" = "5000 keys imported" ]
}

@test "no redirect is followed, and the token goes nowhere else" {
	scripted value:elsewhere
	local elsewhere=$CTL_URL first=$SERVER

	mv log first.log
	scripted "to:$elsewhere/x"
	ends 4 'redirects are not followed' get a b
	ends 4 'redirects are not followed' put a b </dev/null
	[ ! -s first.log ]
	kill "$first"
}

@test "the answers of another server are neither a value nor a missing key" {
	scripted '200:<html>' '404:<html>' '200:{"keys":7}' '200:{"keys":[1]}' '200:{"keys":["a"],"cursor":3}' '200:nothing'
	ends 4 'is not a value of the service' get a b
	ends 4 'look at --url' get a b
	ends 5 'is not a list of the service' list a
	ends 5 'is not a list of the service' list a
	ends 5 'is not a list of the service' list a
	ends 5 'is not a list of the service' list a
	[ ! -s out ]
	stop_server
	scripted '200:{"keys":["a"]}' 404 404 '200:{"entries":[{"key":"a","value":null}]}' 500:sealed
	ends 4 'the service knows names only' list a --long
	ends 4 'the service has no such list' list a
	ends 4 'the service has no such list' namespaces
	ends 5 '500 sealed' export a
	grep -qF 'the export is not complete' err
	stop_server
	scripted '200:{"keys":["a","b","c"]}' value:1 404 value:3
	[ "$(ctl export a --quiet)" = "$(printf '{"key":"%s","value":"%s"}\n' a MQ== c Mw== | closed)" ]
	stop_server
	scripted '200:{"keys":["a"],"cursor":"same"}'
	ends 5 'is not a list of the service' list a
	stop_server
	scripted $'400:evil\e[31m'
	ends 4 '400 evil\x1b[31m' get a b
}

@test "an answer that takes too long ends with 5" {
	scripted wait
	ends 5 'Timeout was reached' get a b --timeout 1 --retries 0
}

@test "a file that is replaced keeps its mode, and a link leads to the new file" {
	echo secret | ctl put "$NS" private
	(umask 077 && echo before >file)
	ctl get "$NS" private --output-file file
	[ "$(stat -c %a file)" = 600 ]
	[ "$(cat file)" = secret ]
	mkdir place
	echo before >place/target
	chmod 640 place/target
	ln -s place/target link
	ctl get "$NS" private --output-file link
	[ -L link ]
	[ "$(cat place/target)" = secret ]
	[ "$(stat -c %a place/target)" = 640 ]
	[ "$(ls place)" = target ]
	# A link to nowhere is not replaced either.
	ln -s place/nowhere lost
	ends 7 'lost: No such file' get "$NS" private --output-file lost
	[ -L lost ]
	# root keeps the owner, too.
	[ "$(id -u)" -ne 0 ] || {
		chown 12345:12345 file
		ctl get "$NS" private --output-file file
		[ "$(stat -c '%u:%g %a' file)" = '12345:12345 600' ]
	}
}

@test "a file appears complete or not at all" {
	echo before >file
	scripted cut
	ends 5 '' get a b --retries 0 --output-file file
	[ "$(cat file)" = before ]
	[ "$(ls)" = "$(printf '%s\n' err file log out port server.out)" ]
	ends 7 'nowhere/file: No such file' get a b --output-file nowhere/file
	echo x | CTL_URL=$WORLD_URL ctl put "$NS" key
	CTL_URL=$WORLD_URL ctl get "$NS" key --output-file /dev/null
	run sh -c 'exec "$@" >/dev/full' sh env -i "HULYKVS_URL=$WORLD_URL" "HULYKVS_WORKSPACE=$WS" "HULYKVS_TOKEN=$WORLD_TOKEN" \
		"$HULYKVS_BUILD/hulykvsctl" get "$NS" key
	[ "$status" -eq 7 ]
	[[ $output == *"standard output: No space left"* ]]
}

# waits_with_file OPTION-OF-ENV: hulykvsctl, as CLIENT, has asked and waits, with a part of its file beside it.
waits_with_file()
{
	rm -f log
	scripted wait
	CTL_EXEC="exec env $1" ctl get a b --output-file file </dev/null >out 2>&1 3>&- &
	CLIENT=$!
	world_until 10 test -s log
	[ "$(echo file*)" != file ]
}

# ended_by NUMBER: by this signal, and nothing is left of the file
ended_by()
{
	local status=0

	wait "$CLIENT" || status=$?
	CLIENT=''
	[ "$status" -eq $((128 + $1)) ]
	[ "$(echo file*)" = file ]
	[ "$(cat file)" = before ]
	stop_server
}

@test "a signal that ends it leaves no part of a file; one that is ignored stays so" {
	local signal

	ulimit -c 0
	echo before >file
	for signal in INT TERM HUP QUIT; do
		waits_with_file --default-signal
		kill "-$signal" "$CLIENT"
		ended_by "$(kill -l "$signal")"
	done
	waits_with_file --ignore-signal=HUP
	[ $((0x$(awk '/^SigIgn:/ { print $2 }' "/proc/$CLIENT/status") & 1)) -eq 1 ]
	kill -TERM "$CLIENT"
	ended_by 15
}
