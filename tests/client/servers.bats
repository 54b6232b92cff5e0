#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# hulykvsctl against servers that do not behave.
# shellcheck disable=SC2030,SC2031 # each test has its own output and status

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

@test "a read is tried again after a closed connection, a cut answer and 503; then it gives up with 5" {
	ctl_scripted close cut 503:later value:there
	[ "$(ctl get a b)" = there ]
	[ "$(wc -l <log)" = 4 ]
	ctl_stop_server
	ctl_scripted 503:later
	ctl_ends 5 '503 later' get a b --retries 2
	[ "$(wc -l <log)" = 3 ]
	ctl_stop_server
	ctl_scripted 400:no
	ctl_ends 4 '400 no' get a b
	[ "$(wc -l <log)" = 1 ]
	CTL_URL=http://127.0.0.1:1 ctl_ends 5 "connect" get a b --retries 0
}

@test "a write is sent once, whatever happens" {
	local how

	for how in close cut 503:later 502; do
		ctl_scripted "$how"
		ctl_ends 5 '' put a b </dev/null
		ctl_ends 5 '' delete a b
		[ "$(cut -d' ' -f2 log | tr '\n' ' ')" = 'PUT DELETE ' ]
		ctl_stop_server
	done
	ctl_scripted close
	ctl_ends 5 'the write may have happened' put a b </dev/null
	ctl_stop_server
	# Nobody listens any more: then it certainly has not.
	ctl_ends 5 'connect to server' put a b </dev/null
	run -1 grep 'may have happened' err
}

@test "a batch is tried again if it only reads" {
	echo '{"operations": [{"op": "get", "key": "a"}, {"op": "get", "key": "b"}]}' >reads
	echo '{"operations": [{"op": "get", "key": "a"}, {"op": "delete", "key": "b"}]}' >writes
	ctl_scripted close 503:later '200:{"results":[{"status":404},{"status":404}]}'
	[ "$(ctl batch a reads | wc -l)" = 2 ]
	[ "$(wc -l <log)" = 3 ]
	ctl_stop_server
	ctl_scripted close '200:{"results":[{"status":404}]}'
	ctl_ends 5 'the write may have happened' batch a writes
	[ "$(wc -l <log)" = 1 ]
	ctl_ends 5 'is not that of a batch' batch a writes
}

@test "a write is not sent again over a connection that was kept and then closed" {
	ctl_rows 2 | ctl_closed >rows
	ctl_scripted 405 keep:204 close
	ctl_ends 5 'rows, line 2: ' import a rows
	[ "$(cut -d' ' -f2 log | tr '\n' ' ')" = 'POST PUT PUT ' ]
}

@test "an import whose batch got no answer says which lines may be in, and stops" {
	ctl_rows 250 | ctl_closed >rows
	ctl_scripted '200:{}' close
	ctl_ends 5 'rows, lines 101 to 200: ' import a rows
	grep -qxF '100 keys imported' err
	[ "$(cut -d' ' -f2 log | tr '\n' ' ')" = 'POST POST ' ]
}

@test "long work shows its progress on a terminal, unless asked not to" {
	local line="env -i HULYKVS_WORKSPACE=$WS HULYKVS_TOKEN=x $HULYKVS_BUILD/hulykvsctl import a rows"

	ctl_rows 5000 | ctl_closed >rows
	ctl_scripted slow:204
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
	ctl_scripted value:elsewhere
	local elsewhere=$CTL_URL first=$SERVER

	mv log first.log
	ctl_scripted "to:$elsewhere/x"
	ctl_ends 4 'redirects are not followed' get a b
	ctl_ends 4 'redirects are not followed' put a b </dev/null
	[ ! -s first.log ]
	kill "$first"
}

@test "the answers of another server are neither a value nor a missing key" {
	ctl_scripted '200:<html>' '404:<html>' '200:{"keys":7}' '200:{"keys":[1]}' '200:{"keys":["a"],"cursor":3}' '200:nothing'
	ctl_ends 4 'is not a value of the service' get a b
	ctl_ends 4 'look at --url' get a b
	ctl_ends 5 'is not a list of the service' list a
	ctl_ends 5 'is not a list of the service' list a
	ctl_ends 5 'is not a list of the service' list a
	ctl_ends 5 'is not a list of the service' list a
	[ ! -s out ]
	ctl_stop_server
	ctl_scripted '200:{"keys":["a"]}' 404 404 '200:{"entries":[{"key":"a","value":null}]}' 500:sealed
	ctl_ends 4 'the service knows names only' list a --long
	ctl_ends 4 'the service has no such list' list a
	ctl_ends 4 'the service has no such list' namespaces
	ctl_ends 5 '500 sealed' export a
	grep -qF 'the export is not complete' err
	ctl_stop_server
	ctl_scripted '200:{"keys":["a","b","c"]}' value:1 404 value:3
	[ "$(ctl export a --quiet)" = "$(printf '{"key":"%s","value":"%s"}\n' a MQ== c Mw== | ctl_closed)" ]
	ctl_stop_server
	ctl_scripted '200:{"keys":["a"],"cursor":"same"}'
	ctl_ends 5 'is not a list of the service' list a
	ctl_stop_server
	ctl_scripted $'400:evil\e[31m'
	ctl_ends 4 '400 evil\x1b[31m' get a b
}

@test "an answer that takes too long ends with 5" {
	ctl_scripted wait
	ctl_ends 5 'Timeout was reached' get a b --timeout 1 --retries 0
}
