/*
 * log: one line per event on stderr, in logfmt.
 *
 *   ts=2026-01-02T03:04:05.678Z level=info msg="started" workers=2
 *
 * Text is quoted and its control characters are escaped, so that a value can
 * neither end the line nor forge a field.  Never pass keys, values, tokens,
 * secrets or connection strings: they are personal data or worse.  A line is
 * one write(2); any thread may log.
 */
#ifndef HULYKVS_LOG_H
#define HULYKVS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "str.h"

/*    enumerator  name in lines and settings */
#define LOG_LEVELS(X)        \
	X(LOG_ERROR, "error")    \
	X(LOG_WARN, "warn")      \
	X(LOG_INFO, "info")      \
	X(LOG_DEBUG, "debug")

enum log_level {
#define X(level, name) level,
	LOG_LEVELS(X)
#undef X
};

enum log_kind { LOG_END, LOG_TEXT, LOG_NUMBER };

struct log_field {
	const char *name; /* bare word */
	enum log_kind kind;
	union {
		struct str text;
		int64_t number;
	};
};

static inline struct log_field
log_text(const char *name, struct str text)
{
	return (struct log_field){ name, LOG_TEXT, { .text = text } };
}

static inline struct log_field
log_number(const char *name, int64_t number)
{
	return (struct log_field){ name, LOG_NUMBER, { .number = number } };
}

/* Lines above the threshold are dropped; LOG_INFO until set. */
void log_set_threshold(enum log_level threshold);
bool log_enabled(enum log_level level);

/* The level of that name ("error" …); false when there is none. */
bool log_level_parse(struct str name, enum log_level *level);
struct str log_level_name(enum log_level level);

/* fields end with a LOG_END; use the macro. */
void log_write(enum log_level level, const char *msg, const struct log_field *fields);

#define log_event(level, ...) \
	log_event_(level, __VA_ARGS__, (struct log_field){ NULL, LOG_END, { .number = 0 } })
#define log_event_(level, msg, ...) log_write((level), (msg), (const struct log_field[]){ __VA_ARGS__ })

#endif
