/* SPDX-License-Identifier: EPL-2.0 */
/*
 * accept_field: the one question that is asked of the field Accept (RFC 9110
 * 12.5.1).
 */
#ifndef HULYKVS_ACCEPT_FIELD_H
#define HULYKVS_ACCEPT_FIELD_H

#include "base/str.h"

/* Whether the field names exactly this type, in any letter case, with a weight above 0; wildcards do not count. */
bool accept_field_names(struct str field, struct str type);

#endif
