/* SPDX-License-Identifier: EPL-2.0 */
/*
 * store_mem: a store in memory behind the port of store.h, for tests.
 *
 * Rows stand in one array in byte order of (workspace, namespace, key);
 * conditions are decided as store.h says.  An operation ends before submit()
 * returns, or, where the store is slow, when store_mem_step() says so: oldest
 * first.  Values lent to done() live no longer than that call, and a ticket
 * that is cancelled or submitted out of turn ends the program: the
 * sanitizers and asserts then show who breaks the port's rules.  One thread.
 */
#ifndef HULYKVS_STORE_MEM_H
#define HULYKVS_STORE_MEM_H

#include "store/store.h"

struct store_mem_row;
struct store_mem_list;

struct store_mem {
	struct store store; /* first */
	struct store_mem_row *rows;
	size_t count, room;
	int64_t time;                   /* that rows which are written get, see store_result.modified */
	bool slow;                      /* operations wait for store_mem_step() */
	enum store_outcome outcome;     /* STORE_DONE; else how every operation ends, with nothing changed */
	struct str reason;              /* then, borrowed */
	bool reached;                   /* then */
	struct str no_writes, no_lists; /* of a CHECK, borrowed */
	size_t list_breaks;             /* a list is UNAVAILABLE after so many keys; 0: none is */
	size_t fails_after;             /* after so many keys of all lists the outcome is UNAVAILABLE; 0: never */
	size_t list_portion;            /* a list waits for store_mem_step() after so many keys; 0: it does not */
	bool keeps_memory;              /* a value is lent for the time of done() only, as one of a batch is */
	struct store_ticket *waiting;
	struct store_mem_list *lists; /* that have begun */
	unsigned submitted, cancelled;
	unsigned lent; /* values that their receiver has not released yet */
};

void store_mem_init(struct store_mem *s);

/* Nothing may be under way. */
void store_mem_free(struct store_mem *s);

/* Copies all; a row of that name is replaced. */
void store_mem_put(struct store_mem *s, const struct uuid *workspace, struct str ns, struct str key, struct str value);

/* Borrowed until the row changes; absent where there is none. */
struct str store_mem_get(const struct store_mem *s, const struct uuid *workspace, struct str ns, struct str key);

/* Runs the operation that waited longest, else goes on with a list; false: nothing waits. */
bool store_mem_step(struct store_mem *s);

#endif
