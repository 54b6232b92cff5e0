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

/* Bytes that processors exchange at once: what two threads write lies so far apart. */
#define CACHE_LINE 64

#endif
