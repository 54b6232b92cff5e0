/* SPDX-License-Identifier: EPL-2.0 */
/*
 * sealed_op: a write as it is given to the store where values are sealed.  For
 * store_sealed.
 */
#ifndef HULYKVS_SEALED_OP_H
#define HULYKVS_SEALED_OP_H

#include "store/seal.h"
#include "store/store.h"

/*
 * Replaces value and MD5 of a PUT by their sealed form, if it seals; and the tags
 * of If-Match by every form that the column md5 may have for them, with plain
 * values also the tags themselves.  *memory, which the operation borrows from
 * now on, is new, and to be freed by the caller also if this fails.  False: no
 * memory, or no cipher.
 */
bool sealed_op_make(struct seal *seal, struct store_op *op, bool seals, bool plain, void **memory)
    __attribute__((warn_unused_result));

/* Whether the MD5 is one of the operation's If-Match. */
bool sealed_op_has_tag(const struct store_op *op, const struct md5 *md5);

#endif
