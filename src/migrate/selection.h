/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_selection: which rows a command of hulykvs-migrate is about.  For
 * export and purge.
 */
#ifndef HULYKVS_MIGRATE_SELECTION_H
#define HULYKVS_MIGRATE_SELECTION_H

#include "codec/uuid.h"

/* "": any.  The workspace is hyphenated, as uuid_text() writes it. */
struct migrate_selection {
	char workspace[UUID_TEXT_SIZE];
	const char *ns;     /* borrowed */
	const char *prefix; /* of the key; borrowed */
};

#endif
