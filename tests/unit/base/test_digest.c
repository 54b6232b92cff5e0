/* SPDX-License-Identifier: EPL-2.0 */
#include "base/digest.h"

#include <pthread.h>

#include "lib/tap.h"

/* RFC 1321 A.5 and FIPS 180-4's examples, and lengths around a block. */
static const struct {
	struct str s;
	const char *md5, *sha256;
} rows[] = {
	{ TEXT(""), "d41d8cd98f00b204e9800998ecf8427e",
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ { NULL, 0 }, "d41d8cd98f00b204e9800998ecf8427e",
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ TEXT("a"), "0cc175b9c0f1b6a831c399e269772661",
	    "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" },
	{ TEXT("abc"), "900150983cd24fb0d6963f7d28e17f72",
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ TEXT("message digest"), "f96b697d7cb7938d525a2f31aaf161d0",
	    "f7846f55cf23e14eebeab5b4e1550cad5b509e3348fbc4efa3a1413d393cb650" },
	{ TEXT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), "8215ef0796a20bcaaae116d3876c664a",
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ TEXT("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
	    "57edf4a22be3c955ac49da2e2107b67a", "f371bc4a311f2b009eef952dd83ca80e2b60026c8e935592d0f9c308453c813e" },
};

/* Compares with the expected hex digits. */
static bool
is_md5(struct str s, const char *want)
{
	struct md5 d;
	char hex[32];

	if (!digest_md5(s, &d))
		return false;
	digest_hex(d.b, sizeof(d.b), hex);
	return str_eq(str_from(hex, sizeof(hex)), str_of(want));
}

static bool
is_sha256(struct str s, const char *want)
{
	struct sha256 d;
	char hex[64];

	if (!digest_sha256(s, &d))
		return false;
	digest_hex(d.b, sizeof(d.b), hex);
	return str_eq(str_from(hex, sizeof(hex)), str_of(want));
}

/* Both kinds, twice, in turns: nothing is left over in a context. */
static bool
all_right(void)
{
	bool pass = true;

	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		size_t row = i % COUNT(rows);
		pass = pass && is_md5(rows[row].s, rows[row].md5) && is_sha256(rows[row].s, rows[row].sha256);
	}
	return pass;
}

static void *
in_thread(void *arg)
{
	bool *pass = arg;

	*pass = all_right();
	digest_thread_end();
	return NULL;
}

static void
known_digests(void)
{
	static char million[1000000];

	for (size_t i = 0; i < COUNT(rows); i++) {
		tap_ok(is_md5(tap_edge(rows[i].s), rows[i].md5), "MD5 of %s", tap_show(rows[i].s));
		tap_ok(is_sha256(tap_edge(rows[i].s), rows[i].sha256), "SHA-256 of %s", tap_show(rows[i].s));
	}
	memset(million, 'a', sizeof(million));
	struct str s = str_from(million, sizeof(million));
	tap_ok(is_md5(s, "7707d6ae4e027c70eea2a935c2296f21"), "MD5 of a million bytes");
	tap_ok(is_sha256(s, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
	    "SHA-256 of a million bytes");
}

static void
threads(void)
{
	pthread_t thread[4];
	bool pass[4];

	tap_ok(all_right(), "again and again");
	digest_thread_end();
	digest_thread_end();
	tap_ok(all_right(), "again after the end");
	for (int i = 0; i < 4; i++)
		if (pthread_create(&thread[i], NULL, in_thread, &pass[i]) != 0)
			tap_bail("pthread_create");
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		tap_ok(pass[i], "in thread %d", i);
	}
}

/* RFC 4231 4.2, 4.3 and 4.6: keys shorter and longer than a block; and no key at all. */
static void
authentication(void)
{
	static const struct {
		struct str key, s;
		const char *want;
	} cases[] = {
		{ TEXT("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"),
		    TEXT("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ TEXT("Jefe"), TEXT("what do ya want for nothing?"),
		    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ TEXT(""), TEXT(""), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
	};
	static char long_key[131];
	struct sha256 d, want;

	for (size_t i = 0; i < COUNT(cases); i++) {
		bool ok = digest_hmac_sha256(cases[i].key, tap_edge(cases[i].s), &d) &&
		    digest_unhex(str_of(cases[i].want), want.b, sizeof(want.b));
		tap_ok(ok && memcmp(d.b, want.b, sizeof(d.b)) == 0, "HMAC-SHA-256 of %s", tap_show(cases[i].s));
	}
	memset(long_key, 0xaa, sizeof(long_key));
	bool ok = digest_hmac_sha256(str_from(long_key, sizeof(long_key)),
		      STR("Test Using Larger Than Block-Size Key - Hash Key First"), &d) &&
	    digest_unhex(
		STR("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"), want.b, sizeof(want.b));
	tap_ok(ok && memcmp(d.b, want.b, sizeof(d.b)) == 0, "HMAC-SHA-256 with a long key");
}

/* RFC 5869 A.3: no salt, no info. */
static void
derivation(void)
{
	static char key[22];
	struct sha256 d, want;

	memset(key, 0x0b, sizeof(key));
	tap_ok(digest_hkdf_sha256(str_from(key, sizeof(key)), STR(""), &d) &&
		digest_unhex(
		    STR("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"), want.b, sizeof(want.b)) &&
		memcmp(d.b, want.b, sizeof(d.b)) == 0,
	    "HKDF-SHA-256");
}

static void
hex(void)
{
	static const struct {
		struct str s;
		size_t n;
		bool ok;
		struct str bytes;
	} cases[] = {
		{ TEXT(""), 0, true, TEXT("") },
		{ TEXT("00"), 1, true, TEXT("\0") },
		{ TEXT("ff"), 1, true, TEXT("\xff") },
		{ TEXT("FF"), 1, true, TEXT("\xff") },
		{ TEXT("09afAF"), 3, true, TEXT("\x09\xaf\xaf") },
		{ TEXT("0"), 1, false, TEXT("") },
		{ TEXT("000"), 1, false, TEXT("") },
		{ TEXT("0000"), 1, false, TEXT("") },
		{ TEXT("00"), 2, false, TEXT("") },
		{ TEXT("00"), 0, false, TEXT("") },
		{ TEXT("0"), 0, false, TEXT("") },
		{ TEXT("0g"), 1, false, TEXT("") },
		{ TEXT("G0"), 1, false, TEXT("") },
		{ TEXT("/0"), 1, false, TEXT("") },
		{ TEXT(":0"), 1, false, TEXT("") },
		{ TEXT("@0"), 1, false, TEXT("") },
		{ TEXT("`0"), 1, false, TEXT("") },
		{ TEXT("0x"), 1, false, TEXT("") },
		{ TEXT(" 0"), 1, false, TEXT("") },
		{ TEXT("-1"), 1, false, TEXT("") },
		{ TEXT("0\0"), 1, false, TEXT("") },
		{ TEXT("\xb0\xb0"), 1, false, TEXT("") },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		unsigned char out[4] = { 0 };
		bool ok = digest_unhex(tap_edge(cases[i].s), out, cases[i].n);
		tap_int(ok, cases[i].ok, "unhex %s to %zu", tap_show(cases[i].s), cases[i].n);
		if (cases[i].ok)
			tap_text(
			    str_from((char *)out, cases[i].n), cases[i].bytes, "unhex %s: bytes", tap_show(cases[i].s));
	}
}

static void
hex_round(void)
{
	unsigned char bytes[256], back[256];
	char text[513];

	for (int i = 0; i < 256; i++)
		bytes[i] = (unsigned char)i;
	text[512] = '!';
	digest_hex(bytes, sizeof(bytes), text);
	tap_ok(text[512] == '!', "hex writes no NUL");
	tap_text(str_from(text + 2 * 0xab, 4), STR("abac"), "hex is lower-case");
	bool ok = digest_unhex(str_from(text, 512), back, sizeof(back));
	tap_ok(ok && memcmp(back, bytes, sizeof(bytes)) == 0, "every byte there and back");
}

/* The same in pieces as at once. */
static void
pieces(void)
{
	static const char text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	struct str whole = STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
	struct sha256 once, sum;
	struct sha256_sum s;
	bool same = digest_sha256(whole, &once);

	for (size_t first = 0; first <= whole.n; first++) {
		digest_sum_begin(&s);
		digest_sum_add(&s, str_from(text, first));
		digest_sum_add(&s, str_skip(whole, first));
		same = digest_sum_end(&s, &sum) && memcmp(&sum, &once, sizeof(sum)) == 0 && same;
	}
	tap_ok(same, "a digest of two pieces is that of the whole");
	digest_sum_begin(&s);
	tap_ok(digest_sum_end(&s, NULL), "nobody needs the digest");
	tap_ok(!digest_sum_end(&s, &sum), "it ends once");
}

static void
secrets(void)
{
	char a[8] = "secret", b[8] = "secret";

	tap_ok(digest_eq_secret(a, b, sizeof(a)), "equal secrets");
	b[7] = 1;
	tap_ok(!digest_eq_secret(a, b, sizeof(a)), "the last byte differs");
	tap_ok(digest_eq_secret(a, b, 7), "only n bytes are compared");
	b[0] = 'S';
	tap_ok(!digest_eq_secret(a, b, 7), "the first byte differs");
	tap_ok(digest_eq_secret(a, b, 0), "nothing equals nothing");
	digest_cleanse(a, 7);
	tap_ok(memcmp(a, "\0\0\0\0\0\0\0", 8) == 0, "cleanse");
	b[7] = 'z';
	digest_cleanse(b, 7);
	tap_ok(b[7] == 'z', "cleanse stops at n");
}

int
main(void)
{
	known_digests();
	authentication();
	derivation();
	threads();
	hex();
	hex_round();
	pieces();
	secrets();
	digest_thread_end();
	return tap_end();
}
