/* SPDX-License-Identifier: EPL-2.0 */
/*
 * fuzz: what the fuzz targets share.  A target is fuzz_X.c with one function
 * that libFuzzer calls for each input; what must hold for every input stands
 * in CHECKs, whatever is wrong besides is found by the sanitizers.
 */
#ifndef HULYKVS_FUZZ_H
#define HULYKVS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

#define FUZZ_SECRET "secret" /* signs the tokens of seeds and targets */

#define CHECK(what) \
	do { \
		if (!(what)) { \
			(void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
			abort(); \
		} \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* The input; borrows it. */
static inline struct str
fuzz_str(const uint8_t *data, size_t size)
{
	return str_from((const char *)data, size);
}

/* Returns new (free): prefix and s up to its first NUL, as a C string without a byte to spare. */
static inline char *
fuzz_text(const char *prefix, struct str s)
{
	size_t n = strlen(prefix), m = s.n > 0 ? strnlen(s.p, s.n) : 0;
	char *text = malloc(n + m + 1);

	CHECK(text != NULL);
	memcpy(text, prefix, n);
	if (m > 0)
		memcpy(text + n, s.p, m);
	text[n + m] = '\0';
	return text;
}

#endif
