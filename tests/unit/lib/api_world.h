/* SPDX-License-Identifier: EPL-2.0 */
/*
 * api_world: what the tests of src/api share: requests through api.h, as a
 * worker does them, to a store in memory; a row is a request and the answer
 * that it has to get.
 */
#ifndef HULYKVS_API_WORLD_H
#define HULYKVS_API_WORLD_H

#include "api/api.h"
#include "lib/store_mem.h"
#include "lib/tap.h"

#define API_WORLD_NOW   INT64_C(1800000000)
#define API_WORLD_LIMIT 16 /* bytes of a body */

#define WORKSPACE "5dd1c5a6-3b0f-4d5a-9d2b-b6c9e0f7a811"
#define BARE      "5dd1c5a63b0f4d5a9d2bb6c9e0f7a811"
#define UPPER     "5DD1C5A6-3B0F-4D5A-9D2B-B6C9E0F7A811"
#define OTHER     "00000000-0000-4000-8000-000000000000"
#define DEFAULT   "11111111-2222-3333-4444-555555555555"
#define ZEROS     "00000000-0000-0000-0000-000000000000"

#define W2 "/api2/" WORKSPACE
#define K  W2 "/n/k" /* the key that most requests are about */

/* Entity tags of "one", "two" and "". */
#define ONE    "f97c5d29941bfb1b2fdab0874906ab82"
#define TWO    "b8a9f715dbb64fd5c56e7783c6820a61"
#define EMPTY  "d41d8cd98f00b204e9800998ecf8427e"
#define Q(tag) "\"" tag "\""

#define IM(value)  "HTTP_IF_MATCH=" value
#define INM(value) "HTTP_IF_NONE_MATCH=" value

#define NAMES_TEXT  "Names and prefixes must be UTF-8 without NUL"
#define ESCAPE_TEXT "Malformed percent-encoding"

/* In a list, of the value "x". */
#define X_TAG        "\"etag\":\"\\\"9dd4e461268c8034f5c8564e155c67a6\\\"\",\"modified\":null"
#define X_VALUE(key) "{\"key\":\"" key "\",\"size\":1," X_TAG ",\"value\":\"eA==\"}"

#define ABSENT \
	{ \
		NULL, 0 \
	}

enum token {
	OWN,     /* of a user in WORKSPACE */
	ALL,     /* of the system account */
	NOWHERE, /* of a user, without a workspace */
	EXPIRED,
	FORGED,
	BASIC, /* another scheme */
	NONE,
	TOKENS,
};

struct row {
	enum token token;
	const char *method;
	const char *uri;
	const char *fields; /* more variables, separated by newlines */
	struct str body;    /* absent: neither body nor CONTENT_LENGTH */
	unsigned status;
	const char *etag;  /* NULL: none */
	struct str answer; /* absent: no body */
};

struct api_world {
	struct api api;
	struct policy policy;
	struct store_mem store;
	struct uuid workspace, other; /* WORKSPACE, OTHER */

	/* Of the last request. */
	struct arena arena;
	struct request request;
	struct call call;
	struct response response;
	struct buf answer;
};

extern struct api_world world;

/* Once in a program. */
void api_world_open(void);
void api_world_close(void);

/* Reads a row's request into world.request; the second one also has it answered, and checks nothing. */
void api_world_read(const struct row *row);
void api_world_perform(const struct row *row);

/* Tests the answer to a row; note stands in front of the tests' names. */
void api_world_play(const struct row *row, const char *note);

/* These rows one after the other, and then an empty store. */
void api_world_plays(const struct row *rows, size_t n);

#endif
