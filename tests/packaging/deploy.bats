#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The files for Compose and Kubernetes hold to their schemas.  The checkers come from PyPI and the Go modules, into
# build/tools, once.
# shellcheck disable=SC2030,SC2031 # each test has its own output and status

load ../lib/world

TOOLS=$WORLD_TOP/build/tools
CHART=$WORLD_TOP/deploy/kubernetes/hulykvs
VALUES=$WORLD_TOP/deploy/kubernetes/values

setup_file()
{
	mkdir -p "$TOOLS"
	[ -x "$TOOLS/venv-deploy/bin/check-jsonschema" ] || {
		python3 -m venv "$TOOLS/venv-deploy" &&
			"$TOOLS/venv-deploy/bin/pip" -q install check-jsonschema kubernetes-validate
	} >"$TOOLS/pip.log" 2>&1 || :
	[ -x "$TOOLS/helm" ] || GOBIN=$TOOLS go install helm.sh/helm/v3/cmd/helm@v3.18.6 >"$TOOLS/helm.log" 2>&1 || :
	[ -x "$TOOLS/kubeconform" ] ||
		GOBIN=$TOOLS go install github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0 >"$TOOLS/kubeconform.log" 2>&1 || :
}

needs()
{
	[ -x "$TOOLS/$1" ] || skip "no $1: see build/tools/*.log"
}

@test "Compose: both override files hold to the compose specification" {
	needs venv-deploy/bin/check-jsonschema
	"$TOOLS/venv-deploy/bin/check-jsonschema" --builtin-schema vendor.compose-spec "$WORLD_TOP"/deploy/compose/*.yml
}

@test "Compose: the override names the service, the image and nothing that the original's entry lacks" {
	needs venv-deploy/bin/check-jsonschema
	"$TOOLS/venv-deploy/bin/python" - "$WORLD_TOP/deploy/compose/huly-selfhost.override.yml" <<-'END'
		import sys
		import ruamel.yaml
		services = ruamel.yaml.YAML(typ="safe").load(open(sys.argv[1]))["services"]
		assert list(services) == ["kvs"], services
		assert set(services["kvs"]) == {"image", "stop_grace_period"}, services
	END
}

@test "Kubernetes: helm lint finds nothing" {
	needs helm
	"$TOOLS/helm" lint --strict "$CHART"
}

# The schemas of kubernetes-validate refer to a file beside them, which kubeconform does not follow: each gets a copy.
schemas()
{
	"$TOOLS/venv-deploy/bin/python" - "$TOOLS/schemas" <<-'END'
		import json, os, sys
		import kubernetes_validate
		source = os.path.join(os.path.dirname(kubernetes_validate.__file__), "kubernetes-json-schema/v1.30.0-local-strict")
		with open(os.path.join(source, "_definitions.json")) as f:
		    definitions = json.load(f)["$defs"]
		os.makedirs(sys.argv[1], exist_ok=True)
		for kind in ("deployment-apps-v1", "service-v1", "poddisruptionbudget-policy-v1", "networkpolicy-networking-v1"):
		    with open(os.path.join(source, kind + ".json")) as f:
		        schema = json.loads(f.read().replace("/api/_definitions.json#", "#"))
		    with open(os.path.join(sys.argv[1], kind + ".json"), "w") as f:
		        json.dump(schema | {"$defs": definitions}, f)
	END
}

conforms()
{
	needs helm
	needs kubeconform
	needs venv-deploy/bin/check-jsonschema
	[ -d "$TOOLS/schemas" ] || schemas
	"$TOOLS/helm" template kvs "$CHART" --kube-version 1.30.0 "$@" >"$BATS_TEST_TMPDIR/made.yaml"
	"$TOOLS/kubeconform" -strict -summary -skip ServiceMonitor,PrometheusRule \
		-schema-location "$TOOLS/schemas/{{.ResourceKind}}{{.KindSuffix}}.json" "$BATS_TEST_TMPDIR/made.yaml"
}

@test "Kubernetes: what the chart makes with its defaults holds to the schemas" { conforms; }
@test "Kubernetes: what it makes for three replicas does" { conforms -f "$VALUES/replicas.yaml"; }
@test "Kubernetes: what it makes with every switch on does" {
	conforms -f "$VALUES/everything.yaml"
	grep -q 'kind: ServiceMonitor' "$BATS_TEST_TMPDIR/made.yaml"
	grep -q 'alert: Hulykvs' "$BATS_TEST_TMPDIR/made.yaml"
	grep -q 'kind: NetworkPolicy' "$BATS_TEST_TMPDIR/made.yaml"
}

@test "Kubernetes: a chart without a secret for the connection is refused in words" {
	needs helm
	run "$TOOLS/helm" template kvs "$CHART" --kube-version 1.30.0 --set connection.secret=
	[ "$status" -ne 0 ]
	[[ $output == *"connection.secret names the secret"* ]]
}

# environment NAME: what the chart made gives the program for it.
environment()
{
	grep -A 1 -- "- name: $1\$" "$BATS_TEST_TMPDIR/made.yaml" | sed -n 's/^ *value: //p' | sort -u
}

@test "Kubernetes: the job that the ServiceMonitor gives its targets is the one that the alerts ask for" {
	needs helm
	needs venv-deploy/bin/check-jsonschema
	"$TOOLS/helm" template kvs "$CHART" --kube-version 1.30.0 -f "$VALUES/everything.yaml" >"$BATS_TEST_TMPDIR/made.yaml"
	"$TOOLS/venv-deploy/bin/python" - "$BATS_TEST_TMPDIR/made.yaml" <<-'END'
		import re, sys
		import ruamel.yaml
		made = [d for d in ruamel.yaml.YAML(typ="safe").load_all(open(sys.argv[1])) if d]
		kinds = {d["kind"]: d["spec"] for d in made}
		rules = [r["expr"] for g in kinds["PrometheusRule"]["groups"] for r in g["rules"]]
		asked = {job for expr in rules for job in re.findall(r'job="([^"]*)"', expr)}
		for endpoint in kinds["ServiceMonitor"]["endpoints"]:
		    given = {r["replacement"] for r in endpoint.get("relabelings", []) if r["targetLabel"] == "job"}
		    assert asked and asked == given, (asked, given)
	END
}

@test "Kubernetes: numbers and on/off in the values reach the program as they are written, quoted or not" {
	needs helm
	cat >"$BATS_TEST_TMPDIR/values.yaml" <<-'END'
		image:
		  tag: 20261130
		encryptionKeys:
		  secret: kvs-keys
		  mode: off
		settings:
		  HULY_PAYLOAD_SIZE_LIMIT: 2097152
		  HULY_BODY_BUDGET: "268435456"
		  HULY_WORKERS: 3
		  HULY_DB_PREPARED: off
		  HULY_SANDBOX: on
		  HULY_REQUIRE_STRONG_SECRET: "on"
		  OTEL_TRACES_SAMPLER_ARG: 0.25
		  HULY_ALLOWED_PEERS:
	END
	"$TOOLS/helm" template kvs "$CHART" --kube-version 1.30.0 -f "$BATS_TEST_TMPDIR/values.yaml" >"$BATS_TEST_TMPDIR/made.yaml"
	[ "$(environment HULY_PAYLOAD_SIZE_LIMIT)" = '"2097152"' ]
	[ "$(environment HULY_BODY_BUDGET)" = '"268435456"' ]
	[ "$(environment HULY_WORKERS)" = '"3"' ]
	[ "$(environment HULY_DB_PREPARED)" = '"off"' ]
	[ "$(environment HULY_SANDBOX)" = '"on"' ]
	[ "$(environment HULY_REQUIRE_STRONG_SECRET)" = '"on"' ]
	[ "$(environment OTEL_TRACES_SAMPLER_ARG)" = '"0.25"' ]
	[ "$(environment HULY_ALLOWED_PEERS)" = '""' ]
	[ "$(environment HULY_ENCRYPTION_MODE)" = '"off"' ]
	[ "$(grep -c 'image: hulykvs:20261130$' "$BATS_TEST_TMPDIR/made.yaml")" -eq 2 ]
	run "$TOOLS/helm" template kvs "$CHART" --kube-version 1.30.0 --set settings.HULY_WORKERS.count=3
	[ "$status" -ne 0 ]
	[[ $output == *"is one text or number"* ]]
}

# Only a new process reads settings that were corrected.
@test "the migration waits for a minute at a time: unit, container and chart" {
	local file

	for file in systemd/hulykvs-migrate.service.in container/hulykvs-container kubernetes/hulykvs/templates/deployment.yaml; do
		grep -E 'hulykvs-migrate"?,? "?--wait"?,? "?60("|[^0-9]|$)' "$WORLD_TOP/deploy/$file"
	done
}

@test "Kubernetes: alerts without metrics are refused; a switch of OTEL_ is true or false; one pod may always be drained" {
	needs helm
	run "$TOOLS/helm" template kvs "$CHART" --kube-version 1.30.0 --set metrics.port= --set metrics.prometheusRule.enabled=true
	[ "$status" -ne 0 ]
	[[ $output == *"prometheusRule needs metrics.port"* ]]
	run "$TOOLS/helm" template kvs "$CHART" --kube-version 1.30.0 --set settings.OTEL_SDK_DISABLED=true
	[[ $output == *$'name: OTEL_SDK_DISABLED\n              value: "true"'* ]]
	run "$TOOLS/helm" template kvs "$CHART" --kube-version 1.30.0 --set podDisruptionBudget.enabled=true
	[[ $output == *"maxUnavailable: 1"* ]]
}

# make VALUES.yaml-TEXT: what the chart makes of them, in made.yaml
make()
{
	printf '%s\n' "$1" >"$BATS_TEST_TMPDIR/values.yaml"
	"$TOOLS/helm" template kvs "$CHART" --kube-version 1.30.0 -f "$BATS_TEST_TMPDIR/values.yaml" >"$BATS_TEST_TMPDIR/made.yaml"
}

# grace_is SECONDS HULY_REQUEST_TIMEOUT: and that is enough for what happens while a pod ends, one after the other.
grace_is()
{
	local before web most slack grace

	before=$(grep -A 3 'preStop:' "$BATS_TEST_TMPDIR/made.yaml" | sed -n 's/.*"sleep", "\([0-9]*\)".*/\1/p')
	web=$((${2%.*} + 2)) # see tests/packaging/entry.bats
	most=$(sed -n 's/^web_seconds=\([0-9]*\) .*/\1/p' "$WORLD_TOP/deploy/container/hulykvs-container")
	[ "$web" -le "$most" ] || web=$most
	slack=$(sed -n 's/^#define DRAIN_SLACK *(\([0-9]*\) \* CLOCK_S).*/\1/p' "$WORLD_TOP/src/program/main.c")
	grace=$(sed -n 's/^ *terminationGracePeriodSeconds: //p' "$BATS_TEST_TMPDIR/made.yaml")
	[ "$before" -ge 5 ] && [ "$grace" -eq "$1" ] && [ "$grace" -gt $((before + web + ${2%.*} + slack + 1)) ]
}

@test "Kubernetes: a pod that ends has the time that HULY_REQUEST_TIMEOUT asks for" {
	needs helm
	cp "$WORLD_TOP/deploy/kubernetes/manifests.yaml" "$BATS_TEST_TMPDIR/made.yaml"
	grace_is 37 10
	make 'settings: { HULY_REQUEST_TIMEOUT: 2 }'
	grace_is 30 2
	make 'settings: { HULY_REQUEST_TIMEOUT: 15 }'
	grace_is 47 15
	make 'settings: { HULY_REQUEST_TIMEOUT: "60.5" }'
	grace_is 136 60.5
	make 'settings: { HULY_REQUEST_TIMEOUT: 3600 }'
	grace_is 3675 3600
	make 'settings:'
	grace_is 37 10
	run make 'settings: { HULY_REQUEST_TIMEOUT: 10s }'
	[ "$status" -ne 0 ]
	[[ $output == *"HULY_REQUEST_TIMEOUT is a number of seconds"* ]]
}

@test "Kubernetes: with an IPv6 address to listen on, the metrics are on IPv6 too" {
	needs helm
	make 'settings: { HULY_BIND_HOST: "::" }'
	grep -A 1 'name: HULY_METRICS_BIND' "$BATS_TEST_TMPDIR/made.yaml" | grep -qF 'value: "[::]:9464"'
}

@test "Kubernetes: no variable stands twice; a setting that has a value of its own is refused, and the value named" {
	local name names

	needs helm
	"$TOOLS/helm" template kvs "$CHART" --kube-version 1.30.0 -f "$VALUES/everything.yaml" --set migrate.mode=init \
		>"$BATS_TEST_TMPDIR/made.yaml"
	# Each container begins with its name, and the variables that the chart sets itself are the same in both.
	[ -z "$(awk '/^        - name: / { split("", seen) } /^            - name: H/ && seen[$3]++ { print $3 }' \
		"$BATS_TEST_TMPDIR/made.yaml")" ]
	names=$(sed -n 's/^            - name: \(HULY.*\)/\1/p' "$BATS_TEST_TMPDIR/made.yaml" |
		grep -vxE 'HULY_LOG_FORMAT|HULY_REQUIRE_STRONG_SECRET' | sort -u)
	[ "$(wc -l <<<"$names")" -eq 8 ]
	for name in $names HULY_DB_CONNECTION_FILE HULY_TOKEN_SECRET HULY_TOKEN_SECRET_PREVIOUS; do
		run make "settings: { $name: x }"
		[ "$status" -ne 0 ]
		[[ $output == *"$name cannot be in settings: set the value "* ]]
	done
	[[ $output == *"set the value tokenSecretPrevious instead"* ]]
}

@test "Kubernetes: a value that the chart does not have is refused, also one of an earlier version" {
	local value name

	needs helm
	for value in podDisruptionBudget.minAvailable=1 connection.name=x imagePullSecrets=x metrics.prometheusRule.enable=true; do
		run "$TOOLS/helm" template kvs "$CHART" --kube-version 1.30.0 --set "$value"
		echo "$output"
		[ "$status" -ne 0 ]
		name=${value%=*}
		[[ $output == *"additional properties '${name##*.}' not allowed"* ]]
	done
}

@test "Kubernetes: OTEL_SDK_DISABLED is true or false for the program, however on and off are written" {
	local value

	needs helm
	for value in on true '"on"' '"true"'; do
		make "settings: { OTEL_SDK_DISABLED: $value }"
		[ "$(environment OTEL_SDK_DISABLED)" = '"true"' ]
	done
	for value in off false '"off"' '"false"'; do
		make "settings: { OTEL_SDK_DISABLED: $value }"
		[ "$(environment OTEL_SDK_DISABLED)" = '"false"' ]
	done
}

@test "Kubernetes: manifests.yaml is what the chart makes with its defaults" {
	needs helm
	diff <(sed '/^# SPDX/d; /^# Made by/d' "$WORLD_TOP/deploy/kubernetes/manifests.yaml") <("$TOOLS/helm" template kvs "$CHART" --kube-version 1.30.0 2>/dev/null)
}
