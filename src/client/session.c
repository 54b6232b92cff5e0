/* SPDX-License-Identifier: EPL-2.0 */
#include "client/session.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/textfile.h"
#include "client/credential.h"
#include "client/display.h"
#include "codec/percent.h"

#define URL_MAX       ((size_t)1024 * 1024)
#define TEXT_MOST     200 /* bytes of a server's text that are shown */
#define FIRST_PAUSE   (200 * CLOCK_MS)
#define LONGEST_PAUSE (10 * CLOCK_S)

struct session {
	const struct arguments *arguments;
	struct credential credential;
	struct transport *transport;
};

enum exitstatus
session_open(struct session **out, const struct arguments *a, struct buf *error)
{
	struct session *s = calloc(1, sizeof(*s));
	enum exitstatus status;

	*out = s;
	if (s == NULL) {
		buf_puts(error, STR("out of memory"));
		return EXITSTATUS_LOCAL;
	}
	s->arguments = a;
	status = credential_open(&s->credential, a, error);
	if (status != EXITSTATUS_DONE)
		return status;
	s->transport = transport_new(a->option[ARGUMENTS_OPTION_CA_FILE]);
	if (s->transport != NULL)
		return EXITSTATUS_DONE;
	buf_puts(error, STR("libcurl cannot be used"));
	return EXITSTATUS_LOCAL;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	transport_free(s->transport);
	credential_free(&s->credential);
	free(s);
}

enum exitstatus
session_issue_token(const struct arguments *a, struct buf *token, struct buf *error)
{
	struct credential credential;
	enum exitstatus status = credential_open(&credential, a, error);

	if (status == EXITSTATUS_DONE) {
		buf_puts(token, credential_token(&credential, a, clock_wall()));
		if (token->n == 0 || !buf_ok(token)) {
			buf_puts(error, STR("the token cannot be signed"));
			status = EXITSTATUS_LOCAL;
		}
	}
	credential_free(&credential);
	return status;
}

/*
 * A name that is "." or ".." is escaped, too: as it is, whatever stands between may remove it from the path
 * (RFC 3986 5.2.4).  libcurl does not, see CURLOPT_PATH_AS_IS; the web servers of deploy/ do not either.
 */
static void
put_segment(struct buf *url, struct str name)
{
	bool dots = str_eq(name, STR(".")) || str_eq(name, STR(".."));

	if (name.p == NULL)
		return;
	buf_putc(url, '/');
	if (!dots)
		percent_put(url, name);
	for (size_t i = 0; dots && i < name.n; i++)
		buf_puts(url, STR("%2E"));
}

static void
put_url(const struct session *s, const struct session_request *r, struct buf *url)
{
	char workspace[UUID_TEXT_SIZE];

	uuid_text(&s->arguments->workspace, workspace);
	buf_puts(url, s->arguments->url);
	buf_puts(url, STR("/api2"));
	put_segment(url, str_of(workspace));
	put_segment(url, r->namespace);
	put_segment(url, r->key);
	if (r->query.n > 0) {
		buf_putc(url, '?');
		buf_puts(url, r->query);
	}
	buf_putc(url, '\0');
}

/* --- what an answer means --- */

/* A text for people, from whatever answers at that address. */
static void
put_server_text(struct buf *error, const struct transport_answer *answer)
{
	struct str text = buf_str(&answer->body), line;

	buf_printf(error, "%d", answer->status);
	(void)str_cut(text, '\n', &line, &text);
	if (line.n == 0)
		return;
	buf_putc(error, ' ');
	display_put(error, str_first(line, TEXT_MOST));
}

/* The service's own 404 says nothing; one with a text is that of another server, or of another path. */
static enum exitstatus
read_not_found(const struct transport_answer *answer, struct buf *error)
{
	if (answer->body.n == 0) {
		buf_puts(error, STR("not found"));
		return EXITSTATUS_NOT_FOUND;
	}
	buf_puts(error, STR("404 from something that is not the service: look at --url"));
	return EXITSTATUS_REFUSED;
}

static enum exitstatus
read_refusal(const struct transport_answer *answer, struct buf *error)
{
	switch (answer->status) {
	case 404:
		return read_not_found(answer, error);
	case 304:
		buf_puts(error, STR("the condition does not hold"));
		return EXITSTATUS_CONDITION;
	case 412:
		if (answer->body.n == 0)
			buf_puts(error, STR("the condition does not hold"));
		else
			put_server_text(error, answer); /* of a batch: whose condition */
		return EXITSTATUS_CONDITION;
	case 429:
		put_server_text(error, answer);
		return EXITSTATUS_UNAVAILABLE;
	default:
		break;
	}
	put_server_text(error, answer);
	if (answer->status >= 300 && answer->status <= 399)
		buf_puts(error, STR(": redirects are not followed; give the other address as --url"));
	return answer->status >= 500 ? EXITSTATUS_UNAVAILABLE : EXITSTATUS_REFUSED;
}

static enum exitstatus
read_fault(const struct session_request *r, const struct transport_answer *answer, struct buf *error)
{
	if (answer->fault == TRANSPORT_CA_FILE)
		buf_puts(error, STR("--ca-file: "));
	if (answer->fault == TRANSPORT_URL)
		buf_puts(error, STR("--url: "));
	buf_puts(error, str_of(answer->reason));
	switch (answer->fault) {
	case TRANSPORT_NO_MEMORY:
		return EXITSTATUS_LOCAL;
	case TRANSPORT_URL:
	case TRANSPORT_CA_FILE:
		return EXITSTATUS_USAGE;
	case TRANSPORT_NO_CONNECTION:
		return EXITSTATUS_UNAVAILABLE;
	case TRANSPORT_NO_ANSWER:
		break;
	}
	if (!r->is_read)
		buf_puts(error, STR(" (the write may have happened: read it before you write again)"));
	return EXITSTATUS_UNAVAILABLE;
}

static enum exitstatus
read_result(const struct session_request *r, const struct transport_answer *answer, struct buf *error)
{
	if (answer->status >= 200 && answer->status <= 299)
		return EXITSTATUS_DONE;
	if (answer->status != 0)
		return read_refusal(answer, error);
	return read_fault(r, answer, error);
}

/* --- calls --- */

static bool
may_try_again(const struct transport_answer *answer)
{
	switch (answer->status) {
	case 0:
		return answer->fault == TRANSPORT_NO_ANSWER || answer->fault == TRANSPORT_NO_CONNECTION;
	case 429:
	case 502:
	case 503:
	case 504:
		return true;
	default:
		return false;
	}
}

static void
wait_before(unsigned attempt, int64_t retry_after)
{
	int64_t pause = FIRST_PAUSE << (attempt < 8 ? attempt : 8);
	struct timespec time;

	if (retry_after > 0 && retry_after < LONGEST_PAUSE / CLOCK_S && retry_after * CLOCK_S > pause)
		pause = retry_after * CLOCK_S;
	if (pause > LONGEST_PAUSE)
		pause = LONGEST_PAUSE;
	time = (struct timespec){ .tv_sec = pause / CLOCK_S, .tv_nsec = pause % CLOCK_S };
	(void)nanosleep(&time, NULL);
}

static void
send_with_retries(struct session *s, struct transport_request *t, unsigned retries, struct transport_answer *answer)
{
	transport_send(s->transport, t, answer);
	for (unsigned i = 0; i < retries && may_try_again(answer); i++) {
		wait_before(i, answer->retry_after);
		transport_send(s->transport, t, answer);
	}
}

enum exitstatus
session_call(struct session *s, const struct session_request *r, struct transport_answer *answer, struct buf *error)
{
	struct transport_request t = {
		.method = r->method,
		.content_type = r->content_type,
		.if_match = r->if_match,
		.if_none_match = r->if_none_match,
		.body = r->body,
		.timeout = s->arguments->timeout,
		.is_write = !r->is_read,
	};
	struct buf url, token;

	buf_init(&url, URL_MAX);
	buf_init(&token, URL_MAX);
	put_url(s, r, &url);
	buf_puts(&token, credential_token(&s->credential, s->arguments, clock_wall()));
	buf_putc(&token, '\0');
	answer->status = 0;
	answer->fault = TRANSPORT_NO_MEMORY;
	answer->reason = "no memory for the request, or it is too long";
	if (buf_ok(&url) && buf_ok(&token) && token.n > 1) {
		t.url = url.p;
		t.token = token.p;
		send_with_retries(s, &t, r->is_read ? s->arguments->retries : 0, answer);
	}
	textfile_forget(&token);
	buf_free(&url);
	return read_result(r, answer, error);
}
