#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The Debian package: built twice to the same bytes, without a complaint of lintian, installed, upgraded, removed and
# purged in a bare Debian.
# shellcheck disable=SC2030,SC2031 # each test has its own output and status

load ../lib/world
load ../lib/minimal_root

setup_file()
{
	local reason

	reason=$(minimal_root_reason)
	command -v dpkg-buildpackage lintian dh >/dev/null || reason="no dpkg-buildpackage, debhelper or lintian"
	if [ -n "$reason" ]; then
		echo "$reason" >"$BATS_FILE_TMPDIR/reason"
		return
	fi
	build_package "$BATS_FILE_TMPDIR/one"
}

# build_package DIRECTORY [CHANGELOG-VERSION]: from a copy of the tree, into it.
build_package()
{
	minimal_root_copy "$1/source"
	[ -z "${2:-}" ] || sed -i "1s/([^)]*)/($2)/" "$1/source/debian/changelog"
	(cd "$1/source" && DEB_BUILD_OPTIONS=nocheck SOURCE_DATE_EPOCH=1700000000 \
		dpkg-buildpackage -us -uc -b -d >"$1/build.log" 2>&1) || {
		tail -n 40 "$1/build.log" >&2
		return 1
	}
}

setup()
{
	[ ! -f "$BATS_FILE_TMPDIR/reason" ] || skip "$(cat "$BATS_FILE_TMPDIR/reason")"
}

teardown()
{
	[ -z "${ROOT:-}" ] || minimal_root_close "$ROOT"
}

in_root()
{
	minimal_root_in "$ROOT" "$@"
}

@test "lintian finds nothing" {
	run lintian -E --pedantic --fail-on error,warning --allow-root "$BATS_FILE_TMPDIR"/one/*.changes
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "built twice it has the same bytes" {
	build_package "$BATS_TEST_TMPDIR/two"
	cmp "$BATS_FILE_TMPDIR"/one/hulykvs_*.deb "$BATS_TEST_TMPDIR"/two/hulykvs_*.deb
}

# manager: a systemctl that notes what the maintainer scripts ask for, and a directory that tells them that systemd runs.
manager()
{
	cat >"$ROOT/usr/bin/systemctl" <<-'END'
		#!/bin/sh
		echo "$@" >>/calls
	END
	chmod 755 "$ROOT/usr/bin/systemctl"
	mkdir -p "$ROOT/run/systemd/system"
	rm "$ROOT/usr/sbin/policy-rc.d"
}

# calls: what the scripts have asked for since the last time.
calls()
{
	cat "$ROOT/calls"
	: >"$ROOT/calls"
}

@test "installed, upgraded, removed and purged on a bare Debian" {
	local release deb

	release=$(. /etc/os-release && echo "$VERSION_CODENAME")
	ROOT=$BATS_TEST_TMPDIR/root
	minimal_root_open "$release" "$ROOT"
	manager
	deb=$(basename "$BATS_FILE_TMPDIR"/one/hulykvs_*.deb)
	cp "$BATS_FILE_TMPDIR/one/$deb" "$ROOT/"
	in_root apt-get -q -y --no-install-recommends install "/$deb"
	in_root hulykvs --version
	in_root getent passwd hulykvs
	[ "$(in_root stat -c '%a %U:%G' /etc/hulykvs)" = "750 root:hulykvs" ]
	[ "$(stat -c '%a' "$ROOT/etc/hulykvs/environment")" = 600 ]
	ls "$ROOT"/usr/share/man/man8/hulykvs{,-migrate,-spawn}.8.gz "$ROOT/usr/share/doc/hulykvs/README.md.gz"
	run calls
	[[ $output != *start* ]]
	# With the template of the settings, the default secret does not start.
	run in_root hulykvs --environment-file /etc/hulykvs/environment --check-config
	echo "$output"
	[ "$status" -eq 78 ]
	[[ $output == *HULY_TOKEN_SECRET* ]]

	echo 'HULY_TOKEN_SECRET=kept-kept-kept-kept-kept-kept-kept' >>"$ROOT/etc/hulykvs/environment"
	build_package "$BATS_TEST_TMPDIR/next" 0.2.0+next
	cp "$BATS_TEST_TMPDIR"/next/hulykvs_*.deb "$ROOT/next.deb"
	in_root apt-get -q -y --no-install-recommends install /next.deb
	grep -q kept-kept "$ROOT/etc/hulykvs/environment"
	run calls
	echo "$output"
	[[ $output == *"try-restart hulykvs.service"* ]]
	[[ $output != *hulykvs.socket* ]]

	in_root apt-get -q -y remove hulykvs
	run calls
	echo "$output"
	[[ $output == *"stop hulykvs.socket hulykvs.service hulykvs-migrate.service"* ]]
	grep -q kept-kept "$ROOT/etc/hulykvs/environment"
	[ ! -e "$ROOT/usr/sbin/hulykvs" ]
	in_root apt-get -q -y purge hulykvs
	[ ! -e "$ROOT/etc/hulykvs" ]
}

@test "its own test passes on a bare Debian: the service on PostgreSQL, behind nginx" {
	local release deb

	release=$(. /etc/os-release && echo "$VERSION_CODENAME")
	ROOT=$BATS_TEST_TMPDIR/root
	minimal_root_open "$release" "$ROOT"
	cp "$BATS_FILE_TMPDIR"/one/hulykvs_*.deb "$WORLD_TOP/debian/tests/service" "$ROOT/"
	deb=$(basename "$BATS_FILE_TMPDIR"/one/hulykvs_*.deb)
	# shellcheck disable=SC2046 # a word for each package
	in_root apt-get -q -y --no-install-recommends install "/$deb" \
		$(sed -n '/^Depends: @,/{s///; s/,//g; p}' "$WORLD_TOP/debian/tests/control")
	in_root /service
}
