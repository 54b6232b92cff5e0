#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The console in a real browser.  Selenium comes from PyPI and axe-core from npm, into build/tools, once; Chromium is
# Debian's.  What cannot be had is skipped.
#
# CONSOLE_PICTURES=DIRECTORY makes the pictures of docs/console.md there.

load ../lib/postgres
load ../lib/world
load ../lib/faults

TOOLS=$WORLD_TOP/build/tools
AXE=$TOOLS/axe/package/axe.min.js

setup_file()
{
	mkdir -p "$TOOLS/axe"
	"$TOOLS/venv-console/bin/python" -c 'import selenium' 2>/dev/null || {
		python3 -m venv "$TOOLS/venv-console" && "$TOOLS/venv-console/bin/pip" -q install selenium
	} >"$TOOLS/selenium.log" 2>&1 || :
	[ -f "$AXE" ] || (cd "$TOOLS/axe" && npm pack axe-core && tar xzf axe-core-*.tgz) >"$TOOLS/axe.log" 2>&1 || :
	world_cluster
}

teardown_file()
{
	pg_remove
}

teardown()
{
	fault_leave
}

# in_browser SERVER SCENARIO …: see tests/tools/console.py.
in_browser()
{
	[ -x /usr/bin/chromium ] || skip "no chromium"
	[ -x /usr/bin/chromedriver ] || skip "no chromium-driver"
	"$TOOLS/venv-console/bin/python" -c 'import selenium' 2>/dev/null || skip "no Selenium: see build/tools/selenium.log"
	fault_proxied "$1" HULY_REQUEST_TIMEOUT=2
	"$TOOLS/venv-console/bin/python" "$WORLD_TOP/tests/tools/console.py" --proxy "$FAULT_DIR/control" --axe "$AXE" \
		--pictures "${CONSOLE_PICTURES:-}" "${@:2}"
}

@test "sign-in: a wrong token is refused, a right one stays in its tab" { in_browser nginx sign_in; }
@test "lighttpd: sign-in, conflict, deletion" { in_browser lighttpd sign_in conflict delete; }
@test "the token goes to no address but that of the service" { in_browser nginx policy; }
@test "10,000 keys, page by page" { in_browser nginx pages; }
@test "an answer that was overtaken is not shown, and a second click does nothing" { in_browser nginx overtaken; }
@test "values as JSON, text and bytes, edited and downloaded" { in_browser nginx forms; }
@test "a change of somebody else is shown, and overwritten only if the user says so" { in_browser nginx conflict; }
@test "nothing is deleted or lost unasked" { in_browser nginx delete; }
@test "an outcome that is not known is not guessed" { in_browser nginx unknown; }
@test "markup in namespaces, keys and values is text" { in_browser nginx markup; }
@test "everything can be done with the keyboard" { in_browser nginx keyboard; }
@test "what is being edited survives an expired token" { in_browser nginx expired; }

@test "axe-core finds no violation, in light and dark, wide and narrow" {
	[ -f "$AXE" ] || skip "no axe-core: see build/tools/axe.log"
	in_browser nginx axe
}

@test "the pictures of docs/console.md" {
	[ -n "${CONSOLE_PICTURES:-}" ] || skip "CONSOLE_PICTURES is not set"
	in_browser nginx pictures
}
