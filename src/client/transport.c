/* SPDX-License-Identifier: EPL-2.0 */
#include "client/transport.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "base/digest.h"
#include "config_build.h"

#define FIELD_MAX ((size_t)16 * 1024)

struct transport {
	CURL *easy;
	const char *ca_file;
	struct curl_slist *fields;
};

struct transport *
transport_new(const char *ca_file)
{
	struct transport *t = calloc(1, sizeof(*t));

	if (t == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(t);
		return NULL;
	}
	t->ca_file = ca_file;
	t->easy = curl_easy_init();
	if (t->easy != NULL)
		return t;
	transport_free(t);
	return NULL;
}

static void
forget_fields(struct transport *t)
{
	for (struct curl_slist *f = t->fields; f != NULL; f = f->next)
		digest_cleanse(f->data, strlen(f->data));
	curl_slist_free_all(t->fields);
	t->fields = NULL;
}

void
transport_free(struct transport *t)
{
	if (t == NULL)
		return;
	forget_fields(t);
	curl_easy_cleanup(t->easy);
	curl_global_cleanup();
	free(t);
}

const char *
transport_library_version(void)
{
	return curl_version();
}

/* value: NULL for a field that the request does not have. */
static bool
add_field(struct transport *t, const char *name, const char *value)
{
	struct curl_slist *longer = NULL;
	struct buf line;

	if (value == NULL)
		return true;
	buf_init(&line, FIELD_MAX);
	buf_printf(&line, "%s%s", name, value);
	buf_putc(&line, '\0');
	if (buf_ok(&line))
		longer = curl_slist_append(t->fields, line.p);
	if (line.p != NULL)
		digest_cleanse(line.p, line.n);
	buf_free(&line);
	if (longer != NULL)
		t->fields = longer;
	return longer != NULL;
}

/* "Expect:" takes the field away: libcurl waits a second for an answer to it. */
static bool
add_fields(struct transport *t, const struct transport_request *r)
{
	return add_field(t, "Authorization: Bearer ", r->token) && add_field(t, "Content-Type: ", r->content_type) &&
	    add_field(t, "If-Match: ", r->if_match) && add_field(t, "If-None-Match: ", r->if_none_match) &&
	    add_field(t, "Expect:", "") && add_field(t, "Accept: ", "*/*");
}

static size_t
keep_answer(char *bytes, size_t one, size_t n, void *ctx)
{
	struct buf *body = ctx;

	(void)one;
	buf_put(body, bytes, n);
	return buf_ok(body) ? n : 0;
}

static CURLcode
set_connection(struct transport *t, const struct transport_request *r)
{
	CURL *e = t->easy;
	CURLcode code = curl_easy_setopt(e, CURLOPT_URL, r->url);

	if (code == CURLE_OK)
		code = curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	if (code == CURLE_OK)
		code = curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (code == CURLE_OK)
		code = curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)r->timeout);
	if (code == CURLE_OK)
		code = curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, r->is_write ? 1L : 0L);
	if (code == CURLE_OK)
		code = curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	if (code == CURLE_OK && t->ca_file != NULL)
		code = curl_easy_setopt(e, CURLOPT_CAINFO, t->ca_file);
	return code;
}

static CURLcode
set_content(struct transport *t, const struct transport_request *r, struct buf *body)
{
	CURL *e = t->easy;
	CURLcode code = CURLE_OK;

	if (r->content_type != NULL) {
		code = curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
		if (code == CURLE_OK)
			code = curl_easy_setopt(e, CURLOPT_POSTFIELDS, r->body.p != NULL ? r->body.p : "");
	}
	if (code == CURLE_OK)
		code = curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, r->method);
	if (code == CURLE_OK)
		code = curl_easy_setopt(e, CURLOPT_USERAGENT, "hulykvsctl/" PACKAGE_VERSION);
	if (code == CURLE_OK)
		code = curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->fields);
	if (code == CURLE_OK)
		code = curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, keep_answer);
	if (code == CURLE_OK)
		code = curl_easy_setopt(e, CURLOPT_WRITEDATA, body);
	return code;
}

static void
copy_field(struct transport *t, const char *name, char out[TRANSPORT_FIELD_MAX])
{
	struct curl_header *field;

	out[0] = '\0';
	if (curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &field) == CURLHE_OK &&
	    strlen(field->value) < TRANSPORT_FIELD_MAX)
		(void)strcpy(out, field->value);
}

static void
read_answer(struct transport *t, struct transport_answer *answer)
{
	curl_off_t seconds = 0;
	long status = 0;

	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &seconds);
	answer->status = (int)status;
	answer->retry_after = seconds;
	copy_field(t, "ETag", answer->etag);
	copy_field(t, "Content-Type", answer->content_type);
}

static enum transport_fault
fault_of(CURLcode code)
{
	switch ((int)code) {
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
		return TRANSPORT_NO_MEMORY;
	case CURLE_URL_MALFORMAT:
		return TRANSPORT_URL;
	case CURLE_SSL_CACERT_BADFILE:
		return TRANSPORT_CA_FILE;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
		return TRANSPORT_NO_CONNECTION;
	default:
		return TRANSPORT_NO_ANSWER;
	}
}

static void
read_failure(CURLcode code, struct transport_answer *answer)
{
	answer->reason = curl_easy_strerror(code);
	answer->fault = fault_of(code);
	if (code == CURLE_WRITE_ERROR)
		answer->reason = "the answer is larger than 1 GiB, or there is no memory for it";
}

void
transport_send(struct transport *t, const struct transport_request *request, struct transport_answer *answer)
{
	CURLcode code = CURLE_OUT_OF_MEMORY;

	answer->status = 0;
	answer->reason = NULL;
	answer->fault = TRANSPORT_NO_ANSWER;
	buf_clear(&answer->body);
	curl_easy_reset(t->easy); /* the connection stays */
	if (add_fields(t, request)) {
		code = set_connection(t, request);
		if (code == CURLE_OK)
			code = set_content(t, request, &answer->body);
		if (code == CURLE_OK)
			code = curl_easy_perform(t->easy);
	}
	if (code == CURLE_OK)
		read_answer(t, answer);
	else
		read_failure(code, answer);
	forget_fields(t);
}
