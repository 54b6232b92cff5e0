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
	mkdir -p "$1/source"
	(cd "$WORLD_TOP" && git ls-files -z | xargs -0 tar c) | tar x -C "$1/source"
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

@test "installed, upgraded, removed and purged on a bare Debian" {
	local release deb

	release=$(. /etc/os-release && echo "$VERSION_CODENAME")
	ROOT=$BATS_TEST_TMPDIR/root
	minimal_root_open "$release" "$ROOT"
	trap 'minimal_root_close "$ROOT"' EXIT
	deb=$(basename "$BATS_FILE_TMPDIR"/one/hulykvs_*.deb)
	cp "$BATS_FILE_TMPDIR/one/$deb" "$ROOT/"
	in_root apt-get -q -y --no-install-recommends install "/$deb"
	in_root hulykvs --version
	in_root getent passwd hulykvs
	[ "$(stat -c '%a' "$ROOT/etc/hulykvs")" = 750 ]
	[ "$(stat -c '%a' "$ROOT/etc/hulykvs/environment")" = 600 ]
	# The default secret does not start.
	run in_root env HULY_REQUIRE_STRONG_SECRET=on hulykvs --check-config
	[ "$status" -eq 78 ]
	[[ $output == *HULY_TOKEN_SECRET* ]]

	echo 'HULY_TOKEN_SECRET=kept-kept-kept-kept-kept-kept-kept' >>"$ROOT/etc/hulykvs/environment"
	build_package "$BATS_TEST_TMPDIR/next" 0.2.0+next
	cp "$BATS_TEST_TMPDIR"/next/hulykvs_*.deb "$ROOT/next.deb"
	in_root apt-get -q -y --no-install-recommends install /next.deb
	grep -q kept-kept "$ROOT/etc/hulykvs/environment"

	in_root apt-get -q -y remove hulykvs
	grep -q kept-kept "$ROOT/etc/hulykvs/environment"
	[ ! -e "$ROOT/usr/sbin/hulykvs" ]
	in_root apt-get -q -y purge hulykvs
	[ ! -e "$ROOT/etc/hulykvs/environment" ]
}
