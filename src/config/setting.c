/* SPDX-License-Identifier: EPL-2.0 */
#include "config/setting.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "os/peer_users.h"

#define IDENTIFIER_MAX 63 /* PostgreSQL cuts longer ones */
#define SIZE_MAX_BYTES ((size_t)1 << 30)
#define SECONDS_MIN    (CLOCK_S / 10)
#define SECONDS_MAX    (3600 * CLOCK_S)
#define LIFETIME_MIN   (1 * CLOCK_S)
#define LIFETIME_MAX   (86400 * CLOCK_S)

#define DECIMALS 9 /* more of them times a unit do not fit into 64 bits */

/* "12", "1.5", ".5" or "5.", times unit and rounded down; decimals past the ninth do not count. */
static bool
parse_decimal(struct str s, uint64_t unit, uint64_t *product)
{
	struct str before, after;
	uint64_t scale = 1;

	(void)str_cut(s, '.', &before, &after);
	if (before.n + after.n == 0 || !setting_type_is_digits(before) || !setting_type_is_digits(after))
		return false;
	if (setting_type_value(before) > SETTING_TYPE_WHOLE_MAX)
		return false;
	after = str_first(after, DECIMALS);
	for (size_t i = 0; i < after.n; i++)
		scale *= 10;
	*product = setting_type_value(before) * unit + setting_type_value(after) * unit / scale;
	return true;
}

bool
setting_parse_seconds(struct str s, int64_t *ns)
{
	uint64_t product;

	if (!parse_decimal(s, (uint64_t)CLOCK_S, &product) || product > INT64_MAX)
		return false;
	*ns = (int64_t)product;
	return true;
}

/* COMPAT: the units of the original, in upper or lower case, with or without an s at the end. */
static bool
unit_of(struct str name, uint64_t *unit)
{
	static const struct {
		const char *name;
		uint64_t bytes;
	} units[] = {
		{ "", 1 },
		{ "b", 1 },
		{ "byte", 1 },
		{ "kb", 1000 },
		{ "kilobyte", 1000 },
		{ "kib", 1 << 10 },
		{ "kibibyte", 1 << 10 },
		{ "mb", 1000000 },
		{ "megabyte", 1000000 },
		{ "mib", 1 << 20 },
		{ "mebibyte", 1 << 20 },
		{ "gb", 1000000000 },
		{ "gigabyte", 1000000000 },
		{ "gib", 1 << 30 },
		{ "gibibyte", 1 << 30 },
	};

	if (name.n > 1 && (name.p[name.n - 1] == 's' || name.p[name.n - 1] == 'S'))
		name.n--;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (str_eq_nocase(name, str_of(units[i].name))) {
			*unit = units[i].bytes;
			return true;
		}
	}
	return false;
}

bool
setting_parse_size(struct str s, size_t *bytes)
{
	uint64_t unit, product;
	size_t n = 0;

	s = str_trim(s);
	while (n < s.n && (str_is_digit(s.p[n]) || s.p[n] == '.'))
		n++;
	if (!unit_of(str_trim(str_skip(s, n)), &unit) || !parse_decimal(str_first(s, n), unit, &product))
		return false;
	*bytes = product;
	return true;
}

static const char *
parse_secret(struct str s, void *member)
{
	return s.n > 0 ? setting_type_copy(s, member) : "empty"; /* DIFFERS: an empty key would let everybody sign */
}

/* An empty value means that there is no such key.  Blanks or a word like none would be a key that anybody can guess. */
static const char *
parse_spare(struct str s, void *member)
{
	struct str word = str_trim(s);

	if (s.n > 0 && (word.n == 0 || str_eq_nocase(word, STR("none")) || str_eq_nocase(word, STR("off"))))
		return "where there is no such key it is left empty";
	return setting_type_copy(s, member);
}

static bool
is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return utf8_is_text(s);
}

static const char *
parse_identifier(struct str s, void *member)
{
	return s.n > 0 && s.n <= IDENTIFIER_MAX && is_printable(s)
	    ? setting_type_copy(s, member)
	    : "not a name of 1 to 63 bytes without control characters";
}

static bool
is_address(struct str s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

static const char *
parse_address(struct str s, void *member)
{
	return is_address(s) ? setting_type_copy(s, member) : "not an IPv4 or IPv6 address (a host name will not do)";
}

static const char *
parse_port(struct str s, void *member)
{
	uint64_t n;

	if (!setting_type_parse_whole(s, 1, UINT16_MAX, &n))
		return "not a port number (1 to 65535)";
	*(uint16_t *)member = (uint16_t)n;
	return NULL;
}

static const char *
parse_listener(struct str s, void *member)
{
	const char *colon = s.n > 0 ? memrchr(s.p, ':', s.n) : NULL;
	struct str host;
	uint64_t port;

	if (str_eq(s, STR("off")))
		return setting_type_copy(s, member);
	if (colon == NULL ||
	    !setting_type_parse_whole(str_from(colon + 1, s.n - (size_t)(colon + 1 - s.p)), 1, UINT16_MAX, &port))
		return "not an address with a port, such as 127.0.0.1:9464, and not off";
	host = str_first(s, (size_t)(colon - s.p));
	/* RFC 3986 3.2.2: an IPv6 address in front of a port stands in brackets. */
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = str_from(host.p + 1, host.n - 2);
	else if (memchr(host.p, ':', host.n) != NULL)
		return "an IPv6 address needs brackets, such as [::1]:9464";
	return is_address(host) ? setting_type_copy(s, member)
				: "not an IPv4 or IPv6 address (a host name will not do)";
}

static const char *
parse_peers(struct str s, void *member)
{
	return peer_users_form_ok(s) ? setting_type_copy(s, member)
				     : "neither any nor up to 16 names or numbers of users with commas between them";
}

static const char *
parse_paths(struct str s, void *member)
{
	struct str path, rest = s;

	while (rest.p != NULL && !str_eq(s, STR("none"))) {
		(void)str_cut(rest, ':', &path, &rest);
		if (path.n == 0 || path.p[0] != '/')
			return "neither none nor absolute paths with colons between them";
	}
	return setting_type_copy(s, member);
}

static const char *
parse_ports(struct str s, void *member)
{
	struct str port, others = s;
	uint64_t n;

	while (others.p != NULL && !str_eq(s, STR("none"))) {
		(void)str_cut(others, ',', &port, &others);
		if (!setting_type_parse_whole(str_trim(port), 1, UINT16_MAX, &n))
			return "neither none nor port numbers with commas between them";
	}
	return setting_type_copy(s, member);
}

static const struct str sandbox_names[] = {
	[SETTING_SANDBOX_OFF] = STR_INIT("off"),
	[SETTING_SANDBOX_ON] = STR_INIT("on"),
	[SETTING_SANDBOX_REQUIRE] = STR_INIT("require"),
	[SETTING_SANDBOX_TRAP] = STR_INIT("trap"),
};

static const char *
parse_sandbox(struct str s, void *member)
{
	enum setting_sandbox *sandbox = member;

	for (*sandbox = SETTING_SANDBOX_OFF; *sandbox <= SETTING_SANDBOX_TRAP; ++*sandbox)
		if (str_eq(s, sandbox_names[*sandbox]))
			return NULL;
	return "neither off, on, require nor trap";
}

static const char *
parse_count(struct str s, void *member)
{
	uint64_t n;

	if (!setting_type_parse_whole(s, 1, SETTING_COUNT_MAX, &n))
		return "not a number from 1 to 64";
	*(unsigned *)member = (unsigned)n;
	return NULL;
}

static const char *
parse_size(struct str s, void *member)
{
	size_t *bytes = member;

	return setting_parse_size(s, bytes) && *bytes <= SIZE_MAX_BYTES
	    ? NULL
	    : "not a size up to 1 GiB (such as 2Mb, 512 KiB or 1000)";
}

static const char *
parse_seconds(struct str s, void *member)
{
	int64_t *ns = member;

	return setting_parse_seconds(s, ns) && *ns >= SECONDS_MIN && *ns <= SECONDS_MAX
	    ? NULL
	    : "not a number of seconds from 0.1 to 3600";
}

static const char *
parse_uuid(struct str s, void *member)
{
	return uuid_parse(s, member) ? NULL : "not a UUID";
}

static const char *
parse_switch(struct str s, void *member)
{
	bool on = str_eq_nocase(s, STR("on")) || str_eq_nocase(s, STR("true")) || str_eq(s, STR("1"));
	bool off = str_eq_nocase(s, STR("off")) || str_eq_nocase(s, STR("false")) || str_eq(s, STR("0"));

	*(bool *)member = on;
	return on || off ? NULL : "neither on nor off";
}

static const char *
parse_text(struct str s, void *member)
{
	return s.n > 0 ? setting_type_copy(s, member) : "empty";
}

/* Of a list of namespaces; a pattern or a misspelt all would be a name that no namespace has. */
static const char *
check_namespace(struct str name)
{
	if (name.n == 0)
		return "an empty name";
	if (!is_printable(name))
		return "a name that is not UTF-8 without control characters";
	if (memchr(name.p, '*', name.n) != NULL)
		return "a name with a *: there are no patterns";
	return str_eq_nocase(name, STR("all")) ? "all stands alone, in lower case" : NULL;
}

/* Kept without blanks around the names, as seal_covers() and hulykvs-migrate compare them. */
static const char *
parse_namespaces(struct str s, void *member)
{
	const char *wrong = NULL;
	struct str name;
	struct buf kept;

	if (str_eq(str_trim(s), STR("all")))
		return setting_type_copy(STR("all"), member);
	buf_init(&kept, s.n + 1);
	do {
		(void)str_cut(s, ',', &name, &s);
		name = str_trim(name);
		wrong = check_namespace(name);
		buf_puts(&kept, name);
		if (s.p != NULL)
			buf_putc(&kept, ',');
	} while (wrong == NULL && s.p != NULL);
	if (wrong == NULL)
		wrong = buf_ok(&kept) ? setting_type_copy(buf_str(&kept), member) : "out of memory";
	buf_free(&kept);
	return wrong;
}

static const struct str seal_modes[] = {
#define X(mode, name) [mode] = STR_INIT(name),
	SEAL_MODES(X)
#undef X
};

static const char *
parse_sealing(struct str s, void *member)
{
	for (size_t i = 0; i < ARRAY_SIZE(seal_modes); i++) {
		if (str_eq(s, seal_modes[i])) {
			*(enum seal_mode *)member = (enum seal_mode)i;
			return NULL;
		}
	}
	return "neither off, on nor required";
}

static const char *
parse_compression(struct str s, void *member)
{
	bool lz4 = str_eq(s, STR("lz4"));

	*(enum setting_compression *)member = lz4 ? SETTING_COMPRESSION_LZ4 : SETTING_COMPRESSION_DEFAULT;
	return lz4 || str_eq(s, STR("default")) ? NULL : "neither lz4 nor default";
}

static const char *
parse_level(struct str s, void *member)
{
	return log_level_parse(s, member) ? NULL : "not a log level (error, warn, info or debug)";
}

static const char *
parse_format(struct str s, void *member)
{
	return log_format_parse(s, member) ? NULL : "neither logfmt nor json";
}

static const char *
parse_verdict(struct str s, void *member)
{
	bool allow = str_eq(s, STR("allow"));

	*(bool *)member = allow;
	return allow || str_eq(s, STR("deny")) ? NULL : "neither allow nor deny";
}

static void
print_setting_text(const void *member, struct buf *out)
{
	char *const *text = member;

	buf_puts(out, str_of(*text));
}

static void
print_secret(const void *member, struct buf *out)
{
	(void)member;
	buf_puts(out, STR("********"));
}

static void
print_spare(const void *member, struct buf *out)
{
	char *const *text = member;

	if (**text != '\0')
		print_secret(member, out);
}

static void
print_port(const void *member, struct buf *out)
{
	buf_printf(out, "%u", (unsigned)*(const uint16_t *)member);
}

static void
print_count(const void *member, struct buf *out)
{
	buf_printf(out, "%u", *(const unsigned *)member);
}

static void
print_size(const void *member, struct buf *out)
{
	buf_printf(out, "%zu", *(const size_t *)member);
}

static void
print_seconds(const void *member, struct buf *out)
{
	int64_t ns = *(const int64_t *)member;

	buf_printf(out, "%" PRId64 ".%09" PRId64, ns / CLOCK_S, ns % CLOCK_S);
	while (out->n > 0 && out->p[out->n - 1] == '0')
		out->n--;
	if (out->n > 0 && out->p[out->n - 1] == '.')
		out->n--;
}

static const char *
parse_lifetime(struct str s, void *member)
{
	int64_t *ns = member;

	if (str_eq(s, STR("auto"))) {
		*ns = SETTING_LIFETIME_AUTO;
		return NULL;
	}
	if (str_eq(s, STR("off"))) {
		*ns = 0;
		return NULL;
	}
	return setting_parse_seconds(s, ns) && *ns >= LIFETIME_MIN && *ns <= LIFETIME_MAX
	    ? NULL
	    : "neither auto nor off, nor a number of seconds from 1 to 86400";
}

static void
print_lifetime(const void *member, struct buf *out)
{
	int64_t ns = *(const int64_t *)member;

	if (ns == SETTING_LIFETIME_AUTO)
		buf_puts(out, STR("auto"));
	else if (ns == 0)
		buf_puts(out, STR("off"));
	else
		print_seconds(member, out);
}

static void
print_uuid(const void *member, struct buf *out)
{
	char text[UUID_TEXT_SIZE];

	uuid_text(member, text);
	buf_puts(out, str_of(text));
}

static void
print_switch(const void *member, struct buf *out)
{
	buf_puts(out, *(const bool *)member ? STR("on") : STR("off"));
}

static void
print_compression(const void *member, struct buf *out)
{
	bool lz4 = *(const enum setting_compression *)member == SETTING_COMPRESSION_LZ4;

	buf_puts(out, lz4 ? STR("lz4") : STR("default"));
}

static void
print_sealing(const void *member, struct buf *out)
{
	buf_puts(out, seal_modes[*(const enum seal_mode *)member]);
}

static void
print_access_default(const void *member, struct buf *out)
{
	buf_puts(out, *(const bool *)member ? STR("allow") : STR("deny"));
}

static void
print_level(const void *member, struct buf *out)
{
	buf_puts(out, log_level_name(*(const enum log_level *)member));
}

static void
print_format(const void *member, struct buf *out)
{
	buf_puts(out, log_format_name(*(const enum log_format *)member));
}

static void
print_sandbox(const void *member, struct buf *out)
{
	buf_puts(out, sandbox_names[*(const enum setting_sandbox *)member]);
}

const struct setting_type setting_type_IDENTIFIER = { parse_identifier, print_setting_text, setting_type_release_text,
	0 },
			  setting_type_ADDRESS = { parse_address, print_setting_text, setting_type_release_text, 0 },
			  setting_type_SECRET = { parse_secret, print_secret, setting_type_release_secret, 0 },
			  setting_type_SPARE = { parse_spare, print_spare, setting_type_release_secret, 0 },
			  setting_type_VERDICT = { parse_verdict, print_access_default, NULL,
				  sizeof(SETTING_C_VERDICT) },
			  setting_type_PORT = { parse_port, print_port, NULL, sizeof(SETTING_C_PORT) },
			  setting_type_COUNT = { parse_count, print_count, NULL, sizeof(SETTING_C_COUNT) },
			  setting_type_SIZE = { parse_size, print_size, NULL, sizeof(SETTING_C_SIZE) },
			  setting_type_SECONDS = { parse_seconds, print_seconds, NULL, sizeof(SETTING_C_SECONDS) },
			  setting_type_LIFETIME = { parse_lifetime, print_lifetime, NULL, sizeof(SETTING_C_LIFETIME) },
			  setting_type_UUID = { parse_uuid, print_uuid, NULL, sizeof(SETTING_C_UUID) },
			  setting_type_SWITCH = { parse_switch, print_switch, NULL, sizeof(SETTING_C_SWITCH) },
			  setting_type_LEVEL = { parse_level, print_level, NULL, sizeof(SETTING_C_LEVEL) },
			  setting_type_LISTENER = { parse_listener, print_setting_text, setting_type_release_text, 0 },
			  setting_type_PEERS = { parse_peers, print_setting_text, setting_type_release_text, 0 },
			  setting_type_PATHS = { parse_paths, print_setting_text, setting_type_release_text, 0 },
			  setting_type_PORTS = { parse_ports, print_setting_text, setting_type_release_text, 0 },
			  setting_type_SANDBOX = { parse_sandbox, print_sandbox, NULL, sizeof(SETTING_C_SANDBOX) },
			  setting_type_FILE = { parse_text, print_setting_text, setting_type_release_text, 0 },
			  setting_type_NAMESPACES = { parse_namespaces, print_setting_text, setting_type_release_text,
				  0 },
			  setting_type_COMPRESS = { parse_compression, print_compression, NULL,
				  sizeof(SETTING_C_COMPRESS) },
			  setting_type_SEALING = { parse_sealing, print_sealing, NULL, sizeof(SETTING_C_SEALING) },
			  setting_type_FORMAT = { parse_format, print_format, NULL, sizeof(SETTING_C_FORMAT) };
