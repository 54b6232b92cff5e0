/* SPDX-License-Identifier: EPL-2.0 */
#include "http/cors.h"

#define MAX_AGE "3600" /* seconds */

/* Text of a client is sent back only if it is printable ASCII, so that it cannot end the field. */
static bool
echoable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return s.n > 0;
}

bool
cors_is_preflight(const struct request *request)
{
	return request->method == METHOD_OPTIONS && echoable(request->origin) && echoable(request->cors_method);
}

static void
put_echo(struct buf *out, struct str field, struct str value)
{
	if (!echoable(value))
		return;
	buf_puts(out, field);
	buf_puts(out, value);
	buf_puts(out, STR("\r\n"));
}

void
cors_put_fields(const struct request *request, bool preflight, struct buf *out)
{
	if (!preflight)
		buf_puts(out, STR("Vary: Origin\r\n"));
	if (!echoable(request->origin))
		return;
	put_echo(out, STR("Access-Control-Allow-Origin: "), request->origin);
	buf_puts(out, STR("Access-Control-Allow-Credentials: true\r\n"));
	if (!preflight) {
		buf_puts(out, STR("Access-Control-Expose-Headers: ETag\r\n"));
		return;
	}
	put_echo(out, STR("Access-Control-Allow-Methods: "), request->cors_method);
	put_echo(out, STR("Access-Control-Allow-Headers: "), request->cors_headers);
	buf_puts(out,
	    STR("Access-Control-Max-Age: " MAX_AGE "\r\n"
		"Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n"));
}
