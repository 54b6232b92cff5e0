/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/seal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "migrate/cell.h"
#include "migrate/progress.h"

#define PAGE_ROWS  500
#define PAGE_BYTES "1048576"
#define PASSES     10 /* for rows that clients write between our read and our write, and for lost connections */
#define IDS        64 /* of keys whose values are counted separately */

/* Columns of migrate/seal_page. */
enum column { WORKSPACE, NAMESPACE, KEY, MD5, HEAD, VALUE };

struct count {
	struct str id; /* owned */
	int64_t rows;
};

struct migrate_seal {
	enum migrate_seal_task task;
	const struct config *config;
	struct seal *seal; /* NULL: no keys */
	struct buf head;   /* what wanted values begin with, or do not begin with; as text of a bytea */
	unsigned rate, passes;
	char workspace[UUID_TEXT_SIZE];
	char *ns, *key;     /* with workspace: the next page begins after this row; owned */
	struct arena arena; /* of a page */
	struct migrate_change change[PAGE_ROWS];
	struct migrate_progress progress;
	int64_t seen, done; /* in all passes */
	/* In this pass: rows that were changed, had changed since they were read, or do not open. */
	int64_t changed, missed, refused;
	unsigned session;      /* that the pass goes on in, see migrate_db; 0: none yet */
	bool interrupted;      /* it began in another one: what was written before may have been undone */
	int64_t plain, others; /* for MIGRATE_COUNT; others: with keys beyond IDS */
	struct count ids[IDS];
	size_t ids_n;
};

/* The magic; for MIGRATE_SEAL the whole header of values that the current key has sealed. */
static void
put_sealed_head(struct buf *out, const struct migrate_seal *m)
{
	char header[SEAL_HEADER_SIZE], hex[2 * SEAL_HEADER_SIZE];
	size_t n = SEAL_MAGIC_SIZE;

	if (m->task == MIGRATE_SEAL)
		n = seal_put_header(header, keyring_id(seal_ring(m->seal), 0)).n;
	else
		memcpy(header, SEAL_MAGIC, n);
	digest_hex((const unsigned char *)header, n, hex);
	buf_puts(out, STR("\\x"));
	buf_put(out, hex, 2 * n);
	buf_putc(out, '\0');
}

static bool
begin_at_first_row(struct migrate_seal *m)
{
	uuid_text(&(struct uuid){ { 0 } }, m->workspace);
	m->changed = m->missed = m->refused = 0;
	m->interrupted = false;
	return migrate_cell_keep(&m->ns, STR("")) && migrate_cell_keep(&m->key, STR(""));
}

struct migrate_seal *
migrate_seal_new(const struct config *config, enum migrate_seal_task task, const struct keyring *keys, unsigned rate)
{
	struct migrate_seal *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->task = task;
	m->config = config;
	m->rate = rate;
	migrate_progress_begin(&m->progress, "going through the values");
	buf_init(&m->head, 1024);
	arena_init(&m->arena, SIZE_MAX);
	if (keys != NULL)
		m->seal = seal_new(keys);
	if (begin_at_first_row(m) && (m->seal != NULL || keys == NULL)) {
		put_sealed_head(&m->head, m);
		if (buf_ok(&m->head))
			return m;
	}
	migrate_seal_free(m);
	return NULL;
}

void
migrate_seal_free(struct migrate_seal *m)
{
	if (m == NULL)
		return;
	seal_free(m->seal);
	buf_free(&m->head);
	arena_free(&m->arena);
	for (size_t i = 0; i < m->ids_n; i++)
		free((char *)m->ids[i].id.p);
	free(m->ns);
	free(m->key);
	free(m);
}

/* The count of a key's values; the counts are in the order of the ids.  NULL: too many ids, or no memory. */
static struct count *
find_count(struct migrate_seal *m, struct str id)
{
	size_t i = 0;
	char *copy;

	while (i < m->ids_n && str_cmp(m->ids[i].id, id) < 0)
		i++;
	if (i < m->ids_n && str_eq(m->ids[i].id, id))
		return &m->ids[i];
	copy = m->ids_n < IDS ? strndup(id.p, id.n) : NULL;
	if (copy == NULL)
		return NULL;
	memmove(&m->ids[i + 1], &m->ids[i], (m->ids_n++ - i) * sizeof(m->ids[0]));
	m->ids[i] = (struct count){ .id = str_from(copy, id.n) };
	return &m->ids[i];
}

static void
count_row(struct migrate_seal *m, const PGresult *res, int row)
{
	struct seal_place place = migrate_cell_place(res, row);
	struct str id;
	struct count *count;

	if (seal_is_proof(&place))
		return;
	if (!seal_key_id(migrate_cell_bytes(res, row, HEAD), &id)) {
		m->plain++;
		return;
	}
	count = find_count(m, id);
	if (count != NULL)
		count->rows++;
	else
		m->others++;
}

/* What $1 … $7 of the files seal_row stand for. */
static void
set_values(struct migrate_change *change, const struct str values[MIGRATE_VALUES])
{
	*change = (struct migrate_change){ .n = 0 };
	for (size_t i = 0; i < MIGRATE_VALUES; i++)
		migrate_db_bind(change, values[i]);
}

static struct str
md5_str(const struct md5 *md5)
{
	return str_from((const char *)md5->b, sizeof(md5->b));
}

/* The new value of a row, in the arena; false: it has none. */
static bool
new_value(struct migrate_seal *m, const struct seal_place *place, enum seal_verdict verdict, struct str value,
    struct md5 *md5, struct str *out)
{
	struct md5 column;
	char *p;

	if (m->task == MIGRATE_UNSEAL) {
		*out = value;
		return verdict == SEAL_OPENED;
	}
	p = arena_alloc(&m->arena, seal_size(m->seal, value.n));
	if (p == NULL || !seal_value(m->seal, place, value, md5, p, &column))
		return false;
	*out = str_from(p, seal_size(m->seal, value.n));
	*md5 = column;
	return true;
}

/* The change that a row needs; false: it needs none, or there can be none (counted in m->refused). */
static bool
plan_row(struct migrate_seal *m, const PGresult *res, int row, struct migrate_change *change)
{
	struct seal_place place = migrate_cell_place(res, row);
	struct str stored = migrate_cell_bytes(res, row, VALUE), old_md5 = migrate_cell_bytes(res, row, MD5), value,
		   fresh;
	struct md5 *md5 = arena_alloc(&m->arena, sizeof(*md5)), column;
	char *copy = arena_alloc(&m->arena, stored.n + 1);
	enum seal_verdict verdict;

	if (PQgetisnull(res, row, VALUE) || seal_is_proof(&place))
		return false;
	if (md5 == NULL || copy == NULL || !digest_md5(stored, &column)) {
		m->refused++;
		return false;
	}
	/* A row that another program wrote may hold no MD5: then the value's own is taken. */
	if (old_md5.n == sizeof(column.b))
		memcpy(column.b, old_md5.p, sizeof(column.b));
	memcpy(copy, stored.p, stored.n);
	verdict = seal_open(m->seal, &place, &column, copy, stored.n, &value, md5);
	if (verdict != SEAL_OPENED && verdict != SEAL_PLAIN) {
		m->refused++;
	} else if (new_value(m, &place, verdict, value, md5, &fresh)) {
		set_values(change,
		    (const struct str[]){ migrate_cell_bytes(res, row, WORKSPACE), place.ns, place.key, md5_str(md5),
			fresh, old_md5, stored });
		return true;
	} else if (m->task == MIGRATE_SEAL) {
		m->refused++;
	}
	return false;
}

static enum migrate_outcome
change_page(struct migrate_seal *m, struct migrate_db *db, const PGresult *res)
{
	enum migrate_outcome outcome;
	size_t n = 0;

	for (int row = 0; row < PQntuples(res); row++)
		n += plan_row(m, res, row, &m->change[n]);
	if (n == 0)
		return MIGRATE_DONE;
	outcome = migrate_db_change_each(db, db->is_dated ? "cockroachdb/seal_row" : "migrate/seal_row", m->change, n);
	for (size_t i = 0; i < n; i++) {
		m->done += m->change[i].done;
		m->changed += m->change[i].done;
		m->missed += !m->change[i].done;
	}
	return outcome;
}

static enum migrate_outcome
take_page(struct migrate_seal *m, struct migrate_db *db, const PGresult *res)
{
	int n = PQntuples(res);
	enum migrate_outcome outcome = MIGRATE_DONE;
	struct seal_place last;

	if (n == 0)
		return MIGRATE_DONE;
	if (m->task == MIGRATE_COUNT)
		for (int row = 0; row < n; row++)
			count_row(m, res, row);
	else
		outcome = change_page(m, db, res);
	arena_reset(&m->arena);
	if (outcome != MIGRATE_DONE)
		return outcome;
	last = migrate_cell_place(res, n - 1);
	uuid_text(&last.workspace, m->workspace);
	if (!migrate_cell_keep(&m->ns, last.ns) || !migrate_cell_keep(&m->key, last.key))
		return migrate_db_no_memory(db);
	m->seen += n;
	migrate_db_progress(db);
	return MIGRATE_DONE;
}

/* Sleeps so that no more rows a second are read than was asked for, and says on a terminal how far it is. */
static void
pace(struct migrate_seal *m, int rows)
{
	migrate_progress_pause(rows, m->rate);
	if (migrate_progress_is_due(&m->progress))
		log_event(LOG_INFO, m->progress.what, log_number("seen", m->seen), log_number("changed", m->done),
		    log_number("rows_per_s", migrate_progress_rate(&m->progress, m->seen)));
}

/* From the row where it stands to the end of the table. */
static enum migrate_outcome
pass(struct migrate_seal *m, struct migrate_db *db)
{
	char rows[16];
	PGresult *res;
	int n;

	/* With a rate, a page holds the rows of a quarter of a second. */
	(void)snprintf(rows, sizeof(rows), "%u", m->rate > 0 && m->rate / 4 < PAGE_ROWS ? m->rate / 4 + 1 : PAGE_ROWS);
	do {
		enum migrate_outcome outcome = migrate_db_fetch(db, "migrate/seal_page",
		    MIGRATE_ARGS(m->workspace, m->ns, m->key, rows, PAGE_BYTES,
			m->task == MIGRATE_COUNT ? "\\x" : m->head.p, m->task == MIGRATE_UNSEAL ? "true" : "false",
			m->task == MIGRATE_SEAL ? m->config->encryption_namespaces : "all"),
		    &res);

		n = 0;
		if (outcome == MIGRATE_DONE) {
			n = PQntuples(res);
			outcome = take_page(m, db, res);
		}
		PQclear(res);
		if (outcome != MIGRATE_DONE)
			return outcome;
		pace(m, n);
	} while (n > 0);
	return MIGRATE_DONE;
}

/* Workspace and key of a proof's row, as parameters of a statement. */
static void
put_proof_row(const struct seal_place *place, char workspace[UUID_TEXT_SIZE], char id[KEYRING_ID_MAX + 1])
{
	uuid_text(&place->workspace, workspace);
	(void)snprintf(id, KEYRING_ID_MAX + 1, "%.*s", STR_FMT(place->key));
}

static enum migrate_outcome
read_proof(struct seal *seal, struct migrate_db *db, const struct seal_place *place, bool *there, bool *good)
{
	char workspace[UUID_TEXT_SIZE], id[KEYRING_ID_MAX + 1];
	PGresult *res;
	enum migrate_outcome outcome;

	put_proof_row(place, workspace, id);
	outcome = migrate_db_fetch(db, "migrate/seal_proof", MIGRATE_ARGS(workspace, SEAL_PROOF_NS, id), &res);
	*there = outcome == MIGRATE_DONE && PQntuples(res) > 0;
	if (*there) {
		struct md5 column = { { 0 } };

		if (PQgetlength(res, 0, 0) == sizeof(column.b))
			memcpy(column.b, PQgetvalue(res, 0, 0), sizeof(column.b));
		*good = seal_proves(seal, place, &column, PQgetvalue(res, 0, 1), (size_t)PQgetlength(res, 0, 1));
	}
	PQclear(res);
	return outcome;
}

/* Bytes as the text of a bytea, in the arena.  NULL: no memory. */
static const char *
hex_text(struct migrate_seal *m, const void *p, size_t n)
{
	char *text = arena_alloc(&m->arena, 2 * n + 3);

	if (text == NULL)
		return NULL;
	memcpy(text, "\\x", 2);
	digest_hex(p, n, text + 2);
	text[2 * n + 2] = '\0';
	return text;
}

static enum migrate_outcome
write_new_proof(struct migrate_seal *m, struct migrate_db *db, const struct seal_place *place)
{
	char workspace[UUID_TEXT_SIZE], id[KEYRING_ID_MAX + 1];
	struct md5 column;
	size_t n = seal_size(m->seal, 0);
	char *p = arena_alloc(&m->arena, n);
	enum migrate_outcome outcome;

	put_proof_row(place, workspace, id);
	if (p == NULL || !seal_proof(m->seal, place, p, &column))
		return migrate_db_refuse(db, "the proof of the current key cannot be sealed");
	outcome = migrate_db_do(db, "migrate/seal_proof_put",
	    MIGRATE_ARGS(workspace, SEAL_PROOF_NS, id, hex_text(m, column.b, sizeof(column.b)), hex_text(m, p, n)));
	arena_reset(&m->arena);
	return outcome;
}

/* Whether the current key is the one that has sealed under its id until now; see store_sealed.h. */
static enum migrate_outcome
prove_key(struct migrate_seal *m, struct migrate_db *db)
{
	struct seal_place place = seal_proof_place(keyring_id(seal_ring(m->seal), 0));
	bool there, good = false;
	enum migrate_outcome outcome = read_proof(m->seal, db, &place, &there, &good);

	if (outcome == MIGRATE_DONE && !there) {
		outcome = write_new_proof(m, db, &place);
		if (outcome == MIGRATE_DONE)
			outcome = read_proof(m->seal, db, &place, &there, &good);
	}
	if (outcome == MIGRATE_DONE && !good)
		return migrate_db_refuse(db,
		    "the current key is not the one that has sealed under its id (%.*s) until now", STR_FMT(place.key));
	return outcome;
}

enum migrate_outcome
migrate_seal_check_keys(struct migrate_db *db, struct seal *seal)
{
	const struct keyring *ring = seal_ring(seal);

	for (size_t i = 0; i < ring->n; i++) {
		struct seal_place place = seal_proof_place(keyring_id(ring, i));
		bool there, good = false;
		enum migrate_outcome outcome = read_proof(seal, db, &place, &there, &good);

		if (outcome != MIGRATE_DONE)
			return outcome;
		if (there && !good)
			return migrate_db_refuse(db,
			    "the key with the id %.*s in HULY_ENCRYPTION_KEYS_FILE is not the one that has sealed under "
			    "that id in this database",
			    STR_FMT(place.key));
	}
	return MIGRATE_DONE;
}

static enum migrate_outcome
begin_passes(struct migrate_seal *m, struct migrate_db *db)
{
	enum migrate_outcome outcome = MIGRATE_DONE;

	if (m->task == MIGRATE_COUNT)
		return outcome;
	if (m->session != db->sessions && m->session != 0)
		m->interrupted = true;
	m->session = db->sessions;
	if (m->task == MIGRATE_SEAL)
		outcome = prove_key(m, db);
	if (outcome == MIGRATE_DONE && db->server == DBCONN_POSTGRESQL)
		outcome = migrate_db_do(db, "postgresql/commit_later", MIGRATE_NO_ARGS);
	return outcome;
}

enum migrate_outcome
migrate_seal_forget_keys(struct migrate_db *db)
{
	char workspace[UUID_TEXT_SIZE];
	PGresult *res;
	enum migrate_outcome outcome;

	uuid_text(&(struct uuid){ { 0 } }, workspace);
	outcome = migrate_db_change(db, "migrate/seal_forget", MIGRATE_ARGS(workspace, SEAL_PROOF_NS), &res);
	if (outcome == MIGRATE_DONE && res != NULL)
		log_event(
		    LOG_INFO, "proofs of keys were deleted", log_number("rows", strtoll(PQcmdTuples(res), NULL, 10)));
	PQclear(res);
	return outcome;
}

/*
 * Whether the pass that has ended has shown that nothing is left.  A server that crashed, or a standby that took over,
 * may lack what was written before the connection was lost.  Proofs are deleted only after a pass that found nothing
 * sealed: a program that still seals may have done so behind us.
 */
static bool
is_last_pass(const struct migrate_seal *m)
{
	if (m->task == MIGRATE_COUNT)
		return true;
	if (m->interrupted || m->missed > 0)
		return false;
	return m->task == MIGRATE_SEAL || m->changed == 0 || m->refused > 0;
}

/* Waits until all is on disk.  Once no value is sealed any more, the proofs of keys are deleted too. */
static enum migrate_outcome
end_passes(struct migrate_seal *m, struct migrate_db *db)
{
	enum migrate_outcome outcome = MIGRATE_DONE;

	if (m->task == MIGRATE_COUNT)
		return outcome;
	if (db->server == DBCONN_POSTGRESQL)
		outcome = migrate_db_do(db, "postgresql/commit_now", MIGRATE_NO_ARGS);
	if (outcome != MIGRATE_DONE || m->task == MIGRATE_SEAL || m->refused > 0 || !is_last_pass(m))
		return outcome;
	return migrate_seal_forget_keys(db);
}

enum migrate_outcome
migrate_seal_run(struct migrate_seal *m, struct migrate_db *db)
{
	enum migrate_outcome outcome = begin_passes(m, db);

	while (outcome == MIGRATE_DONE) {
		outcome = pass(m, db);
		if (outcome != MIGRATE_DONE || is_last_pass(m) || ++m->passes >= PASSES)
			break;
		if (!begin_at_first_row(m))
			outcome = migrate_db_no_memory(db);
	}
	if (outcome == MIGRATE_DONE)
		outcome = end_passes(m, db);
	if (outcome != MIGRATE_DONE || m->task == MIGRATE_COUNT)
		return outcome;
	log_event(LOG_INFO, m->task == MIGRATE_SEAL ? "values were sealed" : "values were opened",
	    log_number("rows", m->done), log_number("seen", m->seen),
	    log_number("dur_ms", migrate_progress_ms(&m->progress)));
	if (m->refused > 0)
		return migrate_db_refuse(db,
		    "%" PRId64 " values do not open and were left alone: their key is missing, or "
		    "they were changed or moved in the database",
		    m->refused);
	if (m->missed > 0)
		return migrate_db_refuse(db,
		    "%" PRId64 " values were written by clients each time we came to them: run it again", m->missed);
	if (!is_last_pass(m))
		return migrate_db_refuse(db,
		    "in each of %d passes the connection was lost, or another program sealed values: run it again",
		    PASSES);
	return MIGRATE_DONE;
}

void
migrate_seal_report(const struct migrate_seal *m, FILE *out)
{
	const struct keyring *ring = m->seal != NULL ? seal_ring(m->seal) : NULL;

	fprintf(out, "plain: %" PRId64 "\n", m->plain);
	for (size_t i = 0; i < m->ids_n; i++) {
		size_t number;
		bool has = ring != NULL && keyring_find(ring, m->ids[i].id, &number);

		fprintf(out, "key %.*s: %" PRId64 "%s\n", STR_FMT(m->ids[i].id), m->ids[i].rows,
		    !has              ? " (not in the key ring)"
			: number == 0 ? " (current)"
				      : "");
	}
	if (m->others > 0)
		fprintf(out, "other keys: %" PRId64 "\n", m->others);
}
