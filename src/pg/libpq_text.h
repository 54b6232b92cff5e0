/* SPDX-License-Identifier: EPL-2.0 */
/*
 * libpq_text: messages of libpq as one line for logs and reasons.  For dbconn
 * and connect_race.
 */
#ifndef HULYKVS_LIBPQ_TEXT_H
#define HULYKVS_LIBPQ_TEXT_H

#include "base/buf.h"

/* Appends the message without its last line end; where it is empty, that no answer came. */
void libpq_text_put(struct buf *out, const char *message);

#endif
