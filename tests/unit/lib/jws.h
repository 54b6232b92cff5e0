/* SPDX-License-Identifier: EPL-2.0 */
/*
 * jws: tokens for the tests of token.h, in the compact serialization of RFC
 * 7515, made with OpenSSL alone; and what a verifier says of them.
 */
#ifndef HULYKVS_JWS_H
#define HULYKVS_JWS_H

#include <openssl/evp.h>

#include "auth/token.h"
#include "base/arena.h"
#include "lib/tap.h"

#define NOW INT64_C(1750000000)

#define SECRET    "secret"
#define USER      "aaaaaaaa-1111-2222-3333-444444444444"
#define WS        "cccccccc-2222-3333-4444-555555555555"
#define ACCOUNT   "\"account\":\"" USER "\""
#define WORKSPACE "\"workspace\":\"" WS "\""
#define EXTRA     "\"extra\":{\"service\":\"test\"}"
#define BASE      ACCOUNT "," WORKSPACE "," EXTRA
#define WITH(x)   "{" BASE "," x "}"

#define HEADER     "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define HEADER_TYP "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}" /* which libjwt refuses */

extern struct arena jws_arena; /* of the case that runs: what is made here lies there */
extern unsigned jws_decodes;   /* calls of libjwt */

/* Once in a program. */
void jws_open(void);
void jws_close(void);

#define jws_print(...) jws_some(arena_printf(&jws_arena, __VA_ARGS__))

/* s; ends the program where it is absent. */
struct str jws_some(struct str s);

struct str jws_base64url(struct str s);

/* A token of parts as they are written; of what is to be encoded; of texts, with SECRET. */
struct str jws_sign_raw(struct str header, struct str payload, const EVP_MD *md, struct str secret);
struct str jws_sign_with(const char *header, struct str payload, const char *secret);
struct str jws_sign(const char *header, const char *payload);

/* New; the secret is borrowed. */
struct token_verifier *jws_verifier(struct str secret);

/* What token_verify() says of a field, or of a token in one.  Tests that claims are left alone where it says no. */
enum token_verdict jws_verify_field(struct token_verifier *v, struct str field, int64_t now, struct claims *claims);
enum token_verdict jws_verify(struct token_verifier *v, struct str token, int64_t now, struct claims *claims);

/* Tests what a verifier of its own says, and the same again, which may remember it.  Empties the arena. */
void jws_check(struct str token, enum token_verdict want, const char *name);

/* The same for a payload, under both ways of checking a signature. */
void jws_check_payload(const char *payload, enum token_verdict want);

#endif
