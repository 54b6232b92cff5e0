#include "reload.h"

#include "dbconn.h"
#include "log.h"
#include "observe.h"

static bool
read_keys(const struct config *c, struct keyring **keys, struct buf *error)
{
	if (strcmp(c->encryption_keys_file, "off") != 0) {
		buf_puts(error, STR("HULY_ENCRYPTION_KEYS_FILE: "));
		*keys = keyring_load(c->encryption_keys_file, error);
		return *keys != NULL;
	}
	if (c->encryption_mode == SEAL_OFF)
		return true;
	buf_puts(error, STR("HULY_ENCRYPTION_MODE: needs HULY_ENCRYPTION_KEYS_FILE"));
	return false;
}

bool
reload_read(struct config *c, struct keyring **keys, const struct config_override *overrides, struct buf *error)
{
	*keys = NULL;
	if (!config_load(c, overrides, error))
		return false;
	buf_puts(error, STR("HULY_DB_CONNECTION: "));
	if (!dbconn_string_ok(c->db_connection, error))
		return false;
	buf_clear(error);
	return read_keys(c, keys, error);
}

void
reload_apply(const struct config *c, struct keyring *keys)
{
	if (keys != NULL)
		keyring_publish(keys);
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
	struct keyring *keys;
	struct buf error;

	buf_init(&error, 1024);
	if (reload_read(&fresh, &keys, overrides, &error)) {
		reload_apply(&fresh, keys);
		log_event(LOG_INFO, "settings read again");
		log_differences(running, &fresh);
	} else {
		log_event(LOG_ERROR, "settings are wrong, nothing was changed", log_text("why", buf_str(&error)));
	}
	config_free(&fresh);
	buf_free(&error);
}
