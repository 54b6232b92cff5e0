/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/connect_race.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/pg_peer.h"
#include "lib/tap.h"

static struct pg_peer silent = { .kind = PG_PEER_SILENT };
static struct pg_peer closing = { .kind = PG_PEER_CLOSING };
static struct pg_peer full = { .kind = PG_PEER_FULL };
static struct pg_peer late = { .kind = PG_PEER_LATE };
static struct pg_peer standby = { .kind = PG_PEER_STANDBY };
static struct pg_peer primary = { .kind = PG_PEER_PRIMARY };
static struct pg_peer other = { .kind = PG_PEER_PRIMARY };

static struct buf why;

/* The port of the connection that was made; 0: none was. */
static int
run(const char *ports, const char *options, struct connect_race_memory *m)
{
	char text[512];
	struct conninfo info;
	PGconn *conn = NULL;
	int port = 0;

	(void)snprintf(text, sizeof(text), "host=127.0.0.1,127.0.0.1 port=%s user=u dbname=d %s", ports, options);
	buf_clear(&why);
	if (!conninfo_parse(&info, text, &why))
		tap_bail("the string of the test is wrong");
	conn = connect_race_run(&info, m, &why);
	conninfo_free(&info);
	if (conn != NULL)
		port = (int)strtol(PQport(conn), NULL, 10);
	PQfinish(conn);
	return port;
}

static const char *
ports(const struct pg_peer *a, const struct pg_peer *b)
{
	static char text[32];

	(void)snprintf(text, sizeof(text), "%d,%d", a->port, b->port);
	return text;
}

static bool
has(const char *text)
{
	return strstr(buf_str(&why).p, text) != NULL;
}

static void
test_others(void)
{
	tap_int(run(ports(&silent, &primary), "", NULL), primary.port, "a silent host does not keep the next one away");
	tap_int(run(ports(&closing, &primary), "", NULL), primary.port, "nor does one that closes");
	tap_int(run(ports(&full, &primary), "", NULL), primary.port, "nor one that refuses");
}

static void
test_failures(void)
{
	tap_int(run(ports(&closing, &full), "", NULL), 0, "all fail: no connection");
	buf_putc(&why, '\0');
	tap_ok(has("too many") && has("; "), "and what each failed with is told");
	tap_int(run(ports(&silent, &silent), "connect_timeout=1", NULL), 0, "silent hosts are waited for so long only");
	buf_putc(&why, '\0');
	tap_ok(has("no answer within 1 s"), "which is told");
}

/* The host that failed is asked again while the silent one is waited for. */
static void
test_repeated(void)
{
	tap_int(run(ports(&silent, &late), "", NULL), late.port, "a host that takes connections later");
	tap_int(late.connections, 3, "was asked three times");
}

static void
test_memory(void)
{
	struct connect_race_memory m = { .host = "" };
	unsigned before;

	tap_int(run(ports(&closing, &primary), "", &m), primary.port, "a first connection");
	tap_int(strtol(m.port, NULL, 10), primary.port, "its host is remembered");
	(void)snprintf(m.port, sizeof(m.port), "%d", closing.port);
	before = closing.connections;
	tap_int(run(ports(&other, &closing), "", &m), other.port, "the last host is no longer there");
	tap_ok(closing.connections > before, "but it was asked first");
	tap_int(strtol(m.port, NULL, 10), other.port, "the other one is remembered now");
}

static void
test_session_attributes(void)
{
	tap_int(run(ports(&standby, &primary), "target_session_attrs=read-write", NULL), primary.port, "read-write");
	tap_int(run(ports(&primary, &standby), "target_session_attrs=standby", NULL), standby.port, "standby");
	tap_int(run(ports(&primary, &standby), "target_session_attrs=prefer-standby", NULL), standby.port,
	    "prefer-standby where there is one");
	tap_int(run(ports(&closing, &primary), "target_session_attrs=prefer-standby", NULL), primary.port,
	    "prefer-standby where there is none");
}

int
main(void)
{
	struct pg_peer *const peers[] = { &silent, &closing, &full, &late, &standby, &primary, &other };

	buf_init(&why, 4096);
	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		peers[i]->value = "";
		pg_peer_start(peers[i]);
	}
	test_others();
	test_failures();
	test_repeated();
	test_memory();
	test_session_attributes();
	buf_free(&why);
	return tap_end();
}
