/* SPDX-License-Identifier: EPL-2.0 */
#include "os/peer_users.h"

#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define NAME_MAX_BYTES 255
#define LOOK_UP_BYTES  16384

/* A user's number: below (uid_t)-1, which is no user. */
static bool
read_number(struct str s, uid_t *uid)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' || n > UINT32_MAX)
			return false;
		n = n * 10 + (uint64_t)(s.p[i] - '0');
	}
	*uid = (uid_t)n;
	return s.n > 0 && n < (uid_t)-1;
}

/* More than useradd(8) takes, since directory servers have other names; but no number, which read_number() takes. */
static bool
is_name(struct str s)
{
	bool number = true;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c == ':' || c == 0x7f)
			return false;
		number = number && c >= '0' && c <= '9';
	}
	return !number && s.n <= NAME_MAX_BYTES;
}

static bool
is_any_user(struct str list)
{
	return str_eq(str_trim(list), STR("any"));
}

bool
peer_users_form_ok(struct str list)
{
	struct str user;
	unsigned n = 0;
	uid_t uid;

	for (; list.p != NULL; n++) {
		(void)str_cut(list, ',', &user, &list);
		user = str_trim(user);
		if (!read_number(user, &uid) && !is_name(user))
			return false;
	}
	return n <= PEER_USERS_MAX;
}

static bool
look_up(struct str name, uid_t *uid)
{
	char text[NAME_MAX_BYTES + 1], *memory = malloc(LOOK_UP_BYTES);
	struct passwd entry, *found = NULL;

	if (memory != NULL && name.n < sizeof(text)) {
		(void)snprintf(text, sizeof(text), "%.*s", STR_FMT(name));
		if (getpwnam_r(text, &entry, memory, LOOK_UP_BYTES, &found) == 0 && found != NULL)
			*uid = entry.pw_uid;
	}
	free(memory);
	return found != NULL;
}

/* Whether the user has a number in this user namespace (user_namespaces(7), lines of "inside outside count"). */
static bool
is_mapped(uid_t uid)
{
	FILE *f = fopen("/proc/self/uid_map", "re");
	unsigned long inside, outside, count;
	bool mapped = f == NULL; /* a kernel without user namespaces */

	while (!mapped && fscanf(f, "%lu %lu %lu", &inside, &outside, &count) == 3)
		mapped = uid >= inside && uid - inside < count;
	if (f != NULL)
		(void)fclose(f);
	return mapped;
}

static bool
is_unix_socket(int fd)
{
	int domain = 0;
	socklen_t n = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 && domain == AF_UNIX;
}

static bool
read_user(struct str user, uid_t *uid, struct buf *why)
{
	if (!read_number(user, uid) && !look_up(user, uid)) {
		buf_printf(why, "no such user: %.*s", STR_FMT(user));
		return false;
	}
	if (!is_mapped(*uid)) {
		buf_printf(why, "this process runs in a user namespace without a mapping for %.*s", STR_FMT(user));
		return false;
	}
	return true;
}

bool
peer_users_read(struct peer_users *p, struct str list, int listener, struct buf *why)
{
	struct str user;

	p->n = 0;
	if (is_any_user(list))
		return true;
	if (listener >= 0 && !is_unix_socket(listener)) {
		buf_puts(why, STR("only a unix socket tells who connects, and the listening socket is none"));
		return false;
	}
	while (list.p != NULL && p->n < PEER_USERS_MAX) {
		(void)str_cut(list, ',', &user, &list);
		if (!read_user(str_trim(user), &p->uid[p->n], why))
			return false;
		p->n++;
	}
	return true;
}

bool
peer_users_may(const struct peer_users *p, int fd, uid_t *uid)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	*uid = (uid_t)-1;
	if (p->n == 0)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
		return false;
	*uid = peer.uid;
	for (unsigned i = 0; i < p->n; i++)
		if (p->uid[i] == peer.uid)
			return true;
	return false;
}
