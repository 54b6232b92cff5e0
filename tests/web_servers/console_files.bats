#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The console's files as both web servers serve them: where, to whom, and with which header fields.
# (tests/packaging/console.bats uses the page in a browser.)

# shellcheck disable=SC2030,SC2031 # each test has its own output and status

bats_require_minimum_version 1.5.0
load ../lib/postgres
load ../lib/world

FILES=$WORLD_TOP/deploy/console

setup_file()
{
	local server

	world_cluster
	for server in nginx lighttpd; do
		world_start "$server"
		world_save "$BATS_FILE_TMPDIR/$server"
	done
}

teardown_file()
{
	local server

	for server in nginx lighttpd; do
		# shellcheck disable=SC1090 # made above
		. "$BATS_FILE_TMPDIR/$server" && world_leave
	done
	pg_remove
}

in_world()
{
	# shellcheck disable=SC1090 # made in setup_file
	. "$BATS_FILE_TMPDIR/$1"
}

# field NAME: its value in the header that fetch has kept.
field()
{
	tr -d '\r' <"$BATS_TEST_TMPDIR/header" | sed -n "s/^$1: //Ip"
}

fetch()
{
	curl -s --path-as-is -D "$BATS_TEST_TMPDIR/header" -o "$BATS_TEST_TMPDIR/body" -w '%{http_code}' "$WORLD_OPERATOR_URL$1" "${@:2}"
}

every_file_has_its_fields()
{
	local file type

	in_world "$1"
	for file in "$FILES"/*; do
		[ "$(fetch "/console/${file##*/}")" = 200 ]
		cmp "$file" "$BATS_TEST_TMPDIR/body"
		case $file in
		*.html) type=text/html ;;
		*.css) type=text/css ;;
		*.js) type=text/javascript ;;
		esac
		[ "$(field Content-Type)" = "$type; charset=utf-8" ]
		[ "$(field X-Content-Type-Options)" = nosniff ]
		[ "$(field X-Frame-Options)" = DENY ]
		[ "$(field Referrer-Policy)" = no-referrer ]
		[ "$(field Cross-Origin-Resource-Policy)" = same-origin ]
		[ "$(field Hulykvs-Public)" = "http://*:$WORLD_PORT" ]
		[ "$(field Content-Security-Policy)" = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' http://*:$WORLD_PORT; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'" ]
	done
	[ "$(fetch /console/)" = 200 ]
	cmp "$FILES/index.html" "$BATS_TEST_TMPDIR/body"
	[ "$(fetch /console)" = 308 ]
	[ "$(field Location)" = /console/ ]
}

@test "nginx: the console's files, each with the header fields that protect it" { every_file_has_its_fields nginx; }
@test "lighttpd: the console's files, each with the header fields that protect it" { every_file_has_its_fields lighttpd; }

nothing_else_is_there()
{
	local path status

	in_world "$1"
	for path in /console/../render /console/%2e%2e/render /console/..%2frender /console/nothing.js /console/index.html/ \
		/render /nginx/nginx.conf /; do
		status=$(fetch "$path")
		[[ $status = 40[034] ]] || { echo "$path: $status" && return 1; }
		run ! grep -q SPDX "$BATS_TEST_TMPDIR/body"
	done
	status=$(fetch /console/ -X POST -d x)
	[[ $status = 40[34] ]]
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$WORLD_URL/console/")" = 404 ]
}

@test "nginx: no other file is served, and none on the public address" { nothing_else_is_there nginx; }
@test "lighttpd: no other file is served, and none on the public address" { nothing_else_is_there lighttpd; }

# render TEMPLATE [NAME=VALUE …]
render()
{
	env -i PATH="$PATH" HULYKVS_PROGRAM="$HULYKVS_BUILD/hulykvs" "${@:2}" "$WORLD_TOP/deploy/render" "$WORLD_TOP/deploy/$1"
}

@test "deploy/render: HULYKVS_PUBLIC_URL is told to the page, and its origin is the only one that may be called" {
	local template

	for template in nginx/nginx.conf lighttpd/hulykvs.conf; do
		render "$template" HULYKVS_PUBLIC_URL=https://kvs.example.com:8443/store >"$BATS_TEST_TMPDIR/conf"
		grep -q "Hulykvs-Public.*https://kvs.example.com:8443/store" "$BATS_TEST_TMPDIR/conf"
		grep -q "connect-src 'self' https://kvs.example.com:8443; " "$BATS_TEST_TMPDIR/conf"
		render "$template" HULYKVS_TLS_CERT=/c HULYKVS_TLS_KEY=/k HULY_BIND_PORT=8443 >"$BATS_TEST_TMPDIR/conf"
		grep -q "connect-src 'self' https://\*:8443; " "$BATS_TEST_TMPDIR/conf"
	done
}

@test "deploy/render: HULYKVS_CONSOLE=off, and no operators' address, leave the console out" {
	local template setting

	for template in nginx/nginx.conf lighttpd/hulykvs.conf; do
		for setting in HULYKVS_CONSOLE=off HULY_METRICS_BIND=off; do
			render "$template" "$setting" >"$BATS_TEST_TMPDIR/conf"
			run ! grep -q /console/ "$BATS_TEST_TMPDIR/conf"
		done
	done
}

@test "deploy/render: what could end a word of the configuration is refused" {
	local setting

	for setting in "HULYKVS_PUBLIC_URL=https://a; script-src *" 'HULYKVS_PUBLIC_URL=https://a"' HULYKVS_PUBLIC_URL=javascript:x \
		HULYKVS_PUBLIC_URL=https:// HULYKVS_CONSOLE=/nonexistent/console HULYKVS_CONSOLE="$FILES/.."; do
		run -78 render nginx/nginx.conf "$setting"
	done
}
