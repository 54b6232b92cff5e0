/* SPDX-License-Identifier: EPL-2.0 */
#include "lib/api_world.h"

#include <stdio.h>

#include "api/listing.h"
#include "lib/bearer.h"

#define CAP    262144
#define USER   "2a6ed1a5-6f3a-4c0e-8d52-0d5f6b1f7c11"
#define SYSTEM "1749089e-22e6-48de-af4e-165e18fbd2f9"

static const char *const token_names[] = { "own", "system", "no workspace", "expired", "forged", "basic", "none" };

struct api_world world = { .api = { .payload_limit = API_WORLD_LIMIT } };

static struct arena lasting; /* tokens */
static struct str authorization[TOKENS];

static void
on_done(struct store_ticket *t, struct store_result *r)
{
	if (world.call.op.kind == STORE_LIST && listing_next_page(&world.call, r)) {
		t->op = world.call.op;
		world.store.store.calls->submit(&world.store.store, t);
		return;
	}
	if (world.call.op.kind == STORE_LIST && r->outcome == STORE_DONE) {
		key_list_end(&world.call.key_list);
		listing_finish(&world.call, false, &world.response);
	} else {
		api_finish(&world.call, r, &world.response);
	}
	buf_puts(&world.answer, response_content(&world.response, &world.request));
}

static void
on_row(struct store_ticket *t, struct store_row *row)
{
	(void)t;
	listing_row(&world.call, row);
}

void
api_world_read(const struct row *row)
{
	char *variables[16], *rest = NULL;
	struct str token = authorization[row->token];
	struct str text =
	    arena_printf(&world.arena, "REQUEST_METHOD=%s\nREQUEST_URI=%s\n%s%.*s\n%s", row->method, row->uri,
		token.p != NULL ? "HTTP_AUTHORIZATION=" : "", STR_FMT(token), row->fields != NULL ? row->fields : "");
	size_t n = 0;

	for (char *v = strtok_r((char *)text.p, "\n", &rest); v != NULL; v = strtok_r(NULL, "\n", &rest))
		variables[n++] = v;
	if (row->body.p != NULL)
		variables[n++] = (char *)arena_printf(&world.arena, "CONTENT_LENGTH=%zu", row->body.n).p;
	variables[n] = NULL;
	request_read(&world.request, variables);
}

void
api_world_perform(const struct row *row)
{
	static const struct store_client client = { on_done, on_row };
	struct store_ticket ticket = { .client = &client };
	enum api_step step;

	arena_reset(&world.arena);
	api_world_read(row);
	buf_clear(&world.answer);
	step = api_begin(
	    &world.api, &world.policy, API_WORLD_NOW, &world.call, &world.request, &world.arena, &world.response);
	if (step == API_BODY)
		step = api_body(&world.call, row->body, &world.response);
	if (step == API_STORE) {
		ticket.op = world.call.op;
		world.store.store.calls->submit(&world.store.store, &ticket);
		if (world.call.op.kind == STORE_LIST)
			key_list_free(&world.call.key_list);
	} else {
		buf_puts(&world.answer, response_content(&world.response, &world.request));
	}
}

/* The tag of the last response, as hex digits. */
static struct str
etag(void)
{
	static char hex[2 * sizeof(world.response.etag.b)];

	if (!world.response.has_etag)
		return STR_ABSENT;
	digest_hex(world.response.etag.b, sizeof(world.response.etag.b), hex);
	return str_from(hex, sizeof(hex));
}

void
api_world_play(const struct row *row, const char *note)
{
	struct str want = row->answer.p != NULL ? row->answer : STR("");
	const char *fields = row->fields != NULL ? row->fields : "";
	char name[512];

	(void)snprintf(
	    name, sizeof(name), "%s%s %s %s [%s]", note, row->method, row->uri, fields, token_names[row->token]);
	for (char *p = name; *p != '\0'; p++)
		if (*p == '\n' || *p == '#')
			*p = ' ';
	api_world_perform(row);
	tap_int(world.response.status, row->status, "%s: status", name);
	tap_text(etag(), str_of(row->etag), "%s: tag", name);
	tap_text(buf_str(&world.answer), want, "%s: body", name);
}

void
api_world_plays(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		api_world_play(&rows[i], "");
	store_mem_free(&world.store);
}

void
api_world_open(void)
{
	arena_init(&lasting, CAP);
	arena_init(&world.arena, CAP);
	buf_init(&world.answer, CAP);
	store_mem_init(&world.store);
	bearer_policy(&world.policy, NULL);
	if (!uuid_parse(STR(DEFAULT), &world.api.default_workspace) || !uuid_parse(STR(WORKSPACE), &world.workspace) ||
	    !uuid_parse(STR(OTHER), &world.other))
		tap_bail("uuid_parse");
	authorization[OWN] =
	    bearer(STR("{\"account\":\"" USER "\",\"workspace\":\"" WORKSPACE "\",\"exp\":1800000000}"), &lasting);
	authorization[ALL] = bearer(STR("{\"account\":\"" SYSTEM "\",\"extra\":{\"service\":\"mail\"}}"), &lasting);
	authorization[NOWHERE] = bearer(STR("{\"account\":\"" USER "\"}"), &lasting);
	authorization[EXPIRED] =
	    bearer(STR("{\"account\":\"" USER "\",\"workspace\":\"" WORKSPACE "\",\"exp\":1799999939}"), &lasting);
	authorization[FORGED] = arena_copy(&lasting, authorization[OWN]);
	((char *)authorization[FORGED].p)[authorization[FORGED].n - 10] ^= 1;
	authorization[BASIC] = STR("Basic dTpw");
}

void
api_world_close(void)
{
	policy_free(&world.policy);
	buf_free(&world.answer);
	arena_free(&world.arena);
	arena_free(&lasting);
}
