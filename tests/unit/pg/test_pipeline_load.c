/* SPDX-License-Identifier: EPL-2.0 */
/* Over how many connections the operations go, and in which parts. */
#include "lib/pool_world.h"

static char large[PIPELINE_LARGE_VALUE];

/* Large values go over other connections than small ones, in equal parts. */
static void
test_large_writes(void)
{
	struct pg_world_ticket t[4], small;
	struct str value = str_from(large, sizeof(large));
	PGconn *first, *second, *third;

	pool_world_open(STATEMENT_ROLE_WRITE, 3);
	first = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit_value(&t[0], "0", value);
	pool_world_flush();
	tap_text(fake_libpq_sent(first), STR("put:0 sync"), "over the first, while there is no other");
	tap_int(fake_connect_thread_orders(), 1, "which is ordered");
	second = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit_value(&t[1], "1", value);
	pool_world_submit_value(&t[2], "2", value);
	pool_world_flush();
	tap_int(fake_connect_thread_orders(), 1, "one more is ordered, one by one");
	tap_text(fake_libpq_sent(second), STR("put:1 put:2 sync"), "then over the other");
	third = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	fake_libpq_answer_changed(first, "1");
	fake_libpq_answer_sync(first);
	pool_world_ready(0);
	pool_world_submit_value(&t[3], "3", value);
	pool_world_submit_value(&small, "s", STR("v"));
	pool_world_flush();
	tap_text(fake_libpq_sent(third), STR("put:3 sync"), "over the third");
	tap_text(fake_libpq_sent(first), STR("put:s sync"), "while a small one goes over the first");
	fake_libpq_answer_changed(first, "1");
	fake_libpq_answer_sync(first);
	pool_world_ready(0);
	tap_int(small.done, 1, "and has not waited");
	for (int i = 0; i < 2; i++)
		fake_libpq_answer_changed(second, "1");
	fake_libpq_answer_sync(second);
	fake_libpq_answer_changed(third, "1");
	fake_libpq_answer_sync(third);
	pool_world_ready(1);
	pool_world_ready(2);
	tap_ok(t[1].done == 1 && t[2].done == 1 && t[3].done == 1, "all are answered");
	pool->pipeline[2].used_at -= PIPELINE_UNUSED;
	pg_world_fire(&pool->pipeline[2].timer);
	tap_int(pool->pipeline[2].state, PIPELINE_CLOSED, "a connection that is unused is closed");
	pg_world_fire(&pool->pipeline[0].timer);
	tap_int(pool->pipeline[0].state, PIPELINE_IDLE, "but not the first");
	pool_world_close("large writes");
}

/* While large values are read, several connections read them. */
static void
test_large_reads(void)
{
	struct pg_world_ticket t[5];
	const struct str row[] = { { "0123456789abcdef", 16 }, { large, sizeof(large) } };
	PGconn *first, *second;

	pool_world_open(STATEMENT_ROLE_READ, 2);
	first = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit(&t[0], STORE_GET, "0");
	pool_world_flush();
	tap_int(fake_connect_thread_orders(), 0, "one connection is enough for values of any size, as far as is known");
	fake_libpq_answer_row(first, 2, row);
	fake_libpq_answer_sync(first);
	pool_world_ready(0);
	for (int i = 1; i < 5; i++)
		pool_world_submit(&t[i], STORE_HEAD, "h");
	pool_world_flush();
	tap_int(fake_connect_thread_orders(), 1, "they are large: another one is ordered");
	second = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	for (int i = 0; i < 4; i++)
		fake_libpq_answer_row(first, 2, pool_world_found);
	fake_libpq_answer_sync(first);
	pool_world_ready(0);
	(void)fake_libpq_sent(first);
	for (int i = 1; i < 5; i++)
		pool_world_submit(&t[i], STORE_HEAD, "h");
	pool_world_flush();
	tap_text(fake_libpq_sent(first), STR("head:h head:h sync"), "half of the reads");
	tap_text(fake_libpq_sent(second), STR("head:h head:h sync"), "and the other half");
	for (int i = 0; i < 2; i++) {
		fake_libpq_answer_row(first, 2, pool_world_found);
		fake_libpq_answer_row(second, 2, pool_world_found);
	}
	fake_libpq_answer_sync(first);
	fake_libpq_answer_sync(second);
	pool_world_ready(0);
	pool_world_ready(1);
	tap_ok(pipeline_pool_is_idle(pool), "all are answered");
	pool->shared.largest_until = 1;
	pg_world_fire(&pool->forget);
	tap_int((int64_t)pool->shared.largest, 0, "then that is forgotten");
	pool_world_close("large reads");
}

/* As if the last batches had taken long. */
static void
flush_slow(unsigned most)
{
	pool->shared.pace = (struct pace){ .before = 5 * CLOCK_MS };
	pipeline_pool_flush(pool, most);
}

/* Batches that take long, whatever is in them: several connections hide that. */
static void
test_slow_database(void)
{
	struct pg_world_ticket t[8];
	PGconn *first;

	pool_world_open(STATEMENT_ROLE_WRITE, 3);
	first = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit(&t[0], STORE_PUT, "0");
	pool_world_flush();
	pool_world_submit(&t[1], STORE_PUT, "1");
	pool->pipeline[0].used_at += 10 * CLOCK_S; /* so that the batch is surely not held up yet */
	pool_world_flush();
	pool->pipeline[0].used_at -= 10 * CLOCK_S;
	tap_int(fake_connect_thread_orders(), 0, "on a quick database one connection is enough");
	(void)fake_libpq_sent(first);
	pool_world_answer_batch(0);
	pool_world_flush();
	pool_world_answer_batch(0);
	for (int i = 0; i < 6; i++)
		pool_world_submit(&t[i], STORE_PUT, "012345" + i);
	flush_slow(3);
	tap_int(fake_connect_thread_orders(), 1, "on a slow one another is ordered");
	pool_world_answer_batch(0);
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	for (int i = 0; i < 6; i++)
		pool_world_submit(&t[i], STORE_PUT, "012345" + i);
	flush_slow(3);
	tap_int((int64_t)pool->pipeline[0].batch.size, 3, "and has half of the operations");
	tap_int((int64_t)pool->pipeline[1].batch.size, 3, "as the first one");
	tap_int(fake_connect_thread_orders(), 1, "one more is ordered");
	pool_world_answer_batch(0);
	pool_world_answer_batch(1);
	fake_connect_thread_refuse("too many");
	tap_ok(!pool->down, "which cannot be made: that does no harm");
	pool_world_submit(&t[0], STORE_PUT, "0");
	flush_slow(2);
	tap_int(fake_connect_thread_orders(), 0, "none is ordered for a single operation");
	pool_world_answer_batch(0);
	pipeline_pool_give_up_one(pool);
	tap_int(pool->pipeline[1].state, PIPELINE_IDLE, "one that was just used is not given up");
	pool->pipeline[1].used_at -= PIPELINE_SPARE;
	pipeline_pool_give_up_one(pool);
	tap_int(pool->pipeline[1].state, PIPELINE_CLOSED, "but one that was not");
	pipeline_pool_give_up_one(pool);
	tap_int(pool->pipeline[0].state, PIPELINE_IDLE, "and never the first");
	for (int i = 0; i < 6; i++)
		pool_world_submit(&t[i], STORE_PUT, "012345" + i);
	flush_slow(1);
	tap_int(fake_connect_thread_orders(), 0, "no more than are allowed");
	tap_ok(pipeline_pool_wants_another(pool), "though it would be used");
	pool_world_answer_batch(0);
	pool_world_close("slow database");
}

static void
submit_many(struct pg_world_ticket *t)
{
	for (int i = 0; i < 6; i++)
		pool_world_submit(&t[i], STORE_PUT, "012345" + i);
	flush_slow(3);
}

/* Connections are made one at a time, also where one that is being made has its place behind one that is closed. */
static void
test_one_at_a_time(void)
{
	struct pg_world_ticket t[6];

	pool_world_open(STATEMENT_ROLE_WRITE, 3);
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit_many(t);
	pool_world_answer_batch(0);
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit_many(t);
	pool_world_answer_batch(0);
	pool_world_answer_batch(1);
	tap_int(pool->pipeline[2].state, PIPELINE_CONNECTING, "the third connection is being made");
	fake_libpq_break(pool->pipeline[1].conn);
	pool_world_ready(1);
	submit_many(t);
	pool_world_answer_batch(0);
	tap_int(pool->pipeline[1].state, PIPELINE_CLOSED, "the second, which is lost meanwhile, has to wait");
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit_many(t);
	pool_world_answer_batch(0);
	pool_world_answer_batch(2);
	tap_int(pool->pipeline[1].state, PIPELINE_CONNECTING, "until the third is there");
	pool_world_close("one at a time");
}

/* A batch that is held up holds no others up. */
static void
test_held_up(void)
{
	struct pg_world_ticket a, b;
	PGconn *second;

	pool_world_open(STATEMENT_ROLE_WRITE, 2);
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit(&a, STORE_PUT, "a");
	pool_world_flush();
	pool->pipeline[0].used_at += 10 * CLOCK_S; /* so that the batch is surely not held up yet */
	pool_world_submit(&b, STORE_PUT, "b");
	pool_world_flush();
	tap_int(fake_connect_thread_orders(), 0, "not at once");
	tap_int(pool->timer.due, pool->pipeline[0].used_at + 11 * CLOCK_MS, "but the timer knows when");
	pool->pipeline[0].used_at -= 11 * CLOCK_S;
	pool_world_flush();
	tap_int(fake_connect_thread_orders(), 1, "another connection is ordered");
	second = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_flush();
	tap_text(fake_libpq_sent(second), STR("put_if_present:b sync"), "for what waits behind it");
	pool_world_answer_batch(1);
	tap_ok(b.done == 1 && a.done == 0, "which ends first");
	pool_world_answer_batch(0);
	pool_world_close("held up");
}

/* The batch on connection i fails, since a row was locked for too long. */
static void
fail_locked(unsigned i)
{
	fake_libpq_answer_error(pool->pipeline[i].conn, "55P03", "ERROR");
	fake_libpq_answer_sync(pool->pipeline[i].conn);
	pool_world_ready(i);
}

/* A locked row costs those that write it one connection, and the others at most one attempt. */
static void
test_locked_row(void)
{
	struct pg_world_ticket a, locked[3], z;
	PGconn *first, *second;

	pool_world_open(STATEMENT_ROLE_WRITE, 3);
	first = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit_value(&a, "a", STR("v"));
	pool_world_submit_value(&locked[0], "l", STR("v"));
	pool_world_submit_value(&locked[1], "l", STR("v"));
	pool_world_submit_value(&z, "z", STR("v"));
	pool_world_flush();
	tap_text(fake_libpq_sent(first), STR("put_many put_many sync"), "a locked row: at first all are together");
	pool->pipeline[0].used_at -= CLOCK_S;
	pool_world_flush();
	second = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	fail_locked(0);
	pool_world_flush();
	tap_text(fake_libpq_sent(first), STR("put:a sync"), "then each is alone");
	pool_world_answer_batch(0);
	pool_world_flush();
	tap_text(fake_libpq_sent(first), STR("put:l sync"), "also who writes that row");
	pool->pipeline[0].used_at -= CLOCK_S;
	pool_world_flush();
	tap_text(fake_libpq_sent(second), STR("put:z sync"), "the next one does not wait behind it");
	pool_world_answer_batch(1);
	tap_ok(a.done == 1 && z.done == 1 && locked[0].done == 0, "and ends first");
	pool_world_flush();
	tap_text(fake_libpq_sent(second), STR(""), "another write of that row waits, and takes no connection");
	pool_world_submit_value(&locked[2], "l", STR("v"));
	pool_world_submit_value(&a, "a", STR("v"));
	pool_world_flush();
	tap_text(fake_libpq_sent(second), STR("put:a sync"), "a new one holds up no batch");
	pool_world_answer_batch(1);
	for (int i = 0; i < 3; i++) {
		pool_world_answer_batch(0);
		pool_world_flush();
	}
	tap_ok(locked[0].done + locked[1].done + locked[2].done == 3, "when the lock is gone, all are done");
	pool_world_close("locked row");
}

/* However many rows are locked, one connection is left to the others. */
static void
test_locked_rows(void)
{
	struct pg_world_ticket locked[4], other;

	pool_world_open(STATEMENT_ROLE_WRITE, 3);
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	for (int i = 0; i < 4; i++)
		pool_world_submit_value(&locked[i], "0123" + i, STR("v"));
	pool_world_flush();
	fail_locked(0);
	pool_world_flush();
	for (int i = 0; i < 2; i++) {
		pool->pipeline[i].used_at -= CLOCK_S;
		pool_world_flush();
		(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
		pool_world_flush();
	}
	tap_int((int64_t)pipeline_pool_in_flight(pool), 2, "two of four locked rows are waited for");
	tap_int(pool->pipeline[2].state, PIPELINE_IDLE, "and one connection is left");
	pool_world_submit_value(&other, "o", STR("v"));
	pool->pipeline[1].used_at -= CLOCK_S;
	pool_world_flush();
	pool_world_answer_batch(2);
	tap_int(other.done, 1, "for another row");
	for (int i = 0; i < 4; i++) {
		pool_world_answer_batch(0);
		pool_world_answer_batch(1);
		pool_world_flush();
	}
	tap_ok(locked[0].done + locked[1].done + locked[2].done + locked[3].done == 4, "in the end all are done");
	pool_world_close("locked rows");
}

/* With one connection only, an operation on a locked row takes turns with all others. */
static void
test_one_connection(void)
{
	struct pg_world_ticket locked, other[2];

	pool_world_open(STATEMENT_ROLE_WRITE, 1);
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit_value(&locked, "a", STR("v"));
	pool_world_submit_value(&other[0], "b", STR("v"));
	pool_world_flush();
	fail_locked(0);
	pool_world_flush();
	pool_world_submit_value(&other[1], "c", STR("v"));
	fail_locked(0);
	pool_world_flush();
	pool_world_answer_batch(0);
	tap_int(other[1].done, 1, "one connection, a locked row: a new operation has its turn");
	pool_world_flush();
	pool_world_answer_batch(0);
	tap_int(other[0].done, 1, "and so has one that was in its batch");
	pool_world_flush();
	pool_world_answer_batch(0);
	tap_int(locked.done, 1, "and then it itself again");
	pool_world_close("one connection");
}

int
main(void)
{
	log_set_threshold(LOG_ERROR);
	pg_world_open(&world);
	test_large_writes();
	test_large_reads();
	test_slow_database();
	test_one_at_a_time();
	test_held_up();
	test_locked_row();
	test_locked_rows();
	test_one_connection();
	pg_world_close(&world);
	return tap_end();
}
