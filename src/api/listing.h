/* SPDX-License-Identifier: EPL-2.0 */
/*
 * listing: the steps of a request for a list, between api_begin() and the answer.
 * api plans it; conn and cgi hand over rows and pages.
 *
 * Lists of namespaces and workspaces have only what the token may list.
 */
#ifndef HULYKVS_LISTING_H
#define HULYKVS_LISTING_H

#include "api/call.h"

/* Route, workspace and namespace are known: reads the query, and makes call->op and call->key_list. */
enum refusal listing_plan(struct call *c) __attribute__((warn_unused_result));

/* A row has come. */
void listing_row(struct call *c, const struct store_row *row);

/*
 * A page has ended.  True: there may be more rows, or the connection was lost
 * after some rows had come; c->op is now the next page, for the store to
 * execute.  False: it was the last page (then listing_finish()), or it failed
 * (then api_finish(), unless a part of the list was sent).
 */
bool listing_next_page(struct call *c, const struct store_result *result);

/* Makes the header of the answer; the body comes from call->key_list, in pieces if streamed. */
void listing_finish(struct call *c, bool streamed, struct response *r);

#endif
