#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# ./configure on a system with other libraries than those that this program is written for.

load ../lib/world

@test "libjwt 3, which has another API, is refused in words" {
	[ -x "$WORLD_TOP/configure" ] || skip "no configure here: autoreconf -fi makes it"
	cat >"$BATS_TEST_TMPDIR/libjwt.pc" <<-END
		Name: libjwt
		Description: a later libjwt
		Version: 3.2.1
		Libs: -ljwt
	END
	cd "$BATS_TEST_TMPDIR"
	PKG_CONFIG_PATH=$BATS_TEST_TMPDIR run "$WORLD_TOP/configure" --quiet
	echo "$output"
	[ "$status" -ne 0 ]
	[[ $output == *"libjwt 3 and later has another API"*"libjwt-dev"* ]]
}
