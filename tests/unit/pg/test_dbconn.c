/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/dbconn.h"

#include <poll.h>
#include <stdio.h>

#include "lib/pg_peer.h"
#include "lib/tap.h"

static struct buf why;

/* Starts the peer and connects to it. */
static PGconn *
connect_to(struct pg_peer *p)
{
	char text[128];
	struct config config = { .db_connection = text };

	pg_peer_start(p);
	(void)snprintf(text, sizeof(text), "host=127.0.0.1 port=%d user=u dbname=d", p->port);
	buf_clear(&why);
	return dbconn_connect(&config, "test", NULL, &why);
}

static bool
has(const char *text)
{
	buf_putc(&why, '\0');
	return strstr(buf_str(&why).p, text) != NULL;
}

static const struct {
	const char *version;
	bool ok;
	enum dbconn_server server;
} versions[] = {
	{ "PostgreSQL 15.8 on x86_64-pc-linux-gnu", true, DBCONN_POSTGRESQL },
	{ "CockroachDB CCL v24.2.1 (x86_64-pc-linux-gnu)", true, DBCONN_COCKROACHDB },
	{ "PostgreSQL 11.2-YB-2.25.0.0-b0 on x86_64-pc-linux-gnu", false, DBCONN_POSTGRESQL },
};

static void
test_versions(void)
{
	static struct pg_peer peers[COUNT(versions)];

	for (size_t i = 0; i < COUNT(versions); i++) {
		enum dbconn_server server = DBCONN_POSTGRESQL;
		PGconn *conn;

		peers[i].kind = PG_PEER_PRIMARY;
		peers[i].value = versions[i].version;
		conn = connect_to(&peers[i]);
		tap_ok(dbconn_server(conn, &server, &why) == versions[i].ok, "%s", versions[i].version);
		tap_int(server, versions[i].server, "its kind");
		tap_ok(versions[i].ok || has("YugabyteDB, which is not supported"), "the reason");
		PQfinish(conn);
	}
}

static void
test_what_a_server_is(void)
{
	static struct pg_peer direct = { .kind = PG_PEER_PRIMARY, .value = "42", .encoding = "UTF8" };
	static struct pg_peer pooled = { .kind = PG_PEER_PRIMARY, .value = "43" };
	static struct pg_peer read_only = { .kind = PG_PEER_PRIMARY, .value = "on", .encoding = "SQL_ASCII" };
	bool yes = true;
	PGconn *conn = connect_to(&direct);

	tap_ok(dbconn_pooled(conn, &yes, &why) && !yes, "the process that libpq knows: no pooler");
	tap_ok(dbconn_read_only(conn, &yes, &why) && !yes, "it takes writes");
	tap_ok(dbconn_is_utf8(conn, &why), "UTF8");
	tap_ok(
	    !dbconn_is_remote(conn) && strcmp(dbconn_encryption(conn), "none") == 0, "on this machine, not encrypted");
	PQfinish(conn);
	conn = connect_to(&pooled);
	tap_ok(dbconn_pooled(conn, &yes, &why) && yes, "another process: a pooler");
	tap_ok(dbconn_is_utf8(conn, &why), "an encoding that is not told");
	PQfinish(conn);
	conn = connect_to(&read_only);
	tap_ok(dbconn_read_only(conn, &yes, &why) && yes, "it takes no writes");
	tap_ok(!dbconn_is_utf8(conn, &why) && has("SQL_ASCII, and UTF8 is needed"), "another encoding");
	PQfinish(conn);
}

/* The reason of an end is what the server said, not what libpq makes of it. */
static void
test_end(void)
{
	static struct pg_peer ending = { .kind = PG_PEER_ENDING, .value = "" };
	static struct pg_peer full = { .kind = PG_PEER_FULL };
	PGconn *conn = connect_to(&full);

	tap_ok(conn == NULL && has("too many"), "refused: what the server said");
	conn = connect_to(&ending);
	while (PQconsumeInput(conn) == 1) {
		struct pollfd fd = { .fd = PQsocket(conn), .events = POLLIN };

		(void)PQisBusy(conn); /* reads what has come */
		(void)poll(&fd, 1, -1);
	}
	buf_clear(&why);
	dbconn_put_reason(&why, conn);
	tap_text(buf_str(&why), STR("FATAL: the operator ends it"), "ended while idle: what the server said");
	PQfinish(conn);
}

int
main(void)
{
	buf_init(&why, 4096);
	test_versions();
	test_what_a_server_is();
	test_end();
	buf_free(&why);
	return tap_end();
}
