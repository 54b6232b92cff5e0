/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_reader: reads an export from a descriptor, line by line, and checks
 * that it is whole.  Used by import.
 *
 * Looked at are: the header; each line; whether each value has the MD5 of its
 * line (a sealed value, whose column md5 is no MD5, is counted instead); the
 * number of rows; and the SHA-256 in the closing line, which must be the last.
 */
#ifndef HULYKVS_MIGRATE_READER_H
#define HULYKVS_MIGRATE_READER_H

#include "base/line_reader.h"
#include "migrate/line.h"

enum migrate_reader_result {
	MIGRATE_READER_ROW,    /* line.row: valid until the next call */
	MIGRATE_READER_END,    /* it was whole */
	MIGRATE_READER_WRONG,  /* the file is wrong, see why; do not call again */
	MIGRATE_READER_FAILED, /* it cannot be read, or there is no memory; the same */
};

struct migrate_reader {
	struct line_reader in;
	struct sha256_sum sum;
	int64_t number;       /* of the line, from 1 on */
	int64_t rows, sealed; /* until now */
	bool row_sealed;      /* the row of this line */
	struct migrate_header header;
	struct migrate_line line;
	struct buf why; /* one sentence that names the line, without a byte of it */
};

/* Borrows the descriptor and reads from where it stands. */
void migrate_reader_init(struct migrate_reader *r, int fd);

/* Reads on.  The first call reads the header, too. */
enum migrate_reader_result migrate_reader_next(struct migrate_reader *r) __attribute__((warn_unused_result));

/* Sets `why` and returns MIGRATE_READER_WRONG, for a row that is wrong for another reason. */
enum migrate_reader_result migrate_reader_refuse(struct migrate_reader *r, const char *what);

/* The same, for a fault that is not the file's; returns MIGRATE_READER_FAILED. */
enum migrate_reader_result migrate_reader_fail(struct migrate_reader *r, const char *what);

void migrate_reader_free(struct migrate_reader *r);

#endif
