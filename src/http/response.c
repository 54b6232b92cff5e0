/* SPDX-License-Identifier: EPL-2.0 */
#include "http/response.h"

#include "base/date.h"
#include "codec/json.h"
#include "http/accept_field.h"
#include "http/cors.h"
#include "http/etag.h"

#define RETRY_AFTER "1" /* seconds; long enough for a database that restarts */

static const struct {
	unsigned status;
	struct str line;
} statuses[] = {
#define X(status, reason) { status, STR_INIT(#status " " reason) },
	RESPONSE_STATUSES(X)
#undef X
};

/* The status line after "HTTP/1.1 ", with its reason phrase. */
static struct str
status_line(unsigned status)
{
	size_t i = 0;

	while (statuses[i].status != status)
		i++;
	return statuses[i].line;
}

void
response_empty(struct response *r, unsigned status)
{
	*r = (struct response){ .status = status };
}

void
response_text(struct response *r, struct str text)
{
	*r = (struct response){
		.status = 200, .type = STR("text/plain; charset=utf-8"), .body = text, .length = text.n
	};
}

/* RFC 9457 3.1; absent: no memory. */
static struct str
problem(unsigned status, struct str detail, const size_t *index, struct arena *a)
{
	struct str title = str_skip(status_line(status), 4), text = STR_ABSENT;
	struct str terminated = arena_copy(a, detail);
	cJSON *o = cJSON_CreateObject();
	char *printed = NULL;

	if (o != NULL && cJSON_AddStringToObject(o, "type", "about:blank") != NULL &&
	    cJSON_AddStringToObject(o, "title", title.p) != NULL &&
	    cJSON_AddNumberToObject(o, "status", status) != NULL &&
	    (terminated.n == 0 || cJSON_AddStringToObject(o, "detail", terminated.p) != NULL) &&
	    (index == NULL || cJSON_AddNumberToObject(o, "index", (double)*index) != NULL))
		printed = cJSON_PrintUnformatted(o);
	if (printed != NULL)
		text = arena_copy(a, str_of(printed));
	cJSON_free(printed);
	cJSON_Delete(o);
	return text;
}

static void
refuse_with(struct response *r, enum refusal refusal, struct str text, const size_t *index,
    const struct request *request, struct arena *a)
{
	*r = (struct response){ .status = refusal_status(refusal), .refusal = refusal };
	if (accept_field_names(request->accept, STR("application/problem+json"))) {
		r->body = problem(r->status, text, index, a);
		r->type = STR("application/problem+json");
	}
	if (r->body.p == NULL) {
		r->body = text;
		r->type = text.n > 0 ? STR("text/plain; charset=utf-8") : STR_ABSENT;
	}
	r->length = r->body.n;
}

void
response_refuse(
    struct response *r, enum refusal refusal, struct str detail, const struct request *request, struct arena *a)
{
	refuse_with(r, refusal, detail.p != NULL ? detail : refusal_text(refusal), NULL, request, a);
}

void
response_refuse_operation(struct response *r, enum refusal refusal, size_t index, struct str detail,
    const struct request *request, struct arena *a)
{
	struct str text = detail.p != NULL ? detail : refusal_text(refusal);
	struct str whole;

	if (refusal == REFUSAL_PRECONDITION_FAILED)
		text = STR("the condition does not hold");
	whole = arena_printf(a, "operations[%zu]: %.*s", index, STR_FMT(text));

	refuse_with(r, refusal, whole.p != NULL ? whole : text, &index, request, a);
}

static void
put_header_field(struct buf *out, struct str name, struct str value)
{
	buf_puts(out, name);
	buf_puts(out, value);
	buf_puts(out, STR("\r\n"));
}

static void
put_length(struct buf *out, uint64_t n)
{
	buf_puts(out, STR("Content-Length: "));
	buf_put_number(out, (int64_t)n);
	buf_puts(out, STR("\r\n"));
}

static bool
status_has_content(unsigned status)
{
	return status != 204 && status != 304;
}

/*
 * RFC 9111 4.2.2: from Last-Modified a browser may guess for how long a value is valid, and not ask again in that time.
 * Cache-Control keeps that from happening; RFC 9110 15.4.5: a 304 has it, too, but needs no Last-Modified.
 */
static void
put_modified(const struct response *r, struct buf *out)
{
	if (r->modified == 0)
		return;
	buf_puts(out, STR("Cache-Control: no-cache\r\n"));
	if (!status_has_content(r->status))
		return;
	buf_puts(out, STR("Last-Modified: "));
	date_put_http(out, r->modified);
	buf_puts(out, STR("\r\n"));
}

void
response_put_head(const struct response *r, const struct request *request, struct buf *out)
{
	char allow[ROUTE_ALLOW_SIZE], etag[ETAG_TEXT_LENGTH];

	put_header_field(out, STR("Status: "), status_line(r->status));
	if (r->type.p != NULL)
		put_header_field(out, STR("Content-Type: "), r->type);
	if (status_has_content(r->status) && !r->streamed)
		put_length(out, r->length);
	if (r->has_etag) {
		etag_text(&r->etag, etag);
		put_header_field(out, STR("ETag: "), str_from(etag, sizeof(etag)));
	}
	put_modified(r, out);
	if (r->is_value)
		buf_puts(out, STR("X-Content-Type-Options: nosniff\r\n"));
	if (r->status == 401)
		buf_puts(out, STR("WWW-Authenticate: Bearer\r\n"));    /* RFC 6750 3 */
	if (r->status == 503 && r->refusal != REFUSAL_OUTCOME_UNKNOWN) /* that write must not be sent again unread */
		buf_puts(out, STR("Retry-After: " RETRY_AFTER "\r\n"));
	if (r->route != NULL)
		put_header_field(out, STR("Allow: "), route_allow(r->route, allow));
	if (request->request_id.p != NULL)
		put_header_field(out, STR("X-Request-Id: "), request->request_id);
	cors_put_fields(request, r->is_preflight, out);
	buf_puts(out, STR("\r\n"));
}

struct str
response_content(const struct response *r, const struct request *request)
{
	if (request->method == METHOD_HEAD || !status_has_content(r->status))
		return STR_ABSENT;
	return r->body;
}
