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
add_header(struct http_client *u, struct str name, struct str value)
{
	struct curl_slist *longer = NULL;
	struct buf line;

	buf_init(&line, HEADER_MAX);
	buf_puts(&line, name);
	buf_puts(&line, value.n > 0 ? STR(": ") : STR(";")); /* libcurl's way to write an empty one */
	buf_puts(&line, value);
	buf_putc(&line, '\0');
	if (buf_ok(&line))
		longer = curl_slist_append(u->headers, line.p);
	digest_cleanse(line.p, line.n);
	buf_free(&line);
	if (longer != NULL)
		u->headers = longer;
	return longer != NULL;
}

static bool
add_headers(struct http_client *u, const struct kvlist *headers)
{
	bool ok = add_header(u, STR("Content-Type"), STR("application/json"));

	for (size_t i = 0; ok && i < headers->n; i++)
		ok = add_header(u, headers->pair[i].name, headers->pair[i].value);
	return ok;
}

/* "Expect: 100-continue", libcurl's way with large bodies, costs a second where a server does not know it. */
static bool
expect_nothing(struct http_client *u)
{
	struct curl_slist *longer = curl_slist_append(u->headers, "Expect:");

	if (longer != NULL)
		u->headers = longer;
	return longer != NULL;
}

/* What is too long for us to read is taken and dropped. */
static size_t
on_answer(char *bytes, size_t one, size_t n, void *ctx)
{
	struct http_client *u = ctx;

	(void)one;
	buf_puts(&u->answer, str_first(str_from(bytes, n), u->answer.max - u->answer.n));
	return n;
}

static bool
set_options(struct http_client *u)
{
	CURL *e = u->easy;

	return curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_HTTPHEADER, u->headers) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_USERAGENT, "hulykvs/" PACKAGE_VERSION) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_answer) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_WRITEDATA, u) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    /* Does not wait for a name that is being looked up when the time is over. */
	    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK;
}

struct http_client *
http_client_new(const struct kvlist *headers, const _Atomic int64_t *end, int wake)
{
	struct http_client *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->end = end;
	u->wake = wake;
	buf_init(&u->answer, ANSWER_MAX);
	u->multi = curl_multi_init();
	u->easy = curl_easy_init();
	if (u->multi != NULL && u->easy != NULL && expect_nothing(u) && add_headers(u, headers) && set_options(u))
		return u;
	http_client_free(u);
	return NULL;
}

void
http_client_free(struct http_client *u)
{
	if (u == NULL)
		return;
	curl_easy_cleanup(u->easy);
	(void)curl_multi_cleanup(u->multi);
	for (struct curl_slist *h = u->headers; h != NULL; h = h->next)
		digest_cleanse(h->data, strlen(h->data));
	curl_slist_free_all(u->headers);
	buf_free(&u->answer);
	free(u);
}

/* Sleeps until there is something to do; false: the time is up. */
static bool
wait(struct http_client *u, int64_t due)
{
	struct curl_waitfd wake = { .fd = u->wake, .events = CURL_WAIT_POLLIN };
	int64_t end = atomic_load(u->end), left;
	uint64_t count;

	left = (due < end ? due : end) - clock_mono();
	if (left <= 0 || curl_multi_poll(u->multi, &wake, 1, (int)(left / CLOCK_MS) + 1, NULL) != CURLM_OK)
		return false;
	/* Read, so that it does not wake us again: it says no more than to look at the end once more. */
	return (wake.revents & CURL_WAIT_POLLIN) == 0 || read(u->wake, &count, sizeof(count)) != 0;
}

/* CURLE_OPERATION_TIMEDOUT where the time is up. */
static CURLcode
run_transfer(struct http_client *u, int64_t due)
{
	int running, left;
	const CURLMsg *message;

	do {
		if (curl_multi_perform(u->multi, &running) != CURLM_OK)
			return CURLE_FAILED_INIT;
	} while (running > 0 && wait(u, due));
	message = curl_multi_info_read(u->multi, &left);
	return message != NULL ? message->data.result : CURLE_OPERATION_TIMEDOUT;
}

static void
read_status(struct http_client *u, struct http_client_result *r)
{
	curl_off_t seconds = 0;
	long status = 0;

	(void)curl_easy_getinfo(u->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(u->easy, CURLINFO_RETRY_AFTER, &seconds);
	r->ok = status >= 200 && status <= 299;
	r->may_repeat = status == 429 || (status >= 502 && status <= 504);
	r->pause = seconds > 0 && seconds <= 3600 ? seconds * CLOCK_S : 0;
	(void)snprintf(r->reason, sizeof(r->reason), "status %ld", status);
}

void
http_client_post(struct http_client *u, const char *url, struct str body, int64_t due, struct http_client_result *r)
{
	CURLcode code;

	*r = (struct http_client_result){ .may_repeat = true };
	buf_clear(&u->answer);
	code = curl_easy_setopt(u->easy, CURLOPT_URL, url);
	if (code == CURLE_OK)
		code = curl_easy_setopt(u->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
	if (code == CURLE_OK)
		code = curl_easy_setopt(u->easy, CURLOPT_POSTFIELDS, body.p);
	if (code == CURLE_OK && curl_multi_add_handle(u->multi, u->easy) == CURLM_OK) {
		code = run_transfer(u, due);
		(void)curl_multi_remove_handle(u->multi, u->easy);
	}
	if (code == CURLE_OK)
		read_status(u, r);
	else
		(void)snprintf(r->reason, sizeof(r->reason), "%s", curl_easy_strerror(code));
	r->answer = buf_str(&u->answer);
}
