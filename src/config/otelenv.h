/* SPDX-License-Identifier: EPL-2.0 */
/*
 * otelenv: the settings of OpenTelemetry: how the values of its environment
 * variables are written, and what they mean together.  (OpenTelemetry
 * specification: environment variables, SDK and OTLP exporter.)
 *
 * As the specification asks, a wrong value is ignored with a warning, and an
 * empty one counts as not set; config does that.
 */
#ifndef HULYKVS_OTELENV_H
#define HULYKVS_OTELENV_H

#include "config/setting_type.h"
#include "telemetry/trace.h"

#define OTELENV_MODES(X) X(OFF, "off") X(ON, "on") X(STDOUT, "stdout")

enum otelenv_mode {
#define X(name, text) OTELENV_##name,
	OTELENV_MODES(X)
#undef X
};

#define SETTING_C_OTEL_MODE       enum otelenv_mode
#define SETTING_C_OTEL_TRUTH      bool    /* "true" in any case, or not */
#define SETTING_C_OTEL_NAME       char *  /* owned; text, or "" */
#define SETTING_C_OTEL_ATTRIBUTES char *  /* owned; what kvlist_read() takes */
#define SETTING_C_OTEL_HEADERS    char *  /* owned; the same, with names that are tokens; a secret */
#define SETTING_C_OTEL_URL        char *  /* owned; http or https, or ""; what may be secret in it is not printed */
#define SETTING_C_OTEL_MILLIS     int64_t /* nanoseconds; written as milliseconds, up to an hour */
#define SETTING_C_OTEL_QUEUE      size_t  /* 1 to 65536 */
#define SETTING_C_OTEL_SAMPLER    enum trace_sampler
#define SETTING_C_OTEL_RATIO      double /* 0 to 1 */

#define OTELENV_TYPES(X) \
	X(OTEL_MODE) \
	X(OTEL_TRUTH) \
	X(OTEL_NAME) \
	X(OTEL_ATTRIBUTES) \
	X(OTEL_HEADERS) \
	X(OTEL_URL) \
	X(OTEL_MILLIS) \
	X(OTEL_QUEUE) \
	X(OTEL_SAMPLER) \
	X(OTEL_RATIO)

#define X(type) extern const struct setting_type setting_type_##type;
OTELENV_TYPES(X)
#undef X

/* Appends the URL of a signal: its own endpoint, or, if that is empty, the path below the base URL. */
void otelenv_put_url(struct buf *out, const char *own, const char *base, struct str path);

#endif
