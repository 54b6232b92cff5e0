#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The SBOM holds to SPDX 2.3, names what the program is linked with, and is the same when nothing has changed.
# shellcheck disable=SC2030,SC2031 # each test has its own output and status

load ../lib/world

@test "the SBOM names the libraries' packages, each once, with the relations that SPDX asks for" {
	SOURCE_DATE_EPOCH=1700000000 "$WORLD_TOP/deploy/sbom" --version 1 >"$BATS_TEST_TMPDIR/one"
	SOURCE_DATE_EPOCH=1700000000 "$WORLD_TOP/deploy/sbom" --version 1 >"$BATS_TEST_TMPDIR/two"
	cmp "$BATS_TEST_TMPDIR/one" "$BATS_TEST_TMPDIR/two"
	python3 - "$BATS_TEST_TMPDIR/one" <<-'END'
		import json, re, sys
		sbom = json.load(open(sys.argv[1]))
		assert sbom["spdxVersion"] == "SPDX-2.3" and sbom["dataLicense"] == "CC0-1.0"
		ids = [p["SPDXID"] for p in sbom["packages"]]
		assert len(ids) == len(set(ids))
		assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", i) for i in ids), ids
		names = {p["name"] for p in sbom["packages"]}
		assert {"hulykvs", "libpq5", "nginx"} <= names and any(n.startswith("libjwt") for n in names), names
		ends = {r["relatedSpdxElement"] for r in sbom["relationships"]}
		assert ends == set(ids), ends ^ set(ids)
	END
}
