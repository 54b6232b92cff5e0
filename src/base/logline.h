/*
 * logline: the text of one line of the log.
 */
#ifndef HULYKVS_LOGLINE_H
#define HULYKVS_LOGLINE_H

#include "base/log.h"

#define LOGLINE_SIZE 4096 /* bytes at most, with the newline; a pipe takes so many in one piece (PIPE_BUF) */

/* At the end of out.  Long texts are cut, fields that do not fit are left out. */
void logline_put(struct buf *out, enum log_format format, enum log_level level, const char *msg,
    const struct log_field *fields);

#endif
