/* SPDX-License-Identifier: EPL-2.0 */
/*
 * log: one line per event on stderr, in logfmt or as JSON.
 *
 *   ts=2026-01-02T03:04:05.678Z level=info msg="started" workers=2
 *   {"ts":"2026-01-02T03:04:05.678Z","level":"info","msg":"started","workers":2}
 *
 * Text is quoted and its control characters are escaped, so that a value can
 * neither end the line nor forge a field.  Never pass keys, values, tokens,
 * secrets or connection strings: they are personal data or worse.  Any thread
 * may log.
 *
 * A line is one write(2).  A thread with many lines may gather them and send
 * them together.  After log_never_wait() a line is lost and counted where the
 * pipe or socket behind stderr is full; the thread does not wait.  A line of
 * which a file took only a part (its disk is full) is lost and counted, too;
 * the next one begins on a line of its own.
 */
#ifndef HULYKVS_LOG_H
#define HULYKVS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/*    enumerator  name in lines and settings */
#define LOG_LEVELS(X) \
	X(LOG_ERROR, "error") \
	X(LOG_WARN, "warn") \
	X(LOG_INFO, "info") \
	X(LOG_DEBUG, "debug")

enum log_level {
#define X(level, name) level,
	LOG_LEVELS(X)
#undef X
};

#define LOG_FORMATS(X) \
	X(LOG_LOGFMT, "logfmt") \
	X(LOG_JSON, "json")

enum log_format {
#define X(format, name) format,
	LOG_FORMATS(X)
#undef X
};

enum log_kind { LOG_END, LOG_TEXT, LOG_WORD, LOG_NUMBER, LOG_MILLIS };

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

/* A short text that needs no escape, which the caller knows: faster. */
static inline struct log_field
log_word(const char *name, struct str text)
{
	return (struct log_field){ name, LOG_WORD, { .text = text } };
}

static inline struct log_field
log_number(const char *name, int64_t number)
{
	return (struct log_field){ name, LOG_NUMBER, { .number = number } };
}

/* Nanoseconds, 0 or more, written as milliseconds with three decimals. */
static inline struct log_field
log_millis(const char *name, int64_t ns)
{
	return (struct log_field){ name, LOG_MILLIS, { .number = ns } };
}

/* No field: for an array of fields where one is optional. */
static inline struct log_field
log_nothing(void)
{
	return (struct log_field){ NULL, LOG_TEXT, { .text = STR_ABSENT } };
}

/* Lines above the threshold are dropped; LOG_INFO until set. */
void log_set_threshold(enum log_level threshold);
bool log_enabled(enum log_level level);

/* LOG_LOGFMT until set. */
void log_set_format(enum log_format format);

/* The level or format of that name ("error" …); false when there is none. */
bool log_level_parse(struct str name, enum log_level *level);
struct str log_level_name(enum log_level level);
bool log_format_parse(struct str name, enum log_format *format);
struct str log_format_name(enum log_format format);

/* fields end with a LOG_END; use the macro. */
void log_write(enum log_level level, const char *msg, const struct log_field *fields);

#define log_event(level, ...)       log_event_(level, __VA_ARGS__, (struct log_field){ NULL, LOG_END, { .number = 0 } })
#define log_event_(level, msg, ...) log_write((level), (msg), (const struct log_field[]){ __VA_ARGS__ })

/* Puts a line at the end of `lines` instead of writing it.  Does not look at the threshold. */
void log_gather(struct buf *lines, enum log_level level, const char *msg, const struct log_field *fields);

/* Sends what was gathered, and empties the buffer. */
void log_send(struct buf *lines);

/* From now on no thread waits for the reader of stderr: lines are lost instead.  To be called before any thread is made. */
void log_never_wait(void);

/* Lines lost so far. */
uint64_t log_lost(void);

#endif
