/* SPDX-License-Identifier: EPL-2.0 */
#include "client/operations.h"

#include "client/display.h"
#include "client/infile.h"
#include "codec/json.h"

static const cJSON *
operation_text(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsString(item) ? item : NULL;
}

static bool
only_reads(const cJSON *operations)
{
	const cJSON *operation;

	cJSON_ArrayForEach(operation, operations)
	{
		const cJSON *op = operation_text(operation, "op");

		if (op == NULL || strcmp(op->valuestring, "get") != 0)
			return false;
	}
	return true;
}

/* A line of the table: status, operation, key. */
static void
put_result(struct buf *line, const cJSON *operation, const cJSON *result)
{
	const cJSON *status = cJSON_GetObjectItemCaseSensitive(result, "status");

	buf_clear(line);
	buf_printf(line, "%d  %-6s  ", cJSON_IsNumber(status) ? status->valueint : 0,
	    operation_text(operation, "op")->valuestring);
	display_put(line, str_of(operation_text(operation, "key")->valuestring));
	buf_putc(line, '\n');
}

static enum exitstatus
print_table(const cJSON *operations, struct str answer, struct outfile *out, struct buf *error)
{
	cJSON *json = json_parse_object(answer);
	const cJSON *results = cJSON_GetObjectItemCaseSensitive(json, "results");
	const cJSON *operation = operations->child, *result;
	struct buf line;

	if (!cJSON_IsArray(results) || cJSON_GetArraySize(results) != cJSON_GetArraySize(operations)) {
		cJSON_Delete(json);
		buf_puts(
		    error, STR("the answer is not that of a batch: look at --url (the operations may have been done)"));
		return EXITSTATUS_UNAVAILABLE;
	}
	buf_init(&line, answer.n + INFILE_MAX);
	cJSON_ArrayForEach(result, results)
	{
		put_result(&line, operation, result);
		outfile_put(out, buf_str(&line));
		operation = operation->next;
	}
	buf_free(&line);
	cJSON_Delete(json);
	return EXITSTATUS_DONE;
}

static enum exitstatus
print_results(
    const struct arguments *a, const cJSON *operations, struct str answer, struct outfile *out, struct buf *error)
{
	if (a->output != ARGUMENTS_OUTPUT_JSON)
		return print_table(operations, answer, out, error);
	outfile_put(out, answer);
	outfile_put(out, STR("\n"));
	return EXITSTATUS_DONE;
}

static enum exitstatus
send_operations(struct session *s, const struct arguments *a, const cJSON *operations, struct str body,
    struct outfile *out, struct buf *error)
{
	struct transport_answer answer = { .status = 0 };
	enum exitstatus status;

	buf_init(&answer.body, TRANSPORT_ANSWER_MAX);
	status = session_call(s,
	    &(struct session_request){
		.method = "POST",
		.namespace = a->namespace,
		.content_type = "application/json",
		.body = body,
		.is_read = only_reads(operations),
	    },
	    &answer, error);
	if (status == EXITSTATUS_DONE)
		status = print_results(a, operations, buf_str(&answer.body), out, error);
	buf_free(&answer.body);
	return status;
}

/* What is needed here; all else is for the service to say. */
static bool
are_operations(const cJSON *operations)
{
	const cJSON *operation;

	if (!cJSON_IsArray(operations))
		return false;
	cJSON_ArrayForEach(operation, operations)
	{
		if (operation_text(operation, "op") == NULL || operation_text(operation, "key") == NULL)
			return false;
	}
	return true;
}

enum exitstatus
operations_send(struct session *s, const struct arguments *a, struct outfile *out, struct buf *error)
{
	const cJSON *operations;
	enum exitstatus status;
	struct buf body;
	cJSON *json;

	buf_init(&body, INFILE_MAX);
	status = infile_read(a->file, &body, error);
	if (status == EXITSTATUS_DONE) {
		json = json_parse_object(buf_str(&body));
		operations = cJSON_GetObjectItemCaseSensitive(json, "operations");
		if (are_operations(operations)) {
			status = send_operations(s, a, operations, buf_str(&body), out, error);
		} else {
			buf_printf(error, "%s: is no JSON object with \"operations\", each with \"op\" and \"key\"",
			    infile_name(a->file));
			status = EXITSTATUS_USAGE;
		}
		cJSON_Delete(json);
	}
	buf_free(&body);
	return status;
}
