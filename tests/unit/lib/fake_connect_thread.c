/* SPDX-License-Identifier: EPL-2.0 */
#include "lib/fake_connect_thread.h"

#include <stdio.h>

#include "lib/fake_libpq.h"
#include "lib/tap.h"

static int nudges, delayed, used;
static struct connect_thread_order *orders;
static int64_t writes_from;

void
fake_connect_thread_writes_from(int64_t from)
{
	writes_from = from;
}

void
connect_thread_place(struct connect_thread_channel *channel, struct connect_thread_order *o)
{
	struct connect_thread_order **end = &orders;

	(void)channel;
	if (o->placed)
		tap_bail("an order is placed twice");
	while (*end != NULL)
		end = &(*end)->next;
	o->placed = true;
	o->next = NULL;
	*end = o;
}

void
connect_thread_nudge(struct connect_thread_channel *channel)
{
	(void)channel;
	nudges++;
}

void
connect_thread_note_end(struct connect_thread_channel *channel, bool useful, bool delays)
{
	(void)channel;
	used += useful;
	delayed += delays;
}

int
fake_connect_thread_delays(void)
{
	return delayed;
}

int
fake_connect_thread_useful(void)
{
	return used;
}

int
fake_connect_thread_nudges(void)
{
	return nudges;
}

int
fake_connect_thread_orders(void)
{
	int n = 0;

	for (const struct connect_thread_order *o = orders; o != NULL; o = o->next)
		n++;
	return n;
}

static struct connect_thread_order *
take_order(void)
{
	struct connect_thread_order *o = orders;

	if (o == NULL)
		tap_bail("no connection is ordered");
	orders = o->next;
	o->placed = false;
	return o;
}

PGconn *
fake_connect_thread_connect(enum dbconn_server server)
{
	struct connect_thread_order *o = take_order();
	PGconn *conn = fake_libpq_connection();
	int64_t now = clock_mono();

	o->clock = db_clock_of(now, now, 0, DB_CLOCK_MARGIN);
	o->writes_from = writes_from;
	o->ready(o, conn, server);
	return conn;
}

void
fake_connect_thread_refuse(const char *reason)
{
	struct connect_thread_order *o = take_order();

	(void)snprintf(o->reason, sizeof(o->reason), "%s", reason);
	o->ready(o, NULL, DBCONN_POSTGRESQL);
}

void
fake_connect_thread_reset(void)
{
	while (orders != NULL)
		(void)take_order();
}
