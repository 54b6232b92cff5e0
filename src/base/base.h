/* SPDX-License-Identifier: EPL-2.0 */
/*
 * base: three macros that C17 does not have.  Any module may use them.
 */
#ifndef HULYKVS_BASE_H
#define HULYKVS_BASE_H

#include <stddef.h>

/* The object of that type whose member is at `member`, a pointer. */
#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Elements of an array; not for a pointer. */
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Bytes of a cache line.  Data that two threads write stands in different lines, so that they do not slow each other. */
#define CACHE_LINE 64

#endif
