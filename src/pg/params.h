/* SPDX-License-Identifier: EPL-2.0 */
/*
 * params: the parameters of a statement in PostgreSQL's binary form, as
 * libpq's PQsend… functions take them.
 *
 * Only statement uses it.  Values are borrowed from the operation, which must
 * live until libpq has copied them; params_free() frees the arrays.
 */
#ifndef HULYKVS_PARAMS_H
#define HULYKVS_PARAMS_H

#include "base/buf.h"
#include "store/store.h"

/* Type OIDs of pg_type, which never change. */
enum params_oid {
	PARAMS_OID_BOOL = 16,
	PARAMS_OID_BYTEA = 17,
	PARAMS_OID_NAME = 19,
	PARAMS_OID_INT8 = 20,
	PARAMS_OID_TEXT = 25,
	PARAMS_OID_BYTEA_ARRAY = 1001,
	PARAMS_OID_TEXT_ARRAY = 1009,
	PARAMS_OID_TIMESTAMPTZ = 1184,
	PARAMS_OID_UUID = 2950,
	PARAMS_OID_UUID_ARRAY = 2951,
};

enum { PARAMS_MAX = 7 };

struct params {
	const char *value[PARAMS_MAX];
	int length[PARAMS_MAX];
	int n;
	struct buf array;  /* owns the arrays */
	uint64_t limit;    /* big-endian */
	uint64_t bytes;    /* big-endian */
	char with_values;  /* 1 or 0 */
	uint64_t deadline; /* big-endian; microseconds on the database's clock */
};

/* The format code of each parameter: 1, binary. */
extern const int params_binary[PARAMS_MAX];

/*
 * The parameters of one operation.  schema: for CHECK, its name with a NUL, which is counted; deadline: of
 * writes, on the database's clock.  False: no memory; params_free() is due in either case.
 */
bool params_set(struct params *p, struct str schema, const struct store_op *op, int64_t deadline)
    __attribute__((warn_unused_result));

/*
 * The parameters of the n tickets from `first` on: an array for each column; or, where all are keys of one namespace
 * (one_namespace), one array for the keys.
 */
bool params_set_many(struct params *p, const struct store_ticket *first, size_t n, bool one_namespace, int64_t deadline)
    __attribute__((warn_unused_result));

/* The parameters of IN_TIME; nothing is to be freed. */
void params_set_deadline(struct params *p, int64_t deadline);

/* Adds the last parameter of GET_BATCH. */
void params_add_limit(struct params *p, int64_t limit);

void params_free(struct params *p);

#endif
