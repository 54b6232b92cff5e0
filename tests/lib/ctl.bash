# SPDX-License-Identifier: EPL-2.0
# hulykvsctl in tests.  Load this after postgres.bash and world.bash.
#
#   ctl_world          in setup_file: a service for all tests of the file; ctl_world_end in teardown_file
#   ctl_enter          in setup: the test's own namespace NS, in WS, of the database DB; ctl_leave in teardown ends
#                      what the test has started, CLIENT and SERVER
#   ctl ARG …          hulykvsctl; nothing of the tester's own environment reaches it, but CTL_URL, CTL_TOKEN and the
#                      words in CTL_ENV.  CTL_EXEC=exec: in the place of the shell.
#   ctl_ends STATUS TEXT ARG …
#                      it ends so, and says that on standard error
#   ctl_scripted WORD …
#                      starts tests/tools/scripted_server.py, which ctl asks from now on
#   ctl_stop_server    ends it
#   ctl_rows N         N lines of an export, without its end
#   ctl_closed         standard input with the closing line of an export
#   ctl_no_line FILE GREP-ARG …
#                      the file can be read, and no line matches

ctl_world()
{
	world_cluster
	world_start nginx
	world_save "$BATS_FILE_TMPDIR/world"
}

ctl_world_end()
{
	# shellcheck disable=SC1091 # as world_save left it
	. "$BATS_FILE_TMPDIR/world"
	world_stop || { world_leave; pg_remove; return 1; }
	pg_remove
}

ctl_enter()
{
	# shellcheck disable=SC1091 # as world_save left it
	. "$BATS_FILE_TMPDIR/world"
	WS=$(PYTHONPATH=$WORLD_TOP/tests/tools python3 -B -c 'import http_cases; print(http_cases.WS)')
	# shellcheck disable=SC2034 # the tests read them
	NS=n$BATS_TEST_NUMBER DB=w${WORLD_DIR##*.}
	SERVER='' CLIENT='' CTL_ENV=()
	cd "$BATS_TEST_TMPDIR" || return 1
}

ctl_leave()
{
	local pid

	for pid in $CLIENT $SERVER; do
		if kill -KILL "$pid" 2>/dev/null; then
			wait "$pid" 2>/dev/null || :
		fi
	done
}

ctl()
{
	${CTL_EXEC:-} env -i "PATH=$PATH" LC_ALL=C.UTF-8 "HULYKVS_URL=${CTL_URL:-$WORLD_URL}" "HULYKVS_WORKSPACE=$WS" \
		"HULYKVS_TOKEN=${CTL_TOKEN-$WORLD_TOKEN}" "${CTL_ENV[@]}" "$HULYKVS_BUILD/hulykvsctl" "$@"
}

ctl_ends()
{
	local wanted=$1 text=$2 status=0
	shift 2

	ctl "$@" >out 2>err || status=$?
	[ "$status" -eq "$wanted" ] && grep -qF -- "$text" err && return
	echo "status $status: $(cat err)" >&2
	return 1
}

ctl_scripted()
{
	rm -f port
	"$WORLD_TOP/tests/tools/scripted_server.py" port log "$@" </dev/null >server.out 2>&1 3>&- &
	SERVER=$!
	world_until 10 test -s port
	CTL_URL=http://127.0.0.1:$(cat port)
}

ctl_no_line()
{
	local file=$1 status=0
	shift

	grep -q "$@" "$file" || status=$?
	[ "$status" -eq 1 ]
}

ctl_stop_server()
{
	kill "$SERVER"
	wait "$SERVER" || :
}

ctl_closed()
{
	python3 -c '
import hashlib, sys
lines = sys.stdin.buffer.read()
end = "{\"keys\":%d,\"sha256\":\"%s\"}\n" % (lines.count(b"\n"), hashlib.sha256(lines).hexdigest())
sys.stdout.buffer.write(lines + end.encode())'
}

ctl_rows()
{
	python3 -c '
import base64, json, sys
for n in range(int(sys.argv[1])):
    value = bytes(n % 256 for _ in range(n % 300))
    print(json.dumps({"key": "k%06d <ä@x>" % n, "value": base64.b64encode(value).decode()},
                     ensure_ascii=False, separators=(",", ":")))' "$1"
}
