/* SPDX-License-Identifier: EPL-2.0 */
/*
 * rules: who may do what in which namespaces.
 *
 * A rule says allow or deny, and has conditions: on the claims of the token
 * (account, service, workspace) and on the request (workspace of the rows,
 * namespace, operation, version of the API).  A condition that is left out is
 * always met.  The first rule whose conditions are all met decides; if there is
 * none, the default decides.
 *
 * Names are compared byte by byte after percent-decoding, as the database
 * compares them.  So no other spelling of a name gets past a rule: it is either
 * the same bytes, or the name of other rows.
 *
 * A set of rules never changes, and any thread may ask it.
 */
#ifndef HULYKVS_RULES_H
#define HULYKVS_RULES_H

#include "auth/token.h"
#include "base/arena.h"

/* HEAD reads a value or lists; every PUT and POST writes, whatever its conditions. */
enum rules_operation {
	RULES_READ,
	RULES_WRITE,
	RULES_LIST,
	RULES_DELETE,
	RULES_OPERATIONS,
};

enum rules_condition {
	RULES_ACCOUNT,
	RULES_SERVICE,
	RULES_WORKSPACE,
	RULES_TARGET,
	RULES_NAMESPACE, /* the conditions above are about the token and the workspace */
	RULES_TO,
	RULES_API,
	RULES_CONDITIONS,
};

/* One value of a condition, in a linked list.  The condition is met if one of them matches. */
struct rules_value {
	struct uuid uuid; /* ACCOUNT, WORKSPACE, TARGET */
	struct str text;  /* SERVICE, NAMESPACE */
	bool none;        /* SERVICE, WORKSPACE: the token has no such claim */
	bool prefix;      /* NAMESPACE: every namespace that begins with the text */
	struct rules_value *next;
};

struct rule {
	bool allow;
	unsigned line;                               /* of the file, from 1 */
	struct str text;                             /* that line */
	struct rules_value *value[RULES_CONDITIONS]; /* NULL: always met */
	unsigned operations, versions;               /* 1 << …; TO and API */
};

#define RULES_ALL_OPERATIONS (1U << RULES_READ | 1U << RULES_WRITE | 1U << RULES_LIST | 1U << RULES_DELETE)
#define RULES_ALL_VERSIONS   (1U << 1 | 1U << 2)

struct rules;

struct rules_question {
	const struct claims *claims;
	const struct uuid *target; /* whose rows: v2's workspace, v1's default */
	struct str ns;             /* decoded */
	enum rules_operation operation;
	unsigned version;
};

struct rules_verdict {
	bool allowed;
	unsigned line; /* of the rule that decided; 0: the default did */
};

/*
 * rule: n rules in their order, allocated in the arena.  Takes the arena, also
 * when it fails.  Returns new; NULL: no memory.
 */
struct rules *rules_new(struct arena *arena, struct rule *const *rule, size_t n, bool allow_by_default)
    __attribute__((warn_unused_result));

/* NULL is fine. */
void rules_free(struct rules *r);

struct rules_verdict rules_ask(const struct rules *r, const struct rules_question *q);

size_t rules_count(const struct rules *r);

/*
 * Whether the i-th rule can never decide, because one rule before it decides all
 * requests that it is about.  Sets the lines of both, *by that of the other one.
 */
bool rules_is_idle(const struct rules *r, size_t i, unsigned *line, unsigned *by) __attribute__((warn_unused_result));

/* The text of the rule in that line; absent: there is none. */
struct str rules_text(const struct rules *r, unsigned line);

#endif
