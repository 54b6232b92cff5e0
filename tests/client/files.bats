#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# Files that hulykvsctl reads and writes: exports, imports, values.
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

@test "import and export: all rows come back, byte for byte" {
	ctl_rows 2345 | ctl_closed >rows
	ctl import "$NS" rows 2>err
	[ "$(cat err)" = "2345 keys imported" ]
	ctl export "$NS" >out 2>err
	[ "$(cat err)" = "2345 keys exported" ]
	cmp rows out
	ctl import "$NS-2" --quiet <out 2>err
	ctl export "$NS-2" --quiet --output-file file 2>>err
	cmp rows file
	[ ! -s err ]
	ctl export "$NS" --prefix k00001 --quiet | cmp - <(sed -n 11,20p rows | ctl_closed)
	ctl export "$NS-3" --quiet | cmp - <(ctl_closed </dev/null)
	ctl export "$NS-3" --quiet | ctl import "$NS-4" --quiet
	ctl export "$NS" --quiet --output-file file
	head -n 2000 file | ctl_ends 2 'standard input: the last line of an export is missing' import "$NS-4"
}

@test "import: a file that is not a whole export is refused, and nothing of it is written" {
	local missing='the last line of an export is missing'

	ctl_rows 150 >lines
	ctl_closed <lines >rows
	head -n -1 rows >"cut"
	ctl_ends 2 "cut: $missing" import "$NS" cut
	ctl_ends 2 "standard input: $missing" import "$NS" <"cut"
	ctl_ends 2 "standard input: $missing" import "$NS" </dev/null
	{ sed 100d lines; tail -n 1 rows; } >less
	ctl_ends 2 'less, line 150: does not fit the lines before' import "$NS" less
	sed '100s/k000099/k100099/' rows >other
	ctl_ends 2 'other, line 151: does not fit the lines before' import "$NS" other
	cat rows rows >twice
	ctl_ends 2 'twice, line 152: comes after the last line' import "$NS" twice
	ctl list "$NS" | cmp - /dev/null
	# Of a pipe the rows are written as they come, and then it is said.
	ctl_ends 2 "$missing" import "$NS" < <(cat cut)
	grep -qF '100 keys imported' err
	ctl import "$NS" cut --incomplete --existing replace 2>err
	[ "$(cat err)" = "150 keys imported" ]
	ctl import "$NS" rows --incomplete --existing skip 2>err
	[ "$(cat err)" = "0 keys imported, 150 left as they were" ]
	ctl_ends 2 'less, line 150: ' import "$NS" less --incomplete
}

@test "keys and namespaces that are dots are like any other" {
	local ns key

	for ns in "$NS" . ..; do
		printf '{"key":"%s","value":"MQ=="}\n' . .. ... .%2e a/.. | ctl_closed >rows
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
		ctl_ends 1 'not found' get "$ns" .
		ctl list "$ns" | cmp - /dev/null
	done
	# One by one, too: no batches are made of one row.
	echo '{"key":"..","value":"MQ=="}' | ctl import "$NS" --quiet --incomplete
	[ "$(ctl get "$NS" ..)" = 1 ]
}

@test "import: a key that is there stops it, is left, or is replaced" {
	ctl_rows 250 | ctl_closed >rows
	echo mine | ctl put "$NS" 'k000123 <ä@x>'
	ctl_ends 6 'rows, line 124: there is such a key already' import "$NS" rows
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
    print(json.dumps({"key": f"k{n}", "value": base64.b64encode(b"x" * n).decode()}))' | ctl_closed >rows
	ctl import "$NS" rows --existing replace --quiet
	[ "$(ctl list "$NS" | wc -l)" = 4 ]
	[ "$(ctl get "$NS" k1999999 | wc -c)" = 1999999 ]
	printf '{"key":"k","value":"%s"}\n' MQ== Mg== | ctl_closed >rows
	ctl import "$NS" rows --existing replace --quiet
	[ "$(ctl get "$NS" k)" = 2 ]
}

@test "import: a wrong line is named, and of a file nothing is written" {
	{ ctl_rows 150; echo '{"key":"k","value":"x"}'; } >rows
	ctl_ends 2 'rows, line 151: the value is not base64' import "$NS" rows
	ctl list "$NS" | cmp - /dev/null
	ctl_rows 3 | head -c -5 >rows
	ctl_ends 2 'rows, line 3: is not a whole JSON object' import "$NS" rows
	ctl list "$NS" | cmp - /dev/null
	{ ctl_rows 150; echo '{"key":"k","value":"x"}'; } >rows
	ctl_ends 2 'standard input, line 151: the value is not base64' import "$NS" <rows
	ctl list "$NS" | cmp - /dev/null
	# What the shell has read before of the same file is not read again.
	{ echo 'a line of another form'; ctl_rows 2 | ctl_closed; } >rows
	{ read -r _; ctl import "$NS-read" --quiet; } <rows
	[ "$(ctl list "$NS-read" | wc -l)" -eq 2 ]
	{ ctl_rows 2; echo; ctl_rows 3; } >rows
	ctl_ends 2 'standard input, line 3: is not a whole JSON object' import "$NS" <rows
	ctl_ends 2 'missing: No such file' import "$NS" missing
	ctl_ends 2 'Is a directory' import "$NS" .
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
	ctl_ends 7 'lost: No such file' get "$NS" private --output-file lost
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
	ctl_scripted cut
	ctl_ends 5 '' get a b --retries 0 --output-file file
	[ "$(cat file)" = before ]
	[ "$(ls)" = "$(printf '%s\n' err file log out port server.out)" ]
	ctl_ends 7 'nowhere/file: No such file' get a b --output-file nowhere/file
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
	ctl_scripted wait
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
	ctl_stop_server
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
