/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/db_close.h"

#include <assert.h>

#include "base/log.h"

#define REASON_SIZE 256

void
db_close_log(enum db_close why, PGconn *conn)
{
	static const struct {
		enum log_level level;
		const char *event;
		struct str reason;
	} closes[] = {
#define X(name, level, event, reason) [DB_CLOSE_##name] = { level, event, STR_INIT(reason) },
		DB_CLOSES(X)
#undef X
	};
	struct buf text;

	assert(why != DB_CLOSE_NOT);
	buf_init(&text, REASON_SIZE);
	if (why == DB_CLOSE_LOST)
		dbconn_put_reason(&text, conn);
	log_event(
	    closes[why].level, closes[why].event, log_text("reason", text.n > 0 ? buf_str(&text) : closes[why].reason));
	buf_free(&text);
}
