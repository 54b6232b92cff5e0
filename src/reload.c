#include "reload.h"

#include "dbconn.h"
#include "log.h"
#include "observe.h"

bool
reload_read(struct config *c, const struct config_override *overrides, struct buf *error)
{
	if (!config_load(c, overrides, error))
		return false;
	buf_puts(error, STR("HULY_DB_CONNECTION: "));
	return dbconn_string_ok(c->db_connection, error);
}

void
reload_apply(const struct config *c)
{
	log_set_threshold(c->log_level);
	log_set_format(c->log_format);
	observe_set_access_log(c->access_log);
	config_warn(c);
}

static bool
is_live(enum config_setting setting)
{
	static const bool live[CONFIG_COUNT] = {
#define X(member) [CONFIG_##member] = true,
		SETTINGS_LIVE(X)
#undef X
	};

	return live[setting];
}

static void
log_differences(const struct config *running, const struct config *fresh)
{
	for (enum config_setting s = 0; s < CONFIG_COUNT; s++)
		if (!is_live(s) && !config_same(running, fresh, s))
			log_event(LOG_WARN, "setting changed, but only a new program will know",
			    log_text("setting", str_of(config_name(s))));
}

void
reload_again(const struct config *running, const struct config_override *overrides)
{
	struct config fresh;
	struct buf error;

	buf_init(&error, 1024);
	if (reload_read(&fresh, overrides, &error)) {
		reload_apply(&fresh);
		log_event(LOG_INFO, "settings read again");
		log_differences(running, &fresh);
	} else {
		log_event(LOG_ERROR, "settings are wrong, nothing was changed", log_text("why", buf_str(&error)));
	}
	config_free(&fresh);
	buf_free(&error);
}
