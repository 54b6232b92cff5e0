/* SPDX-License-Identifier: EPL-2.0 */
/*
 * display: text for people, on a terminal.  Keys, values and a server's texts
 * may hold anything; an escape sequence among them could change the terminal.
 */
#ifndef HULYKVS_DISPLAY_H
#define HULYKVS_DISPLAY_H

#include "base/buf.h"

/* Appends s, with control characters and what is not UTF-8 as \x1b, and a backslash doubled. */
void display_put(struct buf *out, struct str s);

/* Whether s can be shown as it is: UTF-8 without control characters, except LF and HTAB. */
bool display_is_text(struct str s);

#endif
