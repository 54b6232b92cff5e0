/* SPDX-License-Identifier: EPL-2.0 */
#include "store/seal.h"

#include <stdlib.h>

#include "lib/keys.h"
#include "lib/tap.h"

static const struct seal_place place = { { { 1, 2, 3 } }, TEXT("sessions"), TEXT("ses_+49") };

/* A value in its stored form, with the column md5. */
struct row {
	struct seal_place place;
	struct md5 column;
	size_t n;
	char stored[512];
};

static struct row
sealed_at(struct seal *s, const struct seal_place *at, struct str value)
{
	struct row row = { .place = *at, .n = seal_size(s, value.n) };
	struct md5 md5;

	if (!digest_md5(value, &md5) || !seal_value(s, at, value, &md5, row.stored, &row.column))
		tap_bail("seal_value");
	return row;
}

static struct row
plain_at(const struct seal_place *at, struct str value)
{
	struct row row = { .place = *at, .n = value.n };

	memcpy(row.stored, value.p, value.n);
	if (!digest_md5(value, &row.column))
		tap_bail("digest_md5");
	return row;
}

/* Opens a copy; *value is what it opened to, kept until the next call. */
static enum seal_verdict
look(struct seal *s, const struct row *row, struct str *value)
{
	static struct row copy;
	enum seal_verdict verdict;
	struct md5 md5, want;

	copy = *row;
	verdict = seal_open(s, &copy.place, &copy.column, copy.stored, copy.n, value, &md5);
	if (verdict == SEAL_OPENED || verdict == SEAL_PLAIN) {
		if (!digest_md5(*value, &want) || memcmp(want.b, md5.b, sizeof(md5.b)) != 0)
			tap_bail("the MD5 is not the value's");
	} else if (memcmp(copy.stored, row->stored, row->n) != 0) {
		tap_bail("what did not open was changed");
	}
	return verdict;
}

static void
test_round_trip(struct seal *s)
{
	static const struct str values[] = { TEXT(""), TEXT("x"), TEXT("\0\xff\0"), TEXT("\x89HKVSEAL"),
		TEXT("a value that is longer than a block of the cipher") };
	struct row one, two;
	struct str value;

	for (size_t i = 0; i < COUNT(values); i++) {
		struct row row = sealed_at(s, &place, values[i]);

		tap_int(look(s, &row, &value), SEAL_OPENED, "%s opens", tap_show(values[i]));
		tap_text(str_from(value.p, value.n), values[i], "to what it was");
		row = plain_at(&place, values[i]);
		tap_int(look(s, &row, &value), SEAL_PLAIN, "%s is known for plain", tap_show(values[i]));
		tap_text(value, values[i], "and stays what it was");
	}
	one = sealed_at(s, &place, values[4]);
	two = sealed_at(s, &place, values[4]);
	tap_ok(memcmp(one.stored, two.stored, one.n) != 0, "sealed twice it is not the same");
	tap_ok(memcmp(&one.column, &two.column, sizeof(one.column)) == 0, "but the column is");
	tap_ok(memmem(one.stored, one.n, values[4].p, 8) == NULL, "the value does not show");
}

/* The form of the header, to the letter: other programs will have to read it. */
static void
test_form(struct seal *s)
{
	struct row row = sealed_at(s, &place, STR("x"));
	struct str id;

	tap_text(str_from(row.stored, 11), str_from("\x89HKVSEAL\1\1a", 11), "the header");
	tap_int(row.n, 11 + 24 + 16 + 1 + 16, "the length");
	tap_ok(seal_key_id(str_from(row.stored, SEAL_HEADER_SIZE), &id) && str_eq(id, STR("a")), "the key's id");
	tap_ok(!seal_key_id(STR("\x89HKVSEAL\2\1a"), &id), "another algorithm");
	tap_ok(!seal_key_id(STR("\x89HKVSEAL\1\2a"), &id), "a header that is cut");
	tap_ok(!seal_key_id(STR("\x89HKVSEAL\1\1/"), &id), "an id that is none");
	tap_ok(!seal_key_id(STR("\x89HKVSEAL\1"), &id) && !seal_key_id(STR("x"), &id) && !seal_key_id(STR(""), &id),
	    "no header");
}

/* A row that another program made, in another language: the form never changes. */
static void
test_known(struct seal *s)
{
	static const char *stored = "89484b565345414c010161000102030405060708090a0b0c0d0e0f1011121314151617"
				    "ce2fb03fd172ac0f578a990e8d0d34ba327144d0a91ec29319cbd8ab689be084b7";
	static const char *column = "84c96206825601fc98c3f5997074174a";
	struct row row = { .place = place, .n = strlen(stored) / 2 }, ours = sealed_at(s, &place, STR("x"));
	struct str value = STR_ABSENT;

	if (!digest_unhex(str_of(stored), (unsigned char *)row.stored, row.n) ||
	    !digest_unhex(str_of(column), row.column.b, sizeof(row.column.b)))
		tap_bail("digest_unhex");
	tap_int(look(s, &row, &value), SEAL_OPENED, "a known row opens");
	tap_text(value, STR("x"), "to what is known");
	tap_ok(memcmp(row.column.b, ours.column.b, sizeof(row.column.b)) == 0, "its column is ours");
}

/* Any bit of a row, its column or its place. */
static void
test_flips(struct seal *s)
{
	const struct row row = sealed_at(s, &place, STR("a value"));
	struct row flipped;
	struct str value;
	size_t opened = 0;

	for (size_t bit = 0; bit < 8 * row.n; bit++) {
		flipped = row;
		flipped.stored[bit / 8] ^= (char)(1 << bit % 8);
		opened += look(s, &flipped, &value) <= SEAL_PLAIN;
	}
	tap_int(opened, 0, "no bit of the value may be flipped");
	for (size_t bit = 0; bit < 8 * sizeof(row.column); bit++) {
		flipped = row;
		flipped.column.b[bit / 8] ^= (unsigned char)(1 << bit % 8);
		opened += look(s, &flipped, &value) <= SEAL_PLAIN;
	}
	tap_int(opened, 0, "no bit of the column md5");
	for (size_t n = 0; n < row.n; n++) {
		flipped = row;
		flipped.n = n;
		opened += look(s, &flipped, &value) <= SEAL_PLAIN;
	}
	tap_int(opened, 0, "and nothing cut off");
	tap_int(look(s, &row, &value), SEAL_OPENED, "as it is, it opens");
}

static void
test_places(struct seal *s)
{
	const struct seal_place others[] = {
		{ { { 1, 2, 4 } }, TEXT("sessions"), TEXT("ses_+49") },
		{ { { 1, 2, 3 } }, TEXT("session"), TEXT("sses_+49") },
		{ { { 1, 2, 3 } }, TEXT("sessions"), TEXT("ses_+48") },
		{ { { 1, 2, 3 } }, TEXT(""), TEXT("sessionsses_+49") },
	};
	const struct row row = sealed_at(s, &place, STR("a value"));
	struct str value;

	for (size_t i = 0; i < COUNT(others); i++) {
		struct row moved = row, there = sealed_at(s, &others[i], STR("a value"));

		moved.place = others[i];
		tap_int(look(s, &moved, &value), SEAL_BROKEN, "not at place %zu", i);
		tap_ok(memcmp(&row.column, &there.column, sizeof(row.column)) != 0, "where the column is another");
		moved.column = there.column;
		tap_int(look(s, &moved, &value), SEAL_BROKEN, "not with the column of that place either");
	}
}

/* What a client may store: not even a sealed value of this very place is taken for one. */
static void
test_mimicry(struct seal *s)
{
	const struct row row = sealed_at(s, &place, STR("a value"));
	struct row plain = plain_at(&place, str_from(row.stored, row.n));
	struct str value;

	tap_int(look(s, &plain, &value), SEAL_PLAIN, "sealed bytes that a client stores are plain");
	tap_text(value, str_from(row.stored, row.n), "and come back as they are");
	plain = plain_at(&place, str_from(row.stored, row.n));
	plain.stored[row.n - 1] ^= 1;
	tap_int(look(s, &plain, &value), SEAL_BROKEN, "unless the column says otherwise");
	plain = plain_at(&place, STR("a value"));
	plain.column.b[0] ^= 1;
	tap_int(look(s, &plain, &value), SEAL_BROKEN, "as with any other plain value");
}

static void
test_rings(struct seal *s, const struct keyring *ring)
{
	const struct row row = sealed_at(s, &place, STR("a value"));
	struct keyring *rotated = keys_new("ba"), *other = keys_new("b"), *wrong = keys_new_wrong("a"),
		       *first = keys_new("a");
	struct row by_b;
	struct md5 md5, column;
	struct str value;

	seal_change(s, rotated);
	tap_int(look(s, &row, &value), SEAL_OPENED, "behind another key it opens");
	by_b = sealed_at(s, &place, STR("a value"));
	tap_ok(memcmp(&by_b.column, &row.column, sizeof(row.column)) != 0, "each key has its own column");
	tap_ok(digest_md5(STR("a value"), &md5) && seal_column(s, 1, &place, &md5, &column) &&
		memcmp(&column, &row.column, sizeof(column)) == 0,
	    "which any of the ring can tell");
	seal_change(s, other);
	tap_int(look(s, &row, &value), SEAL_NO_KEY, "without its key it does not open");
	tap_int(look(s, &by_b, &value), SEAL_OPENED, "what the other key sealed does");
	seal_change(s, wrong);
	tap_int(look(s, &row, &value), SEAL_BROKEN, "nor with another key of its id");
	seal_change(s, first);
	tap_int(look(s, &row, &value), SEAL_OPENED, "nothing of other rings stays behind");
	keyring_free(rotated);
	keyring_free(other);
	keyring_free(wrong);
	seal_change(s, ring);
	keyring_free(first);
}

/* More workspaces than have a place in memory. */
static void
test_workspaces(struct seal *s)
{
	unsigned wrong = 0;
	struct row rows[3];
	struct str value;

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 3000; i++) {
			struct seal_place at = place;

			memcpy(at.workspace.b, &i, sizeof(i));
			rows[i % 3] = sealed_at(s, &at, STR("x"));
			wrong += i >= 3 && look(s, &rows[(i + 1) % 3], &value) != SEAL_OPENED;
		}
	}
	tap_int(wrong, 0, "any number of workspaces");
}

static void
test_covers(void)
{
	tap_ok(seal_covers(STR("all"), STR("x")) && seal_covers(STR("all"), STR("")), "all");
	tap_ok(seal_covers(STR("a,b c,d"), STR("a")) && seal_covers(STR("a,b c,d"), STR("b c")) &&
		seal_covers(STR("a,b c,d"), STR("d")),
	    "a name of the list");
	tap_ok(!seal_covers(STR("a,b c,d"), STR("b")) && !seal_covers(STR("a"), STR("A")) &&
		!seal_covers(STR("a"), STR("all")) && !seal_covers(STR("ab"), STR("a")),
	    "no other");
}

/* Whoever has one key cannot make the proof of another. */
static void
test_proofs(struct seal *s)
{
	const struct seal_place own = seal_proof_place(STR("a")), another = seal_proof_place(STR("b"));
	struct row row = sealed_at(s, &own, STR("")), forged = sealed_at(s, &another, STR(""));

	tap_ok(seal_is_proof(&own) && !seal_is_proof(&place), "where proofs are");
	tap_ok(seal_proves(s, &own, &row.column, row.stored, row.n), "a proof");
	tap_ok(!seal_proves(s, &another, &forged.column, forged.stored, forged.n), "with another key than it names");
}

/* What is remembered of a workspace is not used for one that begins in the same way. */
static void
test_similar_workspaces(struct seal *s, struct keyring *ring)
{
	struct seal *fresh = seal_new(ring);
	struct seal_place similar = place;
	struct row row;
	struct str value;

	if (fresh == NULL)
		tap_bail("seal_new");
	similar.workspace.b[15] ^= 1;
	(void)sealed_at(s, &place, STR("x"));
	row = sealed_at(s, &similar, STR("x"));
	tap_int(look(fresh, &row, &value), SEAL_OPENED, "a similar workspace has keys of its own");
	seal_free(fresh);
}

int
main(void)
{
	struct keyring *ring = keys_new("a");
	struct seal *s = seal_new(ring);

	if (s == NULL)
		tap_bail("seal_new");
	test_round_trip(s);
	test_form(s);
	test_known(s);
	test_flips(s);
	test_places(s);
	test_mimicry(s);
	test_rings(s, ring);
	test_workspaces(s);
	test_covers();
	test_proofs(s);
	test_similar_workspaces(s, ring);
	seal_free(s);
	keyring_free(ring);
	digest_thread_end();
	return tap_end();
}
