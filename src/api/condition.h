/* SPDX-License-Identifier: EPL-2.0 */
/*
 * condition: the conditions of a write, from the fields of a request (RFC 9110
 * 13.1).  For api only.  REFUSAL_NONE: they are well-formed.
 */
#ifndef HULYKVS_CONDITION_H
#define HULYKVS_CONDITION_H

#include "http/etag.h"
#include "http/refusal.h"
#include "http/request.h"
#include "store/store.h"

/* Reads a field value; `malformed` is returned if it is no list of entity tags. */
enum refusal condition_tags(
    struct str field, enum etag_comparison comparison, enum refusal malformed, struct arena *a, struct etag_list *list);

/* If-Match, if there is one; op borrows its tags from the arena. */
enum refusal condition_if_match(const struct request *request, struct arena *a, struct store_op *op);

/* COMPAT: If-None-Match of a write takes nothing but "*". */
enum refusal condition_any(const struct request *request);

/* Both of PUT. */
enum refusal condition_of_put(const struct request *request, struct arena *a, struct store_op *op);

#endif
