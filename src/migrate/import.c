/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/import.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "migrate/progress.h"
#include "migrate/reader.h"
#include "migrate/scan.h"
#include "migrate/seal.h"
#include "pg/array.h"

/* A batch ends with the first row that reaches one of them. */
#define BATCH_ROWS  2000
#define BATCH_BYTES ((size_t)2 * 1024 * 1024)

/* A column of a batch is an array. */
enum column { WORKSPACE, NAMESPACE, KEY, MD5, VALUE, MODIFIED, COLUMNS };

/* Rows to be written, or rows to be deleted; these have no value and no time. */
struct batch {
	struct buf column[COLUMNS];
	size_t rows;
	int64_t first_line;
};

enum state {
	IMPORT_UNCHECKED, /* nothing was read, or the file is being checked */
	IMPORT_READING,
	IMPORT_FLUSHING, /* a batch has to be written before more is read */
	IMPORT_LAST,     /* the same, and nothing more is to be read */
	IMPORT_DONE,
};

struct migrate_import {
	int fd;
	enum migrate_existing existing;
	enum state state;
	struct seal *seal; /* NULL: no keys */
	struct buf value;  /* one that is opened */
	struct migrate_reader reader;
	struct batch put, deleted;
	int64_t taken, written, removed; /* rows: of batches that are done; put; deleted */
	unsigned first_session;          /* in which rows were written, see migrate_db; 0: none yet */
	bool interrupted;                /* rows were written in several sessions */
	struct migrate_progress progress;
};

static void
set_import_state(struct migrate_import *m, enum state state)
{
	assert(state == m->state || state == m->state + 1 || (m->state == IMPORT_FLUSHING && state == IMPORT_READING) ||
	    (m->state == IMPORT_READING && state == IMPORT_LAST));
	m->state = state;
}

static void
init_batch(struct batch *b)
{
	for (int column = 0; column < COLUMNS; column++)
		buf_init(&b->column[column], 2 * MIGRATE_LINE_MAX);
}

static void
free_batch(struct batch *b)
{
	for (int column = 0; column < COLUMNS; column++)
		buf_free(&b->column[column]);
}

struct migrate_import *
migrate_import_new(int fd, enum migrate_existing existing, const struct keyring *keys)
{
	struct migrate_import *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->fd = fd;
	m->existing = existing;
	buf_init(&m->value, MIGRATE_LINE_MAX);
	init_batch(&m->put);
	init_batch(&m->deleted);
	migrate_reader_init(&m->reader, fd);
	migrate_progress_begin(&m->progress, "importing");
	if (keys != NULL && (m->seal = seal_new(keys)) == NULL) {
		migrate_import_free(m);
		return NULL;
	}
	return m;
}

void
migrate_import_free(struct migrate_import *m)
{
	if (m == NULL)
		return;
	seal_free(m->seal);
	buf_free(&m->value);
	free_batch(&m->put);
	free_batch(&m->deleted);
	migrate_reader_free(&m->reader);
	free(m);
}

static void
begin_batch(struct batch *b, int64_t line)
{
	static const enum array_element element[COLUMNS] = { ARRAY_UUID, ARRAY_TEXT, ARRAY_TEXT, ARRAY_BYTEA,
		ARRAY_BYTEA, ARRAY_TIMESTAMPTZ };

	b->first_line = line;
	for (int column = 0; column < COLUMNS; column++) {
		buf_clear(&b->column[column]);
		array_begin(&b->column[column], element[column], 1);
	}
}

static void
add_to_batch(struct batch *b, const struct migrate_row *row, int64_t line)
{
	uint64_t time = htobe64((uint64_t)row->modified);

	if (b->rows++ == 0)
		begin_batch(b, line);
	array_put(&b->column[WORKSPACE], row->place.workspace.b, sizeof(row->place.workspace.b));
	array_put(&b->column[NAMESPACE], row->place.ns.p, row->place.ns.n);
	array_put(&b->column[KEY], row->place.key.p, row->place.key.n);
	array_put(&b->column[MD5], row->md5.b, sizeof(row->md5.b));
	array_put(&b->column[VALUE], row->value.p, row->value.n);
	if (row->modified != MIGRATE_NO_TIME)
		array_put(&b->column[MODIFIED], &time, sizeof(time));
	else
		array_put_null(&b->column[MODIFIED]);
}

static bool
ends_batch(const struct batch *b)
{
	return b->rows >= BATCH_ROWS || b->column[NAMESPACE].n + b->column[KEY].n + b->column[VALUE].n >= BATCH_BYTES;
}

/* The columns as values of a statement; false: no memory. */
static bool
values_of(struct batch *b, struct str values[COLUMNS])
{
	bool ok = true;

	for (int column = 0; column < COLUMNS; column++) {
		array_set_count(&b->column[column], b->rows);
		values[column] = buf_str(&b->column[column]);
		ok = ok && buf_ok(&b->column[column]);
	}
	return ok;
}

/* Refuses if a row of the batch is there with another value. */
static enum migrate_outcome
look_for_conflict(struct migrate_import *m, struct migrate_db *db, const struct str *values)
{
	int64_t place;
	enum migrate_outcome outcome = migrate_db_write(db, "migrate/import_conflict", values, VALUE + 1, &place);

	if (outcome != MIGRATE_DONE || place == 0)
		return outcome;
	return migrate_db_refuse(db,
	    "a key of the file is there with another value (about line %" PRId64
	    "): --existing skip or replace says what shall be done; rows of this run that are in: %" PRId64,
	    m->put.first_line + place - 1, m->written);
}

static enum migrate_outcome
write_puts(struct migrate_import *m, struct migrate_db *db)
{
	static const char *const files[] = {
		[MIGRATE_EXISTING_FAIL] = "migrate/import_new",
		[MIGRATE_EXISTING_SKIP] = "migrate/import_new",
		[MIGRATE_EXISTING_REPLACE] = "migrate/import_replace",
	};
	struct str values[COLUMNS];
	enum migrate_outcome outcome;
	int64_t rows;

	if (m->put.rows == 0)
		return MIGRATE_DONE;
	if (!values_of(&m->put, values))
		return migrate_db_no_memory(db);
	outcome = migrate_db_write(db, files[m->existing], values, COLUMNS, &rows);
	if (outcome != MIGRATE_DONE)
		return outcome;
	m->written += rows;
	if (m->existing == MIGRATE_EXISTING_FAIL && rows < (int64_t)m->put.rows)
		outcome = look_for_conflict(m, db, values);
	if (outcome != MIGRATE_DONE)
		return outcome;
	m->taken += (int64_t)m->put.rows;
	m->put.rows = 0;
	return MIGRATE_DONE;
}

/* Only rows that are still as the difference found them. */
static enum migrate_outcome
write_deletions(struct migrate_import *m, struct migrate_db *db)
{
	struct str values[COLUMNS];
	enum migrate_outcome outcome;
	int64_t rows;

	if (m->deleted.rows == 0)
		return MIGRATE_DONE;
	if (!values_of(&m->deleted, values))
		return migrate_db_no_memory(db);
	outcome = migrate_db_write(db, "migrate/import_delete", values, MD5 + 1, &rows);
	if (outcome != MIGRATE_DONE)
		return outcome;
	m->removed += rows;
	m->taken += (int64_t)m->deleted.rows;
	m->deleted.rows = 0;
	return MIGRATE_DONE;
}

/* Writes what was read, and goes on with the state that this asks for. */
static enum migrate_outcome
flush_batches(struct migrate_import *m, struct migrate_db *db)
{
	enum migrate_outcome outcome;

	if (m->first_session == 0)
		m->first_session = db->sessions;
	m->interrupted = m->first_session != db->sessions;
	outcome = write_puts(m, db);
	if (outcome == MIGRATE_DONE)
		outcome = write_deletions(m, db);
	if (outcome != MIGRATE_DONE)
		return outcome;
	migrate_db_progress(db);
	migrate_progress_show(&m->progress, m->reader.rows, m->reader.header.rows);
	set_import_state(m, m->state == IMPORT_LAST ? IMPORT_DONE : IMPORT_READING);
	return MIGRATE_DONE;
}

/* The proof of a key that is in use no longer: it stays in the database after a rotation, and nobody needs to open it. */
static bool
is_old_proof(const struct migrate_row *row, enum seal_verdict verdict)
{
	return verdict == SEAL_NO_KEY && seal_is_proof(&row->place);
}

/* With keys, a sealed row has to open. */
static enum migrate_reader_result
check_sealed(struct migrate_import *m)
{
	const struct migrate_row *row = &m->reader.line.row;
	enum seal_verdict verdict;
	struct str value;
	struct md5 md5;

	if (m->seal == NULL || !m->reader.row_sealed)
		return MIGRATE_READER_ROW;
	buf_clear(&m->value);
	buf_puts(&m->value, row->value);
	if (!buf_ok(&m->value))
		return migrate_reader_fail(&m->reader, "out of memory");
	verdict = seal_open(m->seal, &row->place, &row->md5, m->value.p, m->value.n, &value, &md5);
	if (verdict != SEAL_OPENED && !is_old_proof(row, verdict))
		return migrate_reader_refuse(&m->reader,
		    "the sealed value does not open: its key is not in HULY_ENCRYPTION_KEYS_FILE, or it is damaged");
	return MIGRATE_READER_ROW;
}

static enum migrate_reader_result
next_checked(struct migrate_import *m)
{
	enum migrate_reader_result result = migrate_reader_next(&m->reader);

	if (result == MIGRATE_READER_WRONG || result == MIGRATE_READER_FAILED || m->reader.header.difference == false ||
	    m->existing == MIGRATE_EXISTING_REPLACE)
		return result == MIGRATE_READER_ROW ? check_sealed(m) : result;
	return migrate_reader_refuse(&m->reader, "the file is a difference: it needs --existing replace");
}

/* Rows that were there already, or whose deletion found no such row. */
static int64_t
passed_over(const struct migrate_import *m)
{
	return m->taken - m->written - m->removed;
}

static enum migrate_outcome
refuse_file(struct migrate_import *m, struct migrate_db *db, enum migrate_reader_result result)
{
	struct str why = buf_str(&m->reader.why);

	(void)migrate_db_refuse(db,
	    "%.*s; rows of this run that are in: %" PRId64 " (%" PRId64 " were there, %" PRId64 " were deleted)",
	    STR_FMT(why), m->written, passed_over(m), m->removed);
	return migrate_db_refuse_as(db, result == MIGRATE_READER_WRONG ? EXIT_DATA : EXIT_INTERNAL);
}

/* Reads a regular file to its end, and goes back to where it began. */
static enum migrate_outcome
check_file(struct migrate_import *m, struct migrate_db *db)
{
	off_t start = lseek(m->fd, 0, SEEK_CUR);
	enum migrate_reader_result result;
	struct stat st;

	if (fstat(m->fd, &st) != 0 || !S_ISREG(st.st_mode) || start < 0)
		return MIGRATE_DONE;
	do
		result = next_checked(m);
	while (result == MIGRATE_READER_ROW);
	if (result != MIGRATE_READER_END)
		return refuse_file(m, db, result);
	migrate_reader_free(&m->reader);
	migrate_reader_init(&m->reader, m->fd);
	if (lseek(m->fd, start, SEEK_SET) < 0) {
		(void)migrate_db_refuse(db, "the file cannot be read again");
		return migrate_db_refuse_as(db, EXIT_INTERNAL);
	}
	return MIGRATE_DONE;
}

/* Reads until a batch is full, or nothing more comes.  The input's time does not count against --wait. */
static enum migrate_outcome
read_rows(struct migrate_import *m, struct migrate_db *db)
{
	enum migrate_reader_result result;

	while ((result = next_checked(m)) == MIGRATE_READER_ROW) {
		const struct migrate_row *row = &m->reader.line.row;
		struct batch *batch = row->deleted ? &m->deleted : &m->put;

		add_to_batch(batch, row, m->reader.number);
		if (!ends_batch(batch))
			continue;
		migrate_db_progress(db);
		set_import_state(m, IMPORT_FLUSHING);
		return MIGRATE_DONE;
	}
	if (result != MIGRATE_READER_END)
		return refuse_file(m, db, result);
	migrate_db_progress(db);
	set_import_state(m, IMPORT_LAST);
	return MIGRATE_DONE;
}

static enum migrate_outcome
begin_import(struct migrate_import *m, struct migrate_db *db)
{
	enum migrate_outcome outcome = migrate_scan_check_schema(db);

	if (outcome == MIGRATE_DONE)
		outcome = check_file(m, db);
	if (outcome == MIGRATE_DONE && m->seal != NULL)
		outcome = migrate_seal_check_keys(db, m->seal);
	if (outcome != MIGRATE_DONE)
		return outcome;
	migrate_db_progress(db);
	set_import_state(m, IMPORT_READING);
	return MIGRATE_DONE;
}

static void
log_import(const struct migrate_import *m)
{
	log_event(LOG_INFO, "rows were imported", log_number("rows", m->written),
	    log_number("were_there", passed_over(m)), log_number("deleted", m->removed),
	    log_number("dur_ms", migrate_progress_ms(&m->progress)));
	if (m->interrupted)
		log_event(LOG_WARN,
		    "the connection was lost meanwhile: if an asynchronous standby took over, it may lack rows that were "
		    "written before; then start the import again");
	if (m->reader.sealed > 0 && m->seal == NULL)
		log_event(LOG_WARN,
		    "sealed values were taken as they are: with HULY_ENCRYPTION_KEYS_FILE it would be known that they open",
		    log_number("rows", m->reader.sealed));
}

enum migrate_outcome
migrate_import_run(struct migrate_import *m, struct migrate_db *db)
{
	enum migrate_outcome outcome = MIGRATE_DONE;

	while (outcome == MIGRATE_DONE && m->state != IMPORT_DONE) {
		switch (m->state) {
		case IMPORT_UNCHECKED:
			outcome = begin_import(m, db);
			break;
		case IMPORT_READING:
			outcome = read_rows(m, db);
			break;
		case IMPORT_FLUSHING:
		case IMPORT_LAST:
			outcome = flush_batches(m, db);
			break;
		case IMPORT_DONE:
			break;
		}
	}
	if (outcome == MIGRATE_DONE)
		log_import(m);
	return outcome;
}
