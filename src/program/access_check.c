/* SPDX-License-Identifier: EPL-2.0 */
#include "program/access_check.h"

#include <stdio.h>
#include <unistd.h>

#include "api/api.h"
#include "base/base.h"
#include "base/clock.h"
#include "store/seal.h"

#define INPUT_MAX ((size_t)64 * 1024)

static enum exitcode
access_check_usage(const char *what)
{
	(void)fprintf(stderr, "hulykvs: --access-check: %s\n", what);
	return EXIT_USAGE;
}

/* All of standard input, without white space around it; absent: too much, or it cannot be read. */
static struct str
read_input(struct arena *a)
{
	char *p = arena_alloc(a, INPUT_MAX);
	size_t size = 0;
	ssize_t n = 0;

	while (p != NULL && size < INPUT_MAX && (n = read(STDIN_FILENO, p + size, INPUT_MAX - size)) > 0)
		size += (size_t)n;
	if (p == NULL || n != 0)
		return STR_ABSENT;
	while (size > 0 && strchr(" \t\r\n", p[size - 1]) != NULL)
		size--;
	return str_trim(str_from(p, size));
}

/* *reason: where the token is invalid. */
static enum refusal
read_claims_file(const struct snapshot *settings, struct str input, struct arena *a, struct claims *claims,
    enum token_reason *reason)
{
	struct token_verifier *verifier;
	enum token_verdict verdict = TOKEN_UNCHECKED;
	struct str field;

	*reason = TOKEN_CLAIMS;
	if (str_starts(input, STR("{")))
		return token_read_claims(input, claims) ? REFUSAL_NONE : REFUSAL_INVALID_TOKEN;
	verifier = token_verifier_new(&settings->secrets);
	field = arena_printf(a, "Bearer %.*s", STR_FMT(input));
	if (verifier != NULL && field.p != NULL)
		verdict = token_verify(verifier, field, clock_wall(), claims);
	if (verdict == TOKEN_INVALID)
		*reason = token_last_fault(verifier)->reason;
	token_verifier_free(verifier);
	return verdict == TOKEN_VALID    ? REFUSAL_NONE
	    : verdict == TOKEN_UNCHECKED ? REFUSAL_INTERNAL
					 : REFUSAL_INVALID_TOKEN;
}

/* As a web server hands it on, of the type that a batch has; false: not of the form METHOD PATH. */
static bool
read_request(const char *asked, struct arena *a, struct request *request)
{
	struct str method, path, variable[2];

	if (!str_cut(str_of(asked), ' ', &method, &path))
		return false;
	variable[0] = arena_printf(a, "REQUEST_METHOD=%.*s", STR_FMT(method));
	variable[1] = arena_printf(a, "REQUEST_URI=%.*s", STR_FMT(path));
	if (variable[0].p == NULL || variable[1].p == NULL)
		return false;
	request_read(request,
	    (char *const[]){
		(char *)variable[0].p, (char *)variable[1].p, (char[]){ "CONTENT_TYPE=application/json" }, NULL });
	return route_is_protected(request->path);
}

static void
print_decision(enum refusal refusal)
{
	struct str text = refusal_text(refusal);

	if (refusal == REFUSAL_NONE)
		(void)printf("allowed\n");
	else
		(void)printf("%u %.*s\n", refusal_status(refusal), STR_FMT(text.n > 0 ? text : refusal_name(refusal)));
}

static void
print_rule(const struct config *c, const struct rules *rules, const struct rules_verdict *verdict)
{
	if (verdict->line == 0)
		(void)printf("no rule: HULY_ACCESS_DEFAULT is %s\n", verdict->allowed ? "allow" : "deny");
	else
		(void)printf(
		    "%s:%u: %.*s\n", c->access_rules, verdict->line, STR_FMT(rules_text(rules, verdict->line)));
}

/* What operations of a batch may be. */
static const struct {
	enum rules_operation operation;
	const char *word;
} kinds[] = { { RULES_READ, "get" }, { RULES_WRITE, "put" }, { RULES_DELETE, "delete" } };

/* A batch may have operations of each kind, so all kinds must be allowed. */
static enum refusal
judge_operations(const struct rules_verdict *verdicts)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!verdicts[kinds[i].operation].allowed)
			return REFUSAL_NAMESPACE_FORBIDDEN;
	return REFUSAL_NONE;
}

static void
print_operations(const struct config *c, const struct rules *rules, const struct rules_verdict *verdicts)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct rules_verdict *verdict = &verdicts[kinds[i].operation];

		(void)printf("%s %s, ", kinds[i].word, verdict->allowed ? "allowed" : "refused");
		print_rule(c, rules, verdict);
	}
}

/* What api refuses before it asks the rules. */
static bool
is_place_of_proofs(const struct call *call)
{
	const struct seal_place place = { call->op.workspace, call->op.ns, call->op.key };

	return call->refusal == REFUSAL_NAMESPACE_FORBIDDEN && seal_is_proof(&place);
}

/* Where the verdict of the rules comes from, if they were asked. */
static void
print_reason(const struct config *c, const struct rules *rules, const struct call *call, enum refusal refusal)
{
	const struct rules_verdict *verdict = &call->verdict;

	if (is_place_of_proofs(call))
		(void)printf(
		    "the rules were not asked: proofs of encryption keys are there, which no request may use\n");
	else if (rules == NULL)
		(void)printf("no rules: HULY_ACCESS_RULES is not set\n");
	else if (verdict->line > 0 || verdict->allowed || refusal == REFUSAL_NAMESPACE_FORBIDDEN)
		print_rule(c, rules, verdict);
	else if (refusal == REFUSAL_NONE && call->match.ns.p == NULL)
		(void)printf("the rules are asked for each name of the list\n");
	else
		(void)printf("the rules were not asked\n");
}

enum exitcode
access_check_run(const struct config *c, const struct snapshot *settings, const char *asked)
{
	const struct api api = { .payload_limit = c->payload_size_limit,
		.default_workspace = c->default_workspace_uuid };
	struct request request;
	struct call call = { .refusal = REFUSAL_NONE };
	struct claims claims;
	enum token_reason reason;
	struct arena arena;
	struct str input;
	enum refusal refusal;
	bool each;
	enum exitcode code = EXIT_USAGE;

	arena_init(&arena, API_ARENA_MAX);
	if (!read_request(asked, &arena, &request)) {
		code = access_check_usage("not of the form 'METHOD PATH', with a path below /api or /api2");
		goto out;
	}
	input = read_input(&arena);
	if (input.p == NULL || input.n == 0) {
		code = access_check_usage("standard input holds neither a token nor claims");
		goto out;
	}
	refusal = read_claims_file(settings, input, &arena, &claims, &reason);
	if (refusal == REFUSAL_NONE)
		refusal = api_ask(&api, settings->rules, &claims, &call, &request, &arena);
	each = call.match.action == ACTION_BATCH && settings->rules != NULL && !is_place_of_proofs(&call) &&
	    (refusal == REFUSAL_NONE || refusal == REFUSAL_NAMESPACE_FORBIDDEN);
	if (each)
		refusal = judge_operations(call.verdicts);
	print_decision(refusal);
	if (refusal == REFUSAL_INVALID_TOKEN)
		(void)printf("the token is refused: %.*s\n", STR_FMT(token_reason_word(reason)));
	if (each)
		print_operations(c, settings->rules, call.verdicts);
	else
		print_reason(c, settings->rules, &call, refusal);
	code = refusal == REFUSAL_NONE ? EXIT_OK : EXIT_REFUSED;
out:
	arena_free(&arena);
	return code;
}
