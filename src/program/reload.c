/* SPDX-License-Identifier: EPL-2.0 */
#include "program/reload.h"

#include <stdlib.h>

#include "auth/rulefile.h"
#include "base/base.h"
#include "base/log.h"
#include "base/textfile.h"
#include "pg/dbconn.h"

/* target=default in a rule is the workspace that v1 serves.  HUP does not change it, so it is that of the running program. */
static bool
parse_rules(
    const struct config *c, const struct config *running, struct str text, struct rules **rules, struct buf *error)
{
	const struct rulefile_terms terms = { c->access_default, running->default_workspace_uuid };
	unsigned line = 0;
	struct buf why;

	buf_init(&why, 1024);
	*rules = rulefile_read(text, &terms, &line, &why);
	if (*rules == NULL && line == 0)
		buf_printf(error, "HULY_ACCESS_RULES: %s: %.*s", c->access_rules, STR_FMT(buf_str(&why)));
	else if (*rules == NULL)
		buf_printf(error, "HULY_ACCESS_RULES: %s:%u: %.*s", c->access_rules, line, STR_FMT(buf_str(&why)));
	buf_free(&why);
	return *rules != NULL;
}

/* *rules is NULL where no file is set. */
static bool
read_rules(const struct config *c, const struct config *running, struct rules **rules, struct buf *error)
{
	const char *wrong;
	struct buf text;
	bool ok;

	*rules = NULL;
	if (setting_is_off(c->access_rules)) {
		/* Every request would be refused: somebody forgot to set the file. */
		if (!c->access_default)
			buf_puts(error, STR("HULY_ACCESS_DEFAULT: deny without HULY_ACCESS_RULES"));
		return c->access_default;
	}
	wrong = textfile_read(c->access_rules, TEXTFILE_OPEN, &text);
	if (wrong != NULL)
		buf_printf(error, "HULY_ACCESS_RULES: %s: %s", c->access_rules, wrong);
	ok = wrong == NULL && parse_rules(c, running, buf_str(&text), rules, error);
	buf_free(&text);
	return ok;
}

static bool
check_connection(const struct config *c, struct buf *error)
{
	struct buf why;
	bool ok;

	buf_init(&why, 256);
	ok = dbconn_string_ok(c->db_connection, &why);
	if (!ok)
		buf_printf(error, "HULY_DB_CONNECTION: %.*s", STR_FMT(buf_str(&why)));
	buf_free(&why);
	return ok;
}

/* *keys is NULL where no file is set.  HUP does not change the mode, so keys are needed where the running one needs them. */
static bool
read_keys(const struct config *c, const struct config *running, struct keyring **keys, struct buf *error)
{
	bool needed = c->encryption_mode != SEAL_OFF || running->encryption_mode != SEAL_OFF;

	*keys = NULL;
	if (!setting_is_off(c->encryption_keys_file)) {
		struct buf why;

		buf_init(&why, 1024);
		*keys = keyring_load(c->encryption_keys_file, &why);
		if (*keys == NULL)
			buf_printf(error, "HULY_ENCRYPTION_KEYS_FILE: %.*s", STR_FMT(buf_str(&why)));
		buf_free(&why);
		return *keys != NULL;
	}
	if (needed)
		buf_puts(error, STR("HULY_ENCRYPTION_MODE: needs HULY_ENCRYPTION_KEYS_FILE"));
	return !needed;
}

static struct snapshot *
read_files(const struct config *c, const struct config *running, struct buf *error)
{
	struct snapshot *snapshot;
	struct keyring *keys;
	struct rules *rules;

	if (!read_keys(c, running, &keys, error))
		return NULL;
	if (!read_rules(c, running, &rules, error)) {
		keyring_free(keys);
		return NULL;
	}
	snapshot = snapshot_new(c, rules, keys);
	if (snapshot == NULL)
		buf_puts(error, STR("out of memory"));
	return snapshot;
}

/* A file that is missing or empty, for a moment while somebody writes it, is no order to take the defaults. */
static bool
keeps_file(const struct config *c, const struct config *running, struct buf *error)
{
	const char *required = getenv("HULYKVS_SETTINGS_FILE"); /* see hulykvs-spawn */
	bool needed = running != NULL ? running->has_file : required != NULL && *required != '\0';

	if (needed && !c->has_file)
		buf_puts(error, STR(SETTINGS_FILE ": missing or empty, but settings were read from it before"));
	return !needed || c->has_file;
}

/* A line that is missing takes no protection away from a running program. */
static bool
keeps_protection(const struct config *c, const struct config *running, struct buf *error)
{
	static const enum config_setting kept[] = { CONFIG_token_secret, CONFIG_require_strong_secret,
		CONFIG_access_rules, CONFIG_access_default, CONFIG_encryption_keys_file };

	for (size_t i = 0; running != NULL && i < ARRAY_SIZE(kept); i++) {
		if (c->origin[kept[i]].source != CONFIG_DEFAULT || config_same(c, running, kept[i]))
			continue;
		buf_printf(error, "%s: no longer set, and HUP does not take the default: set it to a value",
		    config_name(kept[i]));
		return false;
	}
	return true;
}

struct snapshot *
reload_read(struct config *c, const struct config *running, const struct config_override *overrides, struct buf *error)
{
	if (!config_load(c, CONFIG_SERVICE, overrides, error) || !keeps_file(c, running, error) ||
	    !keeps_protection(c, running, error) || !check_connection(c, error))
		return NULL;
	return read_files(c, running != NULL ? running : c, error);
}

static void
tell_rules(const struct config *c, const struct rules *rules)
{
	unsigned line, by;

	log_event(LOG_INFO, "access rules", log_number("rules", (int64_t)rules_count(rules)),
	    log_text("otherwise", c->access_default ? STR("allow") : STR("deny")));
	for (size_t i = 0; i < rules_count(rules); i++)
		if (rules_is_idle(rules, i, &line, &by))
			log_event(LOG_WARN, "an access rule never decides: an earlier one decides all its requests",
			    log_number("line", line), log_number("before", by));
}

void
reload_apply(const struct config *c, struct snapshot *snapshot, struct snapshot_publisher *publisher)
{
	log_set_threshold(snapshot->log_level);
	log_set_format(snapshot->log_format);
	config_warn(c);
	if (snapshot->rules != NULL)
		tell_rules(c, snapshot->rules);
	snapshot_publish(publisher, snapshot);
}

/* Afterwards *fresh has the old values of the settings that HUP exchanges; config_free() overwrites the secrets among them. */
static void
take_over(struct config *running, struct config *fresh)
{
	for (enum config_setting s = 0; s < CONFIG_COUNT; s++) {
		if (config_is_reread(s))
			config_swap(running, fresh, s);
		else if (!config_same(running, fresh, s))
			log_event(LOG_WARN, "setting changed, it takes effect when the program is started again",
			    log_text("setting", str_of(config_name(s))));
	}
	running->has_file = fresh->has_file;
}

bool
reload_again(struct config *running, const struct config_override *overrides, struct snapshot_publisher *publisher)
{
	struct snapshot *snapshot;
	struct config fresh;
	struct buf error;

	buf_init(&error, 1024);
	snapshot = reload_read(&fresh, running, overrides, &error);
	if (snapshot != NULL) {
		reload_apply(&fresh, snapshot, publisher);
		take_over(running, &fresh);
	} else {
		log_event(LOG_ERROR, "settings are wrong, nothing was changed", log_text("why", buf_str(&error)));
	}
	config_free(&fresh);
	buf_free(&error);
	return snapshot != NULL;
}
