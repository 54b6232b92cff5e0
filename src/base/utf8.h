/* SPDX-License-Identifier: EPL-2.0 */
/*
 * utf8: what counts as text.  A name or a claim is text when it is well-formed
 * UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF);
 * PostgreSQL's text type further holds no NUL.
 */
#ifndef HULYKVS_UTF8_H
#define HULYKVS_UTF8_H

#include "base/str.h"

bool utf8_valid(struct str s);

/* utf8_valid() and no NUL: fit for a text column. */
bool utf8_is_text(struct str s);

#endif
