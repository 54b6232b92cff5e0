/* SPDX-License-Identifier: EPL-2.0 */
#include "program/reload.h"

#include "auth/rulefile.h"
#include "base/log.h"
#include "base/textfile.h"
#include "pg/dbconn.h"
#include "server/request_log.h"

/* What "default" is in a rule is what v1 serves: not a live setting. */
static bool
parse_rules(
    const struct config *c, const struct config *running, struct str text, struct rules **rules, struct buf *error)
{
	const struct rulefile_terms terms = { c->access_default, running->default_workspace_uuid };
	unsigned line = 0;
	struct buf why;

	buf_init(&why, 1024);
	*rules = rulefile_read(text, &terms, &line, &why);
	if (*rules == NULL)
		buf_printf(error, "HULY_ACCESS_RULES: %s:%u: %.*s", c->access_rules, line, STR_FMT(buf_str(&why)));
	buf_free(&why);
	return *rules != NULL;
}

/* *rules is NULL where no file is named. */
static bool
read_rules(const struct config *c, const struct config *running, struct rules **rules, struct buf *error)
{
	const char *wrong;
	struct buf text;
	bool ok;

	*rules = NULL;
	if (setting_is_off(c->access_rules)) {
		/* Everybody would be refused everything: that is a file forgotten. */
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

static struct policy *
make_policy(const struct config *c, const struct config *running, struct buf *error)
{
	struct policy *policy;
	struct rules *rules;

	if (!read_rules(c, running, &rules, error))
		return NULL;
	policy = policy_new(str_of(c->token_secret), str_of(c->token_secret_previous), rules);
	if (policy == NULL)
		buf_puts(error, STR("out of memory"));
	return policy;
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

static bool
reread_keys(const struct config *c, struct keyring **keys, struct buf *error)
{
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
	if (c->encryption_mode != SEAL_OFF)
		buf_puts(error, STR("HULY_ENCRYPTION_MODE: needs HULY_ENCRYPTION_KEYS_FILE"));
	return c->encryption_mode == SEAL_OFF;
}

bool
reload_read(struct config *c, const struct config *running, const struct config_override *overrides,
    struct policy **policy, struct keyring **keys, struct buf *error)
{
	*policy = NULL;
	if (config_load(c, CONFIG_SERVICE, overrides, error) && check_connection(c, error) &&
	    reread_keys(c, keys, error)) {
		*policy = make_policy(c, running != NULL ? running : c, error);
		if (*policy == NULL)
			keyring_drop(*keys);
	}
	return *policy != NULL;
}

static void
tell_rules(const struct config *c, const struct rules *rules)
{
	unsigned line, by;

	log_event(LOG_INFO, "access rules", log_number("rules", (int64_t)rules_count(rules)),
	    log_text("otherwise", c->access_default ? STR("allow") : STR("deny")));
	for (size_t i = 0; i < rules_count(rules); i++)
		if (rules_is_idle(rules, i, &line, &by))
			log_event(LOG_WARN, "an access rule never decides: another one stands before it",
			    log_number("line", line), log_number("before", by));
}

void
reload_apply(const struct config *c, const struct policy *policy, struct keyring *keys)
{
	if (keys != NULL)
		keyring_publish(keys);
	log_set_threshold(c->log_level);
	log_set_format(c->log_format);
	request_log_set_access_log(c->access_log);
	config_warn(c);
	if (policy->rules != NULL)
		tell_rules(c, policy->rules);
}

static const bool is_live[CONFIG_COUNT] = {
#define X(member) [CONFIG_##member] = true,
	SETTINGS_LIVE(X)
#undef X
};

/* A setting that cannot change is as it was; of the file of keys, only whether there is one. */
static bool
stays(const struct config *running, const struct config *fresh, enum config_setting s)
{
	if (s == CONFIG_encryption_keys_file)
		return setting_is_off(running->encryption_keys_file) == setting_is_off(fresh->encryption_keys_file);
	return config_same(running, fresh, s);
}

/* The old values of the live settings go with *fresh: secrets are overwritten there. */
static void
take_over(struct config *running, struct config *fresh)
{
	for (enum config_setting s = 0; s < CONFIG_COUNT; s++) {
		if (is_live[s])
			config_swap(running, fresh, s);
		else if (!stays(running, fresh, s))
			log_event(LOG_WARN, "setting changed, but only a new program will know",
			    log_text("setting", str_of(config_name(s))));
	}
}

struct policy *
reload_again(struct config *running, const struct config_override *overrides)
{
	struct policy *policy;
	struct config fresh;
	struct keyring *keys;
	struct buf error;

	buf_init(&error, 1024);
	if (reload_read(&fresh, running, overrides, &policy, &keys, &error)) {
		reload_apply(&fresh, policy, keys);
		take_over(running, &fresh);
	} else {
		log_event(LOG_ERROR, "settings are wrong, nothing was changed", log_text("why", buf_str(&error)));
	}
	config_free(&fresh);
	buf_free(&error);
	return policy;
}
