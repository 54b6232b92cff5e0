/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/conninfo.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/tap.h"

static struct conninfo info;
static struct buf why;

static bool
parse(const char *text)
{
	conninfo_free(&info);
	buf_free(&why);
	buf_init(&why, 1024);
	return conninfo_parse(&info, text, &why);
}

/* "name=value name=value", in the order of the string. */
static const char *
told(void)
{
	static char text[1024];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < info.n; i++)
		n += (size_t)snprintf(
		    text + n, sizeof(text) - n, "%s%s=%s", i > 0 ? " " : "", info.name[i], info.value[i]);
	return text;
}

static void
reads(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "postgresql://", "" },
		{ "postgres://h", "host=h" },
		{ "postgresql://u@h/d", "user=u host=h dbname=d" },
		{ "postgresql://u:p@h:5433/d", "user=u password=p host=h port=5433 dbname=d" },
		{ "postgresql://u:@h", "user=u host=h" },
		{ "postgresql://root@huly.local:26257/defaultdb?sslmode=disable",
		    "user=root host=huly.local port=26257 dbname=defaultdb sslmode=disable" },
		{ "postgresql://a,b:2,[::1]:3/d", "host=a,b,::1 port=,2,3 dbname=d" },
		{ "postgresql://[fe80::1%25eth0]/d", "host=fe80::1%eth0 dbname=d" },
		{ "postgresql://u@/d?host=/run/pg&port=1", "user=u dbname=d host=/run/pg port=1" },
		{ "postgresql://%2Frun%2Fpg/d", "host=/run/pg dbname=d" },
		{ "postgresql://u%40x:p%2F%3a%25@h/d%20e", "user=u@x password=p/:% host=h dbname=d e" },
		{ "postgresql://u:a:b?c#d&e=f@h", "user=u password=a:b?c#d&e=f host=h" },
		{ "postgresql://u:50%@h", "user=u password=50% host=h" },
		{ "postgresql://u:5%zz%4@h", "user=u password=5%zz%4 host=h" },
		{ "postgresql://h?ssl=true", "host=h sslmode=require" },
		{ "postgresql://h?application_name=a%26b&application_name=c", "host=h application_name=c" },
		{ "postgresql://u@h?options=-c%20a%3Db@c", "user=u host=h options=-c a=b@c" },
		{ "postgresql://h?keepalives_retries=3&tcp_user_timeout=7",
		    "host=h keepalives_count=3 tcp_user_timeout=7000" },
		{ "postgresql://h?tcp_user_timeout=1500", "host=h tcp_user_timeout=1500" },
		{ "postgresql://h?load_balance_hosts=disable", "host=h" },
		{ "", "" },
		{ "host=h", "host=h" },
		{ "  host = h  port= 1 user =u ", "host=h port=1 user=u" },
		{ "password='it''s'", NULL },
		{ "password='a b\\'c\\\\' host=h", "password=a b'c\\ host=h" },
		{ "password=a\\ b host=h", "password=a b host=h" },
		{ "password=it's host=h", "password=it's host=h" },
		{ "password='' host=h", "password= host=h" },
		{ "host=h load_balance_hosts = random", "host=h" },
		{ "host=h tcp_user_timeout = 30", "host=h tcp_user_timeout=30000" },
		{ "host=a host=b", "host=b" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		bool ok = parse(rows[i].text);

		tap_ok(
		    ok == (rows[i].want != NULL), "%s is %s", rows[i].text, rows[i].want != NULL ? "read" : "refused");
		if (ok && rows[i].want != NULL)
			tap_text(str_of(told()), str_of(rows[i].want), "%s: what it says", rows[i].text);
	}
	tap_ok(parse("postgresql://h?load_balance_hosts=random") && info.shuffle, "hosts are to be shuffled");
	tap_ok(parse("host=h load_balance_hosts = 'random '") && info.shuffle, "the same, with blanks");
	tap_ok(parse("host=h") && !info.shuffle, "hosts keep their order");
}

static void
refuses(void)
{
	static const char *const rows[] = {
		"postgresql://u:p/w@h/d",
		"postgresql://u:123/w@h/d",
		"postgresql://u:/w@h/d",
		"postgresql://u:1?a/w@h/d",
		"postgresql://u:1?user=a/w@h/d",
		"postgresql://u:p@w@h/d",
		"postgresql://h:port/d",
		"postgresql://[::1/d",
		"postgresql://[::1]x/d",
		"postgresql://h/d/e",
		"postgresql://h/d%00e",
		"postgresql://h?nonsense=1",
		"postgresql://h?sslmode",
		"postgresql://h?load_balance_hosts=yes",
		"postgresql://h?tcp_user_timeout=soon",
		"nonsense",
		"mysql://u:p@h/d",
		"host=h password=a b",
		"host=h password='a",
		"host=h nonsense=1",
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		tap_ok(!parse(rows[i]), "%s is refused", rows[i]);
		tap_ok(why.n > 0, "%s: with a reason", rows[i]);
	}
}

/* Whatever character cuts the secret, no piece of it is in the message or in what libpq could tell of. */
static void
keeps_secrets(void)
{
	static const struct {
		const char *before, *behind;
	} forms[] = {
		{ "postgresql://user:Canary1", "Canary2@db.example:5432/name?sslmode=disable" },
		{ "postgresql://user:12", "Canary2@db.example:5432/name" },
		{ "postgresql://user:", "Canary2@db.example/name" },
		{ "postgresql://user:Canary1", "@db.example/name" },
		{ "host=db.example password=Canary1", "Canary2 user=user" },
		{ "host=db.example password=Canary1", "" },
		{ "host=db.example password='Canary1", "Canary2' user=user" },
	};

	for (size_t i = 0; i < COUNT(forms); i++)
		for (int c = 1; c < 256; c++) {
			char text[256], name[64];
			bool ok, told_of = false;

			(void)snprintf(text, sizeof(text), "%s%c%s", forms[i].before, c, forms[i].behind);
			(void)snprintf(name, sizeof(name), "form %zu, character %d", i, c);
			ok = parse(text);
			for (size_t p = 0; ok && p < info.n; p++)
				told_of |= strcmp(info.name[p], "password") != 0 &&
				    (strstr(info.value[p], "Canary") != NULL || strstr(info.name[p], "Canary") != NULL);
			buf_putc(&why, '\0');
			tap_ok(!told_of && strstr(why.p, "Canary") == NULL, "%s: nothing of the secret", name);
		}
}

int
main(void)
{
	reads();
	refuses();
	keeps_secrets();
	conninfo_free(&info);
	buf_free(&why);
	return tap_end();
}
