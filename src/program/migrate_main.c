/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_main: hulykvs-migrate.  src/migrate does the work, migrate_options
 * reads the command line.
 */
#include <stdio.h>

#include "os/proc_stats.h"
#include "os/standard_fds.h"
#include "program/migrate_options.h"
#include "program/sandbox.h"
#include "program/version.h"
#include "store/keyring.h"

/* Whether the command needs the keys, or uses them if there are any. */
enum key_use { KEYS_UNUSED, KEYS_USED, KEYS_NEEDED };

static enum key_use
key_use_of(const struct migrate_options *options)
{
	switch (options->command) {
	case MIGRATE_REENCRYPT:
	case MIGRATE_DECRYPT:
		return KEYS_NEEDED;
	case MIGRATE_EXPORT:
		return options->export.opened ? KEYS_NEEDED : KEYS_UNUSED;
	case MIGRATE_KEY_STATUS:
	case MIGRATE_IMPORT:
		return KEYS_USED;
	case MIGRATE_UP:
	case MIGRATE_STATUS:
	case MIGRATE_DRY_RUN:
	case MIGRATE_FORGET_KEYS:
	case MIGRATE_COMPARE:
	case MIGRATE_PURGE:
		break;
	}
	return KEYS_UNUSED;
}

static bool
read_key_file(const struct config *c, const struct migrate_options *options, struct keyring **keys, struct buf *error)
{
	enum key_use use = key_use_of(options);
	bool off = setting_is_off(c->encryption_keys_file);

	if (use == KEYS_UNUSED || (use == KEYS_USED && off))
		return true;
	buf_puts(error, STR("HULY_ENCRYPTION_KEYS_FILE: "));
	if (off) {
		buf_puts(error, STR("is not set"));
		return false;
	}
	*keys = keyring_load(c->encryption_keys_file, error);
	return *keys != NULL;
}

static bool
confine_migration(const struct config *c)
{
	struct buf why;
	bool ok;

	buf_init(&why, 1024);
	buf_printf(&why, "%s: ", config_name(CONFIG_sandbox));
	ok = sandbox_enter(c, LOG_DEBUG, &why);
	if (!ok)
		log_event(LOG_ERROR, "bad setting", log_text("why", buf_str(&why)));
	buf_free(&why);
	return ok;
}

static enum exitcode
migrate_with_settings(struct migrate_options *options)
{
	struct keyring *keys = NULL;
	struct config config;
	struct buf error;
	enum exitcode code;

	buf_init(&error, 4096);
	if (config_load(&config, CONFIG_MIGRATION, NULL, &error) && read_key_file(&config, options, &keys, &error)) {
		options->keys = keys;
		if (!config.core_dumps)
			proc_stats_hide();
		log_set_threshold(config.log_level);
		log_set_format(config.log_format);
		config_warn(&config);
		code = confine_migration(&config) ? migrate_run(&config, options, stdout) : EXIT_CONFIG;
	} else {
		log_event(LOG_ERROR, "bad setting", log_text("why", buf_str(&error)));
		code = EXIT_CONFIG;
	}
	buf_free(&error);
	config_free(&config);
	keyring_free(keys);
	return code;
}

int
main(int argc, char **argv)
{
	struct migrate_order order;
	enum exitcode code;

	standard_fds_open();
	code = migrate_options_read(&order, argc, argv);
	if (code == EXIT_OK && order.work)
		code = migrate_with_settings(&order.options);
	if (code == EXIT_OK && (fflush(stdout) != 0 || ferror(stdout))) {
		log_event(LOG_ERROR, "standard output could not be written: what this command prints is not complete");
		code = EXIT_INTERNAL;
	}
	return code;
}
