/* SPDX-License-Identifier: EPL-2.0 */
/*
 * metrics: counters, gauges and histograms for operators.  prometheus and otlp
 * print them.
 *
 * Every thread that serves requests has its own block of cells, in its own cache
 * lines, and only this thread writes it; a scrape adds all blocks up meanwhile.
 * So counting needs no lock and no thread waits for another.  A thread without a
 * block counts nothing.
 *
 * Values of labels come from tables in the code, never from a client.
 *
 * X(NAME, KIND, "name", "help", LABEL, LABEL, LABEL)
 *   KIND     COUNTER, GAUGE, or a histogram of SECONDS, BYTES or SIZES
 *   LABEL    METRICS_LABELS below, or NO
 */
#ifndef HULYKVS_METRICS_H
#define HULYKVS_METRICS_H

#include "http/response.h"
#include "http/route.h"
#include "store/db_error.h"
#include "store/store.h"

#define METRICS(X) \
	X(HTTP_REQUESTS, COUNTER, "hulykvs_http_requests", "Requests answered.", METHOD, ROUTE, CODE) \
	X(HTTP_DURATION, SECONDS, "hulykvs_http_request_duration_seconds", \
	    "Time from the header of a request to its answer.", NO, NO, NO) \
	X(HTTP_IN_FLIGHT, GAUGE, "hulykvs_http_requests_in_flight", "Requests not answered yet.", NO, NO, NO) \
	X(REQUEST_BODY, BYTES, "hulykvs_request_body_bytes", "Bodies of requests.", NO, NO, NO) \
	X(RESPONSE_BODY, BYTES, "hulykvs_response_body_bytes", "Bodies of answers.", NO, NO, NO) \
	X(DB_OPERATIONS, COUNTER, "hulykvs_db_operations", "Operations on the database, by how they ended.", \
	    OPERATION, OUTCOME, NO) \
	X(DB_DURATION, SECONDS, "hulykvs_db_operation_duration_seconds", \
	    "Time of an operation on the database, with its time in the queue.", OPERATION, NO, NO) \
	X(DB_GROUP_SIZE, SIZES, "hulykvs_db_group_size", "Operations sent to the database at once.", NO, NO, NO) \
	X(DB_CONNECTIONS, GAUGE, "hulykvs_db_connections", "Connections to the database.", STATE, NO, NO) \
	X(DB_READ_ONLY, GAUGE, "hulykvs_db_read_only", \
	    "Workers that can make no connection for writes, because the database takes none.", NO, NO, NO) \
	X(DB_ERRORS, COUNTER, "hulykvs_db_errors", "Operations that got an error from the database, by SQLSTATE.", \
	    SQLSTATE, NO, NO) \
	X(DB_RETRIES, COUNTER, "hulykvs_db_retries", "Operations sent to the database again.", RETRY, NO, NO) \
	X(AUTH_REFUSALS, COUNTER, "hulykvs_auth_refusals", "Requests refused for their token.", AUTH, NO, NO) \
	X(TOKEN_CACHE_HITS, COUNTER, "hulykvs_token_cache_hits", "Tokens found in the cache.", NO, NO, NO) \
	X(TOKEN_CACHE_MISSES, COUNTER, "hulykvs_token_cache_misses", \
	    "Tokens verified, since they were not in the cache.", NO, NO, NO) \
	X(PEERS_REFUSED, COUNTER, "hulykvs_peers_refused", "Connections closed because their user may not connect.", \
	    NO, NO, NO) \
	X(TOKENS_ACCEPTED, COUNTER, "hulykvs_tokens_accepted", \
	    "Requests with a valid token, by the secret that signed it.", SECRET, NO, NO) \
	X(SPANS_EXPORTED, COUNTER, "hulykvs_otel_spans_exported", "Spans that the collector accepted.", NO, NO, NO) \
	X(SPANS_DROPPED, COUNTER, "hulykvs_otel_spans_dropped", "Spans that were lost or that the collector refused.", \
	    DROP, NO, NO)

/*    LABEL, "name", how many values */
#define METRICS_LABELS(X) \
	X(METHOD, "method", METHOD_OTHER + 1) \
	X(ROUTE, "route", ROUTE_COUNT + 1) /* the last value: no such path */ \
	X(CODE, "code", METRICS_CODES) \
	X(OPERATION, "operation", STORE_CHECK + 1) \
	X(OUTCOME, "outcome", STORE_FAULT + 1) \
	X(STATE, "state", METRICS_STATES) \
	X(SQLSTATE, "sqlstate", DB_ERROR_COUNT) \
	X(RETRY, "reason", METRICS_RETRIES) \
	X(AUTH, "reason", METRICS_AUTHS) \
	X(SECRET, "secret", METRICS_SECRETS) \
	X(DROP, "reason", METRICS_DROPS)

enum {
#define X(status, reason) METRICS_CODE_##status,
	RESPONSE_STATUSES(X)
#undef X
	    METRICS_CODE_499, /* the client left before the answer */
	METRICS_CODES,
};

/* Of the database's connections. */
enum metrics_state {
	METRICS_IDLE,
	METRICS_BUSY,
	METRICS_CONNECTING,
	METRICS_STATES,
};

/* Why an operation is sent again; the names of the values are part of the metric. */
enum metrics_retry {
	METRICS_RETRY_CONFLICT, /* it was rolled back and may succeed now */
	METRICS_RETRY_GROUP,    /* another operation of its implicit transaction failed */
	METRICS_RETRY_MOVED,    /* the connection could not be used, for example a read-only server */
	METRICS_RETRY_LOST,     /* the connection was lost while a read was under way */
	METRICS_RETRIES,
};

/* HULY_TOKEN_SECRET, and HULY_TOKEN_SECRET_PREVIOUS. */
enum metrics_secret {
	METRICS_SECRET_CURRENT,
	METRICS_SECRET_PREVIOUS,
	METRICS_SECRETS,
};

/* Why a request is refused for its token: no valid token, or one that does not reach there. */
enum metrics_auth {
	METRICS_AUTH_NO_TOKEN,
	METRICS_AUTH_MALFORMED, /* from here on in the order of TOKEN_REASONS (auth/token.h) */
	METRICS_AUTH_SIGNATURE,
	METRICS_AUTH_CLAIMS,
	METRICS_AUTH_EXPIRED,
	METRICS_AUTH_NOT_YET_VALID,
	METRICS_AUTH_NO_WORKSPACE, /* from here on in the order of REFUSALS (http/refusal.h) */
	METRICS_AUTH_WORKSPACE_MISMATCH,
	METRICS_AUTH_SYSTEM_ONLY,
	METRICS_AUTH_NAMESPACE_FORBIDDEN,
	METRICS_AUTHS,
};

/* Why a span is lost. */
enum metrics_drop {
	METRICS_DROP_FULL,        /* too many were waiting for the exporter */
	METRICS_DROP_UNREACHABLE, /* the collector did not answer, or not in time */
	METRICS_DROP_REFUSED,     /* it answered that it does not want them */
	METRICS_DROPS,
};

/* Upper bounds of the histograms' buckets: X(in the unit that is observed, "as it is printed"). */
#define METRICS_SECONDS(X) \
	X(1000000, "0.001") \
	X(2500000, "0.0025") \
	X(5000000, "0.005") \
	X(10000000, "0.01") \
	X(25000000, "0.025") \
	X(50000000, "0.05") \
	X(100000000, "0.1") \
	X(250000000, "0.25") \
	X(500000000, "0.5") \
	X(1000000000, "1") \
	X(2500000000, "2.5") \
	X(5000000000, "5") \
	X(10000000000, "10")
#define METRICS_BYTES(X) \
	X(64, "64") \
	X(256, "256") \
	X(1024, "1024") \
	X(4096, "4096") \
	X(16384, "16384") \
	X(65536, "65536") \
	X(262144, "262144") \
	X(1048576, "1048576") \
	X(4194304, "4194304")
#define METRICS_SIZES(X) X(1, "1") X(2, "2") X(4, "4") X(8, "8") X(16, "16") X(32, "32") X(64, "64") X(128, "128")

/* The first cell of each metric.  A series of a histogram has its buckets, the bucket of +Inf, and the sum. */
#define METRICS_ONE(bound, text) +1
enum {
	METRICS_WIDTH_COUNTER = 1,
	METRICS_WIDTH_GAUGE = 1,
	METRICS_WIDTH_SECONDS = 2 METRICS_SECONDS(METRICS_ONE),
	METRICS_WIDTH_BYTES = 2 METRICS_BYTES(METRICS_ONE),
	METRICS_WIDTH_SIZES = 2 METRICS_SIZES(METRICS_ONE),
	METRICS_N_NO = 1,
#define X(label, name, n) METRICS_N_##label = (n),
	METRICS_LABELS(X)
#undef X
#define X(NAME, kind, name, help, a, b, c) \
	METRICS_##NAME, \
	    METRICS_LAST_##NAME = \
		METRICS_##NAME + METRICS_N_##a * METRICS_N_##b * METRICS_N_##c * METRICS_WIDTH_##kind - 1,
	    METRICS_START = -1, /* the next one is 0 */
	METRICS(X)
#undef X
	    METRICS_CELLS,
};

/* A metric with no more series shows them all, so that the first increase from 0 is seen; others only those above 0. */
#define METRICS_FEW_SERIES 64

struct metrics;

/* Returns new, with a block for each of `threads` threads.  NULL: no memory. */
struct metrics *metrics_new(unsigned threads) __attribute__((warn_unused_result));
void metrics_free(struct metrics *m);

/* From now on the calling thread counts in block `thread` of m; NULL: it counts nothing. */
void metrics_attach(struct metrics *m, unsigned thread);

/* Add to, or set, a cell of the calling thread's block. */
void metrics_add(size_t cell, uint64_t n);
void metrics_set(size_t cell, uint64_t n);

/* Count a value.  cell: the first one of a series of a histogram of that kind. */
void metrics_observe_time(size_t cell, int64_t ns);
void metrics_observe_bytes(size_t cell, uint64_t n);
void metrics_observe_size(size_t cell, uint64_t n);

/* Counts a request that has ended. */
void metrics_count_request(enum method method, const struct route *route, unsigned status);

/* The sum of a cell over all blocks. */
uint64_t metrics_sum(const struct metrics *m, size_t cell);

/* The tables above as data, for prometheus and otlp. */
struct metrics_label {
	const char *name;
	size_t n;
	struct str (*value)(size_t i);
};

struct metrics_bound {
	uint64_t value;
	struct str text;
};

enum metrics_kind { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };

#define METRICS_LABELS_MAX 3

struct metrics_family {
	const char *name, *help;
	enum metrics_kind kind;
	size_t cell, width;
	const struct metrics_label *label[METRICS_LABELS_MAX]; /* NULL after the last one */
	const struct metrics_bound *bound;                     /* of a histogram; width - 2 of them */
	const char *unit;                                      /* UCUM: "s", "By", or "" for a plain number */
	bool seconds;                                          /* the sum is in nanoseconds */
};

extern const struct metrics_family metrics_families[];
extern const size_t metrics_family_count;

#endif
