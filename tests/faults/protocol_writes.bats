#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# bats file_tags=long
# The database's protocol breaks at every place under a PUT or a DELETE. The rest is in protocol.bats: they take long, and
# files are run side by side.

# shellcheck disable=SC2154 # FAULT_* and output come from faults.bash and bats

load ../lib/postgres
load ../lib/world
load ../lib/faults

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
	fault_leave
}

# bats test_tags=cockroachdb
@test "a PUT or a DELETE broken at every place of the protocol: it happens at most once, and its answer is right" {
	fault_protocol writes
}
