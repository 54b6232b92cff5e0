# SPDX-License-Identifier: EPL-2.0
# Runs of tools/failpoints.py.  Load this after faults.bash; it changes no shell options.  setup_file, teardown_file and
# teardown of the test file are here, too: a cluster for all tests, and no program that outlives one.
#
#   failpoints MODE [ARG …]   every call of a program fails once, on the database FAULT_DB
#   fails_in MODE             the same on a new database, whose writes are counted
#
# The programs are those of `make failpoints`, built with AddressSanitizer.  FAILPOINTS_DEPTH (3) says how many
# callers make a place, of which the first call fails; 0: the n-th call, for every n (`make soak`).  FEATURES=1 has the
# program seal values and send traces.
# shellcheck disable=SC2153,SC2154 # FAULT_DB comes from faults.bash, output and status from bats' run

setup_file()
{
	world_cluster
}

teardown_file()
{
	pg_remove
}

teardown()
{
	[ -z "${FAULT_DIR:-}" ] || rm -rf "$FAULT_DIR"
}

failpoints()
{
	run env "PATH=$PG_BIN:$PATH" python3 "$FAULT_SCRIPTS/failpoints.py" --depth "${FAILPOINTS_DEPTH:-3}" \
		${FEATURES:+--features} "$1" "$HULYKVS_BUILD/tests/faults/failing" "$FAULT_DB" "${@:2}"
	echo "$output"
	[ "$status" -eq 0 ]
	fault_say "$(tail -n 1 <<<"$output")"
}

fails_in()
{
	fault_directory
	fault_database
	fault_audit
	failpoints "$1"
}
