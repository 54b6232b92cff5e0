#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# deploy/openapi.json: is it OpenAPI 3.1, and does the service do what it says, and nothing else?  The validator and
# schemathesis come from PyPI, into build/tools, once; without them this is skipped.  OPENAPI_EXAMPLES is how many
# requests are made up for each operation (20).

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world

TOOLS=$WORLD_TOP/build/tools
DOCUMENT=$WORLD_TOP/deploy/openapi.json

setup_file()
{
	mkdir -p "$TOOLS"
	"$TOOLS/venv-openapi/bin/python" -c 'import openapi_spec_validator, schemathesis' 2>/dev/null || {
		python3 -m venv "$TOOLS/venv-openapi" && "$TOOLS/venv-openapi/bin/pip" -q install openapi-spec-validator schemathesis
	} >"$TOOLS/openapi.log" 2>&1 || :
	world_cluster
}

teardown_file()
{
	pg_remove
}

teardown()
{
	world_leave
}

needs()
{
	[ -x "$TOOLS/venv-openapi/bin/$1" ] || skip "no $1: see build/tools/openapi.log"
}

@test "deploy/openapi.json is OpenAPI 3.1" {
	needs openapi-spec-validator
	"$TOOLS/venv-openapi/bin/openapi-spec-validator" "$DOCUMENT"
	# A fault is found.
	sed 's/"in": "path"/"in": "nowhere"/' "$DOCUMENT" >"$BATS_TEST_TMPDIR/wrong.json"
	run ! "$TOOLS/venv-openapi/bin/openapi-spec-validator" "$BATS_TEST_TMPDIR/wrong.json"
}

schemathesis_holds()
{
	needs schemathesis
	world_start "$1" HULY_REQUEST_TIMEOUT=5
	cd "$BATS_TEST_TMPDIR" || return
	cp "$WORLD_TOP/tests/packaging/schemathesis.toml" .
	# lighttpd drops an empty If-Match or If-None-Match, see docs/web-servers.md.
	[ "$1" != lighttpd ] || cat >>schemathesis.toml <<-'END'
		[[operations]]
		include-path = "/api2/{workspace}/{namespace}/{key}"
		checks.negative_data_rejection.enabled = false
	END
	schemathesis --url "$WORLD_URL" --exclude-path /metrics
	schemathesis --url "$WORLD_OPERATOR_URL" --include-path /metrics --phases examples,fuzzing
	world_stop
}

# schemathesis OPTION …
schemathesis()
{
	run "$TOOLS/venv-openapi/bin/schemathesis" --config-file schemathesis.toml run "$DOCUMENT" \
		--header "Authorization: Bearer $WORLD_TOKEN" --max-examples "${OPENAPI_EXAMPLES:-20}" --seed 1 \
		--suppress-health-check all --no-color "$@"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "nginx: schemathesis finds no answer that is not documented" { schemathesis_holds nginx; }
@test "lighttpd: schemathesis finds no answer that is not documented" { schemathesis_holds lighttpd; }
