#!/usr/bin/env bats
# SPDX-License-Identifier: EPL-2.0
# The connection string's TLS settings and lists of hosts reach libpq.

# shellcheck disable=SC2030,SC2031 # each test has its own settings

bats_require_minimum_version 1.5.0
load ../lib/postgres

setup_file()
{
	export DIR
	DIR=$(pg_tmpdir)
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
		-keyout "$DIR/key.pem" -out "$DIR/ca.pem" 2>/dev/null
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout "$DIR/other-key.pem" \
		-out "$DIR/other.pem" 2>/dev/null
	pg_give_away "$DIR/key.pem" "$DIR/ca.pem"
	chmod 600 "$DIR/key.pem"
	local port
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	PG_PORT=$port pg_start "$DIR" listen_addresses=127.0.0.1 ssl=on ssl_cert_file="$DIR/ca.pem" \
		ssl_key_file="$DIR/key.pem"
	export PG_DIR PG_PORT=$port
	pg_db tls >/dev/null
}

teardown_file()
{
	pg_remove
}

setup()
{
	: "${HULYKVS_BUILD:=$BATS_TEST_DIRNAME/../../build}"
}

teardown()
{
	local pid

	for pid in ${PROGRAM:-} ${HOSTS:-}; do
		kill "$pid" 2>/dev/null || :
	done
}

# url CA: nobody listens at the first host; the name is checked against the certificate at the second.
url()
{
	echo "postgresql://postgres@127.0.0.1:1,localhost:$PG_PORT/tls?sslmode=verify-full&sslrootcert=$1&keepalives_retries=3"
}

all_encrypted()
{
	[ "$(pg_sql tls -c "select count(*) >= 6 and bool_and(ssl) from pg_stat_ssl
		join pg_stat_activity using (pid) where application_name = 'hulykvs'")" = t ]
}

@test "verify-full: every connection is encrypted, also to the second host of a list" {
	export HULY_DB_CONNECTION HULY_TOKEN_SECRET=a-secret-of-the-test
	HULY_DB_CONNECTION=$(url "$DIR/ca.pem")
	# Confined, it still has to reach the certificates.
	export HULY_SANDBOX=trap HULY_WORKERS=2
	"$HULYKVS_BUILD/hulykvs-migrate"
	spawn-fcgi -n -s "$BATS_TEST_TMPDIR/socket" -- "$HULYKVS_BUILD/hulykvs" 3>&- &
	PROGRAM=$!
	local deadline=$((SECONDS + 20))
	until all_encrypted; do
		[ "$SECONDS" -lt "$deadline" ]
		sleep 0.1
	done
}

# An attempt may take a minute, so the test's patience ends long before that of a single host.
@test "several hosts: one that answers nothing and one that closes do not keep the third away" {
	local silent closing

	python3 "$BATS_TEST_DIRNAME/../tools/silent_hosts.py" >"$BATS_TEST_TMPDIR/ports" 3>&- &
	HOSTS=$!
	until read -r silent closing 2>/dev/null <"$BATS_TEST_TMPDIR/ports"; do
		sleep 0.1
	done
	export HULY_TOKEN_SECRET=a-secret-of-the-test
	export HULY_DB_CONNECTION="postgresql://postgres@127.0.0.1:$silent,127.0.0.1:$closing,localhost:$PG_PORT/tls?connect_timeout=60"
	timeout 20 "$HULYKVS_BUILD/hulykvs-migrate"
	HULY_WORKERS=2 spawn-fcgi -n -s "$BATS_TEST_TMPDIR/socket" -- "$HULYKVS_BUILD/hulykvs" 3>&- \
		2>"$BATS_TEST_TMPDIR/log" &
	PROGRAM=$!
	local deadline=$((SECONDS + 20))
	until [ "$(pg_sql tls -c "select count(*) >= 6 from pg_stat_activity where application_name = 'hulykvs'")" = t ]; do
		[ "$SECONDS" -lt "$deadline" ]
		sleep 0.1
	done
	grep -q 'encryption="TLSv1' "$BATS_TEST_TMPDIR/log"
}

# The string names a service, whose file is known to libpq alone.
@test "HULY_SANDBOX_READ: a certificate that the confined program could not know of" {
	mkdir "$DIR/service"
	printf '%s\n' '[kvs]' host=localhost port="$PG_PORT" dbname=tls user=postgres sslmode=verify-full \
		sslrootcert="$DIR/ca.pem" >"$DIR/service/pg_service.conf"
	export PGSERVICEFILE=$DIR/service/pg_service.conf HULY_DB_CONNECTION=service=kvs HULY_SANDBOX=require
	run -69 "$HULYKVS_BUILD/hulykvs-migrate" status
	[[ $output == *"$DIR/ca.pem"* ]]
	HULY_SANDBOX_READ=/nonexistent:$DIR/ca.pem run -0 "$HULYKVS_BUILD/hulykvs-migrate" status
	[[ $output == *'msg="the confined program cannot read this path" path="/nonexistent"'* ]]
}

@test "verify-full: another authority's certificate is refused" {
	HULY_DB_CONNECTION=$(url "$DIR/other.pem") run -69 "$HULYKVS_BUILD/hulykvs-migrate"
	[[ $output == *"certificate verify failed"* ]]
}

@test "verify-full: a certificate for another name is refused" {
	HULY_DB_CONNECTION="host=127.0.0.1 port=$PG_PORT user=postgres dbname=tls sslmode=verify-full sslrootcert=$DIR/ca.pem" \
		run -69 "$HULYKVS_BUILD/hulykvs-migrate"
	[[ $output == *"does not match host name"* ]]
}

@test "a server without TLS is refused where it is required" {
	pg_stop
	pg_start "$DIR" listen_addresses=127.0.0.1
	HULY_DB_CONNECTION=$(url "$DIR/ca.pem") run -69 "$HULYKVS_BUILD/hulykvs-migrate"
	[[ $output == *"does not support SSL"* ]]
}
