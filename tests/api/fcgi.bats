#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The program's own socket, with peers that no web server would be: see fcgi_cases.py.

load ../lib/postgres
load ../lib/world

setup_file()
{
	world_cluster
	world_start none
	world_until 10 answers
	world_pid >"$BATS_FILE_TMPDIR/pid"
}

teardown_file()
{
	world_end
}

answers()
{
	"$WORLD_TOP/tests/tools/fcgi_cases.py" "$WORLD_SOCKET" other_request_ids 2>/dev/null
}

peer()
{
	"$WORLD_TOP/tests/tools/fcgi_cases.py" "$WORLD_SOCKET" "$1"
	[ "$(world_pid)" = "$(cat "$BATS_FILE_TMPDIR/pid")" ]
}

@test "byte by byte" { peer byte_by_byte; }
@test "many small records" { peer many_small_records; }
@test "requests back to back" { peer requests_back_to_back; }
@test "other request ids" { peer other_request_ids; }
@test "a connection not to be kept" { peer a_connection_not_to_be_kept; }
@test "largest values" { peer largest_values; }
@test "stdin ends early" { peer stdin_ends_early; }
@test "connection ends in the body" { peer connection_ends_in_the_body; }
@test "half closed in the body" { peer half_closed_in_the_body; }
@test "aborted in the body" { peer aborted_in_the_body; }
@test "aborted before the body" { peer aborted_before_the_body; }
@test "stdin goes on too long" { peer stdin_goes_on_too_long; }
@test "length that is no number" { peer length_that_is_no_number; }
@test "records in a refused body" { peer records_in_a_refused_body; }
@test "records in a body for nobody" { peer records_in_a_body_for_nobody; }
@test "records in a stored body" { peer records_in_a_stored_body; }
@test "records in a body over the limit" { peer records_in_a_body_over_the_limit; }
@test "records after the announced length" { peer records_after_the_announced_length; }
@test "header in a body" { peer header_in_a_body; }
@test "management records" { peer management_records; }
@test "one variable four times" { peer one_variable_four_times; }
@test "unknown management record" { peer unknown_management_record; }
@test "broken management records" { peer broken_management_records; }
@test "other roles" { peer other_roles; }
@test "an authorizer" { peer an_authorizer; }
@test "another version" { peer another_version; }
@test "records out of order" { peer records_out_of_order; }
@test "broken parameters" { peer broken_parameters; }
@test "parameters without end" { peer parameters_without_end; }
@test "nothing that is needed" { peer nothing_that_is_needed; }
@test "garbage" { peer garbage; }
@test "lists beside reads" { peer lists_beside_reads; }
@test "requests with flipped bytes" { peer requests_with_flipped_bytes; }
@test "http on the wrong socket" { peer http_on_the_wrong_socket; }
@test "half requests do not delay others" { peer half_requests_do_not_delay_others; }
@test "a peer that never reads" { peer a_peer_that_never_reads; }
@test "idle and busy" { peer idle_and_busy; }
@test "connections that come and go" { peer connections_that_come_and_go; }
@test "leaves while its request is executed" { peer leaves_while_its_request_is_executed; }

@test "every case holds" {
	for name in $("$WORLD_TOP/tests/tools/fcgi_cases.py" --list); do
		grep -q "{ peer $name; }" "$BATS_TEST_FILENAME"
	done
}

@test "the socket is its owner's and its group's" {
	[ "$(stat -c %a "$WORLD_SOCKET")" = 660 ]
}

@test "ends cleanly" { world_stop; }
