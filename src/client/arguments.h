/* SPDX-License-Identifier: EPL-2.0 */
/*
 * arguments: the command line of hulykvsctl: its commands, its options and what
 * they take.  --help is made from the tables here; tests/rules/docs compares
 * them with the manual page and the completion for bash.
 *
 * No option takes a token or a secret: other users of the machine can read the
 * command line of every process.
 */
#ifndef HULYKVS_ARGUMENTS_H
#define HULYKVS_ARGUMENTS_H

#include <stdint.h>

#include "base/buf.h"
#include "client/exitstatus.h"
#include "codec/uuid.h"

/* X(NAME, "word", least and most arguments, "arguments", "help") */
#define ARGUMENTS_COMMANDS(X) \
	X(GET, "get", 2, 2, "NAMESPACE KEY", "print a value") \
	X(PUT, "put", 2, 3, "NAMESPACE KEY [FILE]", "write a value, from a file or standard input") \
	X(DELETE, "delete", 2, 2, "NAMESPACE KEY", "delete a key") \
	X(LIST, "list", 1, 1, "NAMESPACE", "print the keys of a namespace") \
	X(NAMESPACES, "namespaces", 0, 0, "", "print the namespaces of the workspace") \
	X(EXPORT, "export", 1, 1, "NAMESPACE", "print all keys and values of a namespace, a JSON object a line") \
	X(IMPORT, "import", 1, 2, "NAMESPACE [FILE]", "write the lines of an export") \
	X(BATCH, "batch", 1, 2, "NAMESPACE [FILE]", "do several operations, all of them or none") \
	X(TOKEN, "token", 0, 0, "", "print a token, signed with the token secret")

enum arguments_command {
#define X(name, word, least, most, words, help) ARGUMENTS_##name,
	ARGUMENTS_COMMANDS(X)
#undef X
	    ARGUMENTS_HELP,
	ARGUMENTS_VERSION,
};

/* For the table of options: the commands that take one. */
#define ARGUMENTS_FOR(name) (1U << ARGUMENTS_##name)
#define ARGUMENTS_FOR_ALL   (~0U)
#define ARGUMENTS_FOR_CALLS (ARGUMENTS_FOR_ALL & ~ARGUMENTS_FOR(TOKEN))
#define ARGUMENTS_FOR_LISTS (ARGUMENTS_FOR(LIST) | ARGUMENTS_FOR(NAMESPACES))
#define ARGUMENTS_FOR_LONG  (ARGUMENTS_FOR(EXPORT) | ARGUMENTS_FOR(IMPORT))

/* X(NAME, "word", "what it takes" or NULL, commands, "help") */
#define ARGUMENTS_OPTIONS(X) \
	X(URL, "url", "URL", ARGUMENTS_FOR_CALLS, \
	    "address of the service (else HULYKVS_URL, else http://localhost:8094)") \
	X(WORKSPACE, "workspace", "UUID", ARGUMENTS_FOR_ALL, "the workspace (else HULYKVS_WORKSPACE)") \
	X(TOKEN_FILE, "token-file", "FILE", ARGUMENTS_FOR_CALLS, "file with the token (else HULYKVS_TOKEN)") \
	X(SECRET_FILE, "secret-file", "FILE", ARGUMENTS_FOR_ALL, \
	    "file with the secret that signs a token (else HULY_TOKEN_SECRET)") \
	X(ACCOUNT, "account", "UUID", ARGUMENTS_FOR_ALL, "account in a token signed here (else the system account)") \
	X(SERVICE, "service", "NAME", ARGUMENTS_FOR_ALL, "service in a token signed here (else hulykvsctl)") \
	X(TTL, "ttl", "TIME", ARGUMENTS_FOR_ALL, \
	    "how long a token signed here is valid: 90s, 15m, 1h (default) or 7d") \
	X(CA_FILE, "ca-file", "FILE", ARGUMENTS_FOR_CALLS, "certificates of the authorities to trust (PEM)") \
	X(TIMEOUT, "timeout", "SECONDS", ARGUMENTS_FOR_CALLS, "longest time for one request (60)") \
	X(RETRIES, "retries", "NUMBER", ARGUMENTS_FOR_CALLS, "how often a read is tried again (3); writes never are") \
	X(IF_MATCH, "if-match", "TAG", ARGUMENTS_FOR(GET) | ARGUMENTS_FOR(PUT) | ARGUMENTS_FOR(DELETE), \
	    "only if the value has this entity tag, or * for any") \
	X(IF_NONE_MATCH, "if-none-match", "TAG", ARGUMENTS_FOR(GET) | ARGUMENTS_FOR(PUT), \
	    "only if it has another; put takes * only: if there is no such key") \
	X(BINARY, "binary", NULL, ARGUMENTS_FOR(GET), "print a binary value even to a terminal") \
	X(OUTPUT_FILE, "output-file", "FILE", ARGUMENTS_FOR(GET) | ARGUMENTS_FOR(EXPORT), \
	    "write to this file, complete or not at all") \
	X(PREFIX, "prefix", "TEXT", ARGUMENTS_FOR(LIST) | ARGUMENTS_FOR(EXPORT), \
	    "only keys that begin with this text") \
	X(LIMIT, "limit", "NUMBER", ARGUMENTS_FOR_LISTS, "at most so many") \
	X(LONG, "long", NULL, ARGUMENTS_FOR_LISTS, \
	    "also size and time of each value; of a namespace, the number of keys") \
	X(OUTPUT, "output", "FORM", ARGUMENTS_FOR(GET) | ARGUMENTS_FOR(BATCH) | ARGUMENTS_FOR_LISTS, \
	    "table, json or raw") \
	X(EXISTING, "existing", "CHOICE", ARGUMENTS_FOR(IMPORT), \
	    "what becomes of keys that are there: fail (default), skip or replace") \
	X(INCOMPLETE, "incomplete", NULL, ARGUMENTS_FOR(IMPORT), \
	    "also a file without the last line, which an export has if it is complete") \
	X(QUIET, "quiet", NULL, ARGUMENTS_FOR_LONG, "no progress, and no number of keys at the end") \
	X(HELP, "help", NULL, ARGUMENTS_FOR_ALL, "print this") \
	X(VERSION, "version", NULL, ARGUMENTS_FOR_ALL, "print the versions of the program and its libraries")

enum arguments_option {
#define X(name, word, takes, commands, help) ARGUMENTS_OPTION_##name,
	ARGUMENTS_OPTIONS(X)
#undef X
	    ARGUMENTS_OPTION_COUNT,
};

/* X(NAME, "word") */
#define ARGUMENTS_OUTPUTS(X) \
	X(DEFAULT, "") \
	X(TABLE, "table") \
	X(JSON, "json") \
	X(RAW, "raw")

enum arguments_output {
#define X(name, word) ARGUMENTS_OUTPUT_##name,
	ARGUMENTS_OUTPUTS(X)
#undef X
};

/* X(NAME, "word"); the first one is the default */
#define ARGUMENTS_EXISTINGS(X) \
	X(FAIL, "fail") \
	X(SKIP, "skip") \
	X(REPLACE, "replace")

enum arguments_existing {
#define X(name, word) ARGUMENTS_EXISTING_##name,
	ARGUMENTS_EXISTINGS(X)
#undef X
};

struct arguments {
	enum arguments_command command;
	struct str namespace, key;                  /* where the command takes them */
	const char *file;                           /* of put, import and batch; NULL: standard input */
	const char *option[ARGUMENTS_OPTION_COUNT]; /* as given; "" for one that takes nothing; NULL: not given */
	struct str url;                             /* without the slash at its end */
	bool has_workspace;
	struct uuid workspace, account;
	struct str service;
	int64_t ttl;      /* seconds */
	int64_t timeout;  /* milliseconds */
	unsigned retries; /* of a read */
	uint64_t limit;   /* 0: no limit */
	enum arguments_output output;
	enum arguments_existing existing;
};

/*
 * Reads the command line, and the environment for what it leaves open.  Borrows
 * from both.  EXITSTATUS_USAGE: *error says what is wrong.
 */
enum exitstatus arguments_read(struct arguments *a, int argc, char **argv, struct buf *error)
    __attribute__((warn_unused_result));

/* --help */
void arguments_print_help(void);

#endif
