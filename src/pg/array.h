/* SPDX-License-Identifier: EPL-2.0 */
/*
 * array: arrays of one dimension in PostgreSQL's binary form, as parameters of
 * a statement (array_recv() of PostgreSQL; CockroachDB reads the same).
 *
 * Used by params and by hulykvs-migrate.  An array is appended to a buffer:
 * array_begin(), then each element.  Memory: see buf_ok().
 */
#ifndef HULYKVS_ARRAY_H
#define HULYKVS_ARRAY_H

#include "base/buf.h"

/* Type OIDs of elements: those of pg_type, which never change. */
enum array_element {
	ARRAY_BYTEA = 17,
	ARRAY_TEXT = 25,
	ARRAY_TIMESTAMPTZ = 1184,
	ARRAY_UUID = 2950,
};

/* Appends the head of an array of n elements. */
void array_begin(struct buf *b, enum array_element element, size_t n);

/* Appends an element. */
void array_put(struct buf *b, const void *p, size_t n);

/* Appends a null. */
void array_put_null(struct buf *b);

/* Sets the number of elements of the array that the buffer begins with; neither it nor the number before is 0. */
void array_set_count(struct buf *b, size_t n);

#endif
