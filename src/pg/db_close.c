/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/db_close.h"

#include <assert.h>

#include "base/log.h"

#define REASON_SIZE 256

static const struct {
	enum db_close_delays delays;
	enum log_level level;
	const char *event;
	struct str reason;
} closes[] = {
#define X(name, delays, level, event, reason) [DB_CLOSE_##name] = { DB_CLOSE_##delays, level, event, STR_INIT(reason) },
	DB_CLOSES(X)
#undef X
};

static void
log_close(enum db_close why, PGconn *conn)
{
	struct buf text;

	buf_init(&text, REASON_SIZE);
	if (why == DB_CLOSE_LOST)
		dbconn_put_reason(&text, conn);
	log_event(
	    closes[why].level, closes[why].event, log_text("reason", text.n > 0 ? buf_str(&text) : closes[why].reason));
	buf_free(&text);
}

void
db_close_note(enum db_close why, PGconn *conn, struct connect_thread_channel *channel, int64_t made_at, bool answered)
{
	bool useful = answered || clock_mono() - made_at >= DB_CLOSE_YOUNG;
	enum db_close_delays delays = closes[why].delays;

	assert(why != DB_CLOSE_NOT);
	log_close(why, conn);
	connect_thread_note_end(channel, useful, delays == DB_CLOSE_ALWAYS || (delays == DB_CLOSE_USELESS && !useful));
}
