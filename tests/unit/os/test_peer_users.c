/* SPDX-License-Identifier: EPL-2.0 */
#include "os/peer_users.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/tap.h"

static void
test_form(void)
{
	static const struct {
		struct str list;
		bool ok;
	} rows[] = {
		{ TEXT("any"), true },
		{ TEXT("www-data"), true },
		{ TEXT("33"), true },
		{ TEXT("0"), true },
		{ TEXT("www-data,33"), true },
		{ TEXT(" www-data , nginx "), true },
		{ TEXT("EXAMPLE\\web.server"), true },
		{ TEXT("3com"), true },
		{ TEXT("4294967294"), true },
		{ TEXT("4294967295"), false },
		{ TEXT("4294967296"), false },
		{ TEXT("99999999999999999999"), false },
		{ TEXT(""), false },
		{ TEXT(","), false },
		{ TEXT("www-data,"), false },
		{ TEXT("a b"), false },
		{ TEXT("a:b"), false },
		{ TEXT("a\nb"), false },
		{ TEXT("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16"), true },
		{ TEXT("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"), false },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		tap_int(peer_users_form_ok(tap_edge(rows[i].list)), rows[i].ok, "form of %s", tap_show(rows[i].list));
}

static void
test_users(void)
{
	const struct passwd *me = getpwuid(geteuid());
	struct peer_users p;
	struct buf why;

	buf_init(&why, 1024);
	tap_ok(peer_users_read(&p, STR("any"), -1, &why) && p.n == 0, "any is a list of none");
	tap_ok(peer_users_read(&p, STR("root, 0"), -1, &why) && p.n == 2 && p.uid[0] == 0 && p.uid[1] == 0,
	    "a name and a number");
	if (me != NULL)
		tap_ok(peer_users_read(&p, str_of(me->pw_name), -1, &why) && p.uid[0] == geteuid(), "this very user");
	tap_ok(!peer_users_read(&p, STR("root,no-such-user"), -1, &why), "an unknown user");
	tap_text(buf_str(&why), STR("no such user: no-such-user"), "the reason names the user");
	buf_free(&why);
}

static void
test_listeners(void)
{
	int tcp = socket(AF_INET, SOCK_STREAM, 0), local = socket(AF_UNIX, SOCK_STREAM, 0);
	struct peer_users p;
	struct buf why;

	buf_init(&why, 1024);
	tap_ok(peer_users_read(&p, STR("root"), local, &why), "a unix socket tells");
	tap_ok(!peer_users_read(&p, STR("root"), tcp, &why), "a TCP socket does not");
	tap_ok(peer_users_read(&p, STR("any"), tcp, &why), "and need not where anybody may");
	(void)close(tcp);
	(void)close(local);
	buf_free(&why);
}

static void
test_connections(void)
{
	const struct peer_users anybody = { .n = 0 }, me = { { geteuid() + 1, geteuid() }, 2 },
				another = { { geteuid() + 1 }, 1 }, nobody = { { (uid_t)-1 }, 1 };
	int pair[2], tcp = socket(AF_INET, SOCK_STREAM, 0);
	uid_t uid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		tap_bail("socketpair");
	tap_ok(peer_users_may(&anybody, pair[0], &uid) && uid == (uid_t)-1, "nobody is asked where anybody may");
	tap_ok(peer_users_may(&me, pair[0], &uid) && uid == geteuid(), "one on the list");
	tap_ok(!peer_users_may(&another, pair[0], &uid) && uid == geteuid(), "one who is not");
	tap_ok(!peer_users_may(&me, tcp, &uid), "no user on a TCP connection");
	(void)close(pair[0]);
	tap_ok(!peer_users_may(&nobody, pair[0], &uid), "nor where the kernel does not tell");
	(void)close(pair[1]);
	(void)close(tcp);
}

int
main(void)
{
	test_form();
	test_users();
	test_listeners();
	test_connections();
	return tap_end();
}
