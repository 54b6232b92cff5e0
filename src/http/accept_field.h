/* SPDX-License-Identifier: EPL-2.0 */
/*
 * accept: the field Accept (RFC 9110 12.5.1), as far as it matters here.
 */
#ifndef HULYKVS_ACCEPT_FIELD_H
#define HULYKVS_ACCEPT_FIELD_H

#include "base/str.h"

/* Whether the field names this very type, in any case, with a weight above 0; wildcards do not count. */
bool accept_field_names(struct str field, struct str type);

#endif
