/* SPDX-License-Identifier: EPL-2.0 */
/*
 * secret: memory for keys.  Its pages are kept out of swap where the limit of
 * locked memory allows it, and out of core dumps; they are overwritten before
 * they go back.
 */
#ifndef HULYKVS_SECRET_H
#define HULYKVS_SECRET_H

#include <stddef.h>

/* New memory of n bytes, all zeros, for secret_free() with the same n.  NULL: there is none. */
void *secret_new(size_t n) __attribute__((warn_unused_result));
void secret_free(void *p, size_t n);

#endif
