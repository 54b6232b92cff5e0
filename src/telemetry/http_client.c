/* SPDX-License-Identifier: EPL-2.0 */
#include "telemetry/http_client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "codec/kvlist.h"
#include "config_build.h"

#define ANSWER_MAX ((size_t)64 * 1024)
#define HEADER_MAX ((size_t)64 * 1024)

struct http_client {
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	const _Atomic int64_t *end;
	int wake;
	struct buf answer;
};

bool
http_client_init(void)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static bool
add_header(struct http_client *c, struct str name, struct str value)
{
	struct curl_slist *longer = NULL;
	struct buf line;

	buf_init(&line, HEADER_MAX);
	buf_puts(&line, name);
	buf_puts(&line, value.n > 0 ? STR(": ") : STR(";")); /* how libcurl wants a header with an empty value */
	buf_puts(&line, value);
	buf_putc(&line, '\0');
	if (buf_ok(&line))
		longer = curl_slist_append(c->headers, line.p);
	digest_cleanse(line.p, line.n);
	buf_free(&line);
	if (longer != NULL)
		c->headers = longer;
	return longer != NULL;
}

static bool
add_headers(struct http_client *c, const struct kvlist *headers)
{
	bool ok = add_header(c, STR("Content-Type"), STR("application/json"));

	for (size_t i = 0; ok && i < headers->n; i++)
		ok = add_header(c, headers->pair[i].name, headers->pair[i].value);
	return ok;
}

/* Without "Expect: 100-continue", for which libcurl waits a second where a server does not answer it. */
static bool
send_no_expect(struct http_client *c)
{
	struct curl_slist *longer = curl_slist_append(c->headers, "Expect:");

	if (longer != NULL)
		c->headers = longer;
	return longer != NULL;
}

/* Keeps as much of the answer as fits, and ignores the remaining bytes. */
static size_t
on_answer(char *bytes, size_t one, size_t n, void *ctx)
{
	struct http_client *c = ctx;

	(void)one;
	buf_puts(&c->answer, str_first(str_from(bytes, n), c->answer.max - c->answer.n));
	return n;
}

static bool
set_options(struct http_client *c)
{
	CURL *e = c->easy;

	return curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->headers) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_USERAGENT, "hulykvs/" PACKAGE_VERSION) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_answer) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_WRITEDATA, c) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    /* Does not wait for a name that is still being looked up when the time is up. */
	    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK;
}

struct http_client *
http_client_new(const struct kvlist *headers, const _Atomic int64_t *end, int wake)
{
	struct http_client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->end = end;
	c->wake = wake;
	buf_init(&c->answer, ANSWER_MAX);
	c->multi = curl_multi_init();
	c->easy = curl_easy_init();
	if (c->multi != NULL && c->easy != NULL && send_no_expect(c) && add_headers(c, headers) && set_options(c))
		return c;
	http_client_free(c);
	return NULL;
}

void
http_client_free(struct http_client *c)
{
	if (c == NULL)
		return;
	curl_easy_cleanup(c->easy);
	(void)curl_multi_cleanup(c->multi);
	for (struct curl_slist *h = c->headers; h != NULL; h = h->next)
		digest_cleanse(h->data, strlen(h->data));
	curl_slist_free_all(c->headers);
	buf_free(&c->answer);
	free(c);
}

/* Waits until the transfer can go on; false: the time is up. */
static bool
wait_for_transfer(struct http_client *c, int64_t due)
{
	struct curl_waitfd wake = { .fd = c->wake, .events = CURL_WAIT_POLLIN };
	int64_t end = atomic_load(c->end), left;
	uint64_t count;

	left = (due < end ? due : end) - clock_mono();
	if (left <= 0 || curl_multi_poll(c->multi, &wake, 1, (int)(left / CLOCK_MS) + 1, NULL) != CURLM_OK)
		return false;
	/* Reset, so that it does not wake this thread again; the caller looks at `end` once more. */
	return (wake.revents & CURL_WAIT_POLLIN) == 0 || read(c->wake, &count, sizeof(count)) != 0;
}

/* CURLE_OPERATION_TIMEDOUT where the time is up. */
static CURLcode
run_transfer(struct http_client *c, int64_t due)
{
	int running, left;
	const CURLMsg *message;

	do {
		if (curl_multi_perform(c->multi, &running) != CURLM_OK)
			return CURLE_FAILED_INIT;
	} while (running > 0 && wait_for_transfer(c, due));
	message = curl_multi_info_read(c->multi, &left);
	return message != NULL ? message->data.result : CURLE_OPERATION_TIMEDOUT;
}

static void
read_status(struct http_client *c, struct http_client_result *r)
{
	curl_off_t seconds = 0;
	long status = 0;

	(void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &seconds);
	r->ok = status >= 200 && status <= 299;
	r->may_repeat = status == 429 || (status >= 502 && status <= 504);
	r->pause = seconds > 0 && seconds <= 3600 ? seconds * CLOCK_S : 0;
	(void)snprintf(r->reason, sizeof(r->reason), "status %ld", status);
}

void
http_client_post(struct http_client *c, const char *url, struct str body, int64_t due, struct http_client_result *r)
{
	CURLcode code;

	*r = (struct http_client_result){ .may_repeat = true };
	buf_clear(&c->answer);
	code = curl_easy_setopt(c->easy, CURLOPT_URL, url);
	if (code == CURLE_OK)
		code = curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
	if (code == CURLE_OK)
		code = curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, body.p);
	if (code == CURLE_OK && curl_multi_add_handle(c->multi, c->easy) == CURLM_OK) {
		code = run_transfer(c, due);
		(void)curl_multi_remove_handle(c->multi, c->easy);
	}
	if (code == CURLE_OK)
		read_status(c, r);
	else
		(void)snprintf(r->reason, sizeof(r->reason), "%s", curl_easy_strerror(code));
	r->answer = buf_str(&c->answer);
}
