/* SPDX-License-Identifier: EPL-2.0 */
/*
 * secret: memory for keys.  Its pages are not swapped where the limit of locked
 * memory allows that, are left out of core dumps, and are overwritten before
 * they are freed.  For store/keyring.
 */
#ifndef HULYKVS_SECRET_H
#define HULYKVS_SECRET_H

#include <stddef.h>

/* Returns new memory of n bytes, all zeros, to be freed by secret_free() with the same n.  NULL: no memory. */
void *secret_new(size_t n) __attribute__((warn_unused_result));
void secret_free(void *p, size_t n);

#endif
