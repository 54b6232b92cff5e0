/* SPDX-License-Identifier: EPL-2.0 */
/*
 * statement: the SQL statements of the service: which one an operation is,
 * how its parameters go to libpq, and what its result means.
 *
 * The texts are in sql/statements; where sql/cockroachdb has a file of the
 * same name, that one is for CockroachDB.
 *
 * X(NAME, "file", role)
 */
#ifndef HULYKVS_STATEMENT_H
#define HULYKVS_STATEMENT_H

#include <libpq-fe.h>

#include "pg/dbconn.h"
#include "store/store.h"

#define STATEMENTS(X) \
	X(GET, "get", READ) \
	X(GET_KEYS, "get_keys", READ) \
	X(GET_MANY, "get_many", READ) \
	X(GET_BATCH, "get_batch", READ) \
	X(HEAD, "head", READ) \
	X(ANY, "any", READ) \
	X(CHECK, "check", READ) \
	X(CLOCK, "clock", WRITE) \
	X(PUT, "put", WRITE) \
	X(PUT_MANY, "put_many", WRITE) \
	X(PUT_IF_ABSENT, "put_if_absent", WRITE) \
	X(PUT_IF_PRESENT, "put_if_present", WRITE) \
	X(PUT_IF_MATCH, "put_if_match", WRITE) \
	X(DELETE, "delete", WRITE) \
	X(DELETE_IF_MATCH, "delete_if_match", WRITE) \
	X(BEGIN, "begin", WRITE) \
	X(BEGIN_SERIALIZABLE, "begin_serializable", WRITE) \
	X(IN_TIME, "in_time", WRITE) \
	X(COMMIT, "commit", WRITE) \
	X(ROLLBACK, "rollback", WRITE) \
	X(LIST, "list", LIST) \
	X(LIST_BELOW, "list_below", LIST) \
	X(ENTRIES, "entries", LIST) \
	X(ENTRIES_BELOW, "entries_below", LIST) \
	X(NAMESPACES, "namespaces", LIST) \
	X(COUNTS, "counts", LIST) \
	X(WORKSPACES, "workspaces", LIST)

enum statement {
#define X(name, file, role) STATEMENT_##name,
	STATEMENTS(X)
#undef X
	    STATEMENT_COUNT,
};

/* What a connection is used for.  Each role has its own connections, so that no role waits for another's statements. */
enum statement_role {
	STATEMENT_ROLE_READ,
	STATEMENT_ROLE_WRITE,
	STATEMENT_ROLE_LIST,
};

/* The statements with the schema's name in them. */
struct statement_set {
	struct buf text[DBCONN_SERVERS][STATEMENT_COUNT]; /* NUL-terminated */
	struct buf schema;                                /* its name in the catalogue, NUL-terminated */
	bool prepared;                                    /* named statements, prepared once per connection */
	/* Monotonic: no write is sent earlier, unless connect_thread finds that none need wait.  0: at any time.  Set by
	 * program/main. */
	int64_t writes_from;
	int64_t write_time; /* nanoseconds: how long after it was sent a write may begin to change rows */
};

/* schema, prepared and statement_timeout: as the settings have them. */
bool statement_set_init(struct statement_set *set, struct str schema, bool prepared, int64_t statement_timeout)
    __attribute__((warn_unused_result));
void statement_set_free(struct statement_set *set);

enum statement_role statement_role(enum statement s);

/* NUL-terminated; borrowed from the set. */
const char *statement_text(const struct statement_set *set, enum dbconn_server server, enum statement s);

/* Prepares the statements of the role; blocks.  False: libpq's reason in *why. */
bool statement_prepare(const struct statement_set *set, PGconn *conn, enum dbconn_server server,
    enum statement_role role, struct buf *why) __attribute__((warn_unused_result));

/* Which statement an operation is; of a BATCH: the one that decides over which connections it goes. */
enum statement statement_of(const struct store_op *op);

/*
 * Queues the statement with op's parameters (all binary); libpq copies them.  False: libpq could not.
 * deadline: of writes, see db_clock_deadline(); a write that begins later changes nothing and fails with
 * SQLSTATE 22012 (division_by_zero, which no statement of ours gets for another reason).
 */
bool statement_send(const struct statement_set *set, PGconn *conn, enum dbconn_server server, const struct store_op *op,
    int64_t deadline) __attribute__((warn_unused_result));

/* Reads a PGRES_TUPLES_OK or PGRES_COMMAND_OK; the value is lent by res. */
void statement_read(const struct store_op *op, PGresult *res, struct store_result *r);

/* Reads the one row of a PGRES_SINGLE_TUPLE of a LIST; its slices are lent by res. */
void statement_read_list_row(const struct store_op *op, PGresult *res, struct store_row *row);

/*
 * Whether the operation can share a statement with others of its kind, which
 * costs less than half of a statement for each: GET, and PUT of a small value
 * without a condition.  The caller checks that statements are prepared, and that
 * no key is written twice.
 */
bool statement_joins(const struct store_op *op);

/* The statement for the n tickets from `first` on, all of one kind. */
enum statement statement_of_many(const struct store_ticket *first, size_t n);

/* Queues a statement without parameters: CLOCK, the question for the database's time; BEGIN, COMMIT and ROLLBACK. */
bool statement_send_control(const struct statement_set *set, PGconn *conn, enum dbconn_server server, enum statement s)
    __attribute__((warn_unused_result));

/* Queues IN_TIME, which fails after the deadline, as writes do. */
bool statement_send_in_time(const struct statement_set *set, PGconn *conn, enum dbconn_server server, int64_t deadline)
    __attribute__((warn_unused_result));

/* Queues the statement of statement_of_many(), or GET_BATCH; deadline as above. */
bool statement_send_many(const struct statement_set *set, PGconn *conn, enum dbconn_server server, enum statement s,
    const struct store_ticket *first, size_t n, int64_t deadline) __attribute__((warn_unused_result));

/* Sets the result of each ticket, except the member memory. */
void statement_read_many(enum statement s, struct store_ticket *first, size_t n, PGresult *res);

/* Borrows from the set. */
struct store_description statement_describe(
    const struct statement_set *set, enum statement s, enum dbconn_server server);

/* What is wrong with the schema, from the result of CHECK; absent: nothing. */
struct str statement_schema_fault(const PGresult *res);

#endif
