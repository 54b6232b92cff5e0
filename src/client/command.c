/* SPDX-License-Identifier: EPL-2.0 */
#include "client/command.h"

#include <unistd.h>

#include "client/display.h"
#include "client/dump.h"
#include "client/infile.h"
#include "client/listing.h"
#include "client/load.h"
#include "client/operations.h"
#include "client/session.h"
#include "codec/base64.h"
#include "codec/json.h"

#define TOKEN_LINE_MAX ((size_t)64 * 1024)

static enum exitstatus
call_for_key(struct session *s, const struct arguments *a, struct session_request request,
    struct transport_answer *answer, struct buf *error)
{
	request.namespace = a->namespace;
	request.key = a->key;
	request.if_match = a->option[ARGUMENTS_OPTION_IF_MATCH];
	request.if_none_match = a->option[ARGUMENTS_OPTION_IF_NONE_MATCH];
	return session_call(s, &request, answer, error);
}

/* --- get --- */

static void
put_value_as_json(struct buf *json, const struct arguments *a, const struct transport_answer *answer)
{
	buf_puts(json, STR("{\"key\":"));
	json_put_string(json, a->key);
	buf_puts(json, STR(",\"etag\":"));
	json_put_string(json, str_of(answer->etag));
	buf_puts(json, STR(",\"value\":\""));
	base64_put(json, buf_str(&answer->body));
	buf_puts(json, STR("\"}\n"));
}

/* A web page, for example, is no value, though its status is 200. */
static enum exitstatus
check_value(const struct arguments *a, const struct transport_answer *answer, struct buf *error)
{
	if (strcmp(answer->content_type, "application/octet-stream") != 0) {
		buf_puts(error, STR("the answer is not a value of the service: look at --url"));
		return EXITSTATUS_REFUSED;
	}
	if (a->output == ARGUMENTS_OUTPUT_JSON || a->option[ARGUMENTS_OPTION_OUTPUT_FILE] != NULL ||
	    a->option[ARGUMENTS_OPTION_BINARY] != NULL || isatty(STDOUT_FILENO) == 0 ||
	    display_is_text(buf_str(&answer->body)))
		return EXITSTATUS_DONE;
	buf_puts(error, STR("the value is binary and could change the terminal: --output-file, or --binary"));
	return EXITSTATUS_USAGE;
}

static enum exitstatus
print_value(const struct arguments *a, const struct transport_answer *answer, struct outfile *out, struct buf *error)
{
	enum exitstatus status = check_value(a, answer, error);
	struct buf json;

	if (status != EXITSTATUS_DONE)
		return status;
	if (a->output != ARGUMENTS_OUTPUT_JSON) {
		outfile_put(out, buf_str(&answer->body));
		return EXITSTATUS_DONE;
	}
	buf_init(&json, 2 * TRANSPORT_ANSWER_MAX);
	put_value_as_json(&json, a, answer);
	outfile_put(out, buf_str(&json));
	if (!buf_ok(&json)) {
		buf_puts(error, STR("out of memory"));
		status = EXITSTATUS_LOCAL;
	}
	buf_free(&json);
	return status;
}

static enum exitstatus
get_value(struct session *s, const struct arguments *a, struct outfile *out, struct buf *error)
{
	struct transport_answer answer = { .status = 0 };
	enum exitstatus status;

	buf_init(&answer.body, TRANSPORT_ANSWER_MAX);
	status = call_for_key(s, a, (struct session_request){ .method = "GET", .is_read = true }, &answer, error);
	if (status == EXITSTATUS_DONE)
		status = print_value(a, &answer, out, error);
	buf_free(&answer.body);
	return status;
}

/* --- put and delete --- */

static enum exitstatus
call_to_write(struct session *s, const struct arguments *a, struct session_request request, struct buf *error)
{
	struct transport_answer answer = { .status = 0 };
	enum exitstatus status;

	buf_init(&answer.body, TRANSPORT_ANSWER_MAX);
	status = call_for_key(s, a, request, &answer, error);
	buf_free(&answer.body);
	return status;
}

static enum exitstatus
put_value(struct session *s, const struct arguments *a, struct outfile *out, struct buf *error)
{
	enum exitstatus status;
	struct buf value;

	(void)out;
	buf_init(&value, INFILE_MAX);
	status = infile_read(a->file, &value, error);
	if (status == EXITSTATUS_DONE)
		status = call_to_write(s, a,
		    (struct session_request){
			.method = "PUT", .content_type = "application/octet-stream", .body = buf_str(&value) },
		    error);
	buf_free(&value);
	return status;
}

static enum exitstatus
delete_key(struct session *s, const struct arguments *a, struct outfile *out, struct buf *error)
{
	(void)out;
	return call_to_write(s, a, (struct session_request){ .method = "DELETE" }, error);
}

/* --- all --- */

static enum exitstatus
print_token(const struct arguments *a, struct outfile *out, struct buf *error)
{
	enum exitstatus status;
	struct buf token;

	buf_init(&token, TOKEN_LINE_MAX);
	status = session_issue_token(a, &token, error);
	if (status == EXITSTATUS_DONE) {
		buf_putc(&token, '\n');
		outfile_put(out, buf_str(&token));
	}
	buf_free(&token);
	return status;
}

static enum exitstatus
run_with_session(const struct arguments *a, struct outfile *out, struct buf *error)
{
	static enum exitstatus (*const commands[])(
	    struct session *, const struct arguments *, struct outfile *, struct buf *) = {
		[ARGUMENTS_GET] = get_value,
		[ARGUMENTS_PUT] = put_value,
		[ARGUMENTS_DELETE] = delete_key,
		[ARGUMENTS_LIST] = listing_print,
		[ARGUMENTS_NAMESPACES] = listing_print,
		[ARGUMENTS_EXPORT] = dump_export,
		[ARGUMENTS_IMPORT] = load_import,
		[ARGUMENTS_BATCH] = operations_send,
	};
	struct session *s;
	enum exitstatus status = session_open(&s, a, error);

	if (status == EXITSTATUS_DONE)
		status = commands[a->command](s, a, out, error);
	session_free(s);
	return status;
}

enum exitstatus
command_run(const struct arguments *a, struct buf *error)
{
	struct outfile out;
	enum exitstatus status;

	if (!outfile_open(&out, a->option[ARGUMENTS_OPTION_OUTPUT_FILE], error))
		return EXITSTATUS_LOCAL;
	if (a->command == ARGUMENTS_TOKEN)
		status = print_token(a, &out, error);
	else
		status = run_with_session(a, &out, error);
	if (status == EXITSTATUS_DONE)
		return outfile_close(&out, error) ? EXITSTATUS_DONE : EXITSTATUS_LOCAL;
	outfile_abandon(&out);
	return status;
}
