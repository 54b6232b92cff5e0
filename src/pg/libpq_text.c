/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/libpq_text.h"

#include "base/utf8.h"

void
libpq_text_put(struct buf *out, const char *message)
{
	/* libpq 15 puts memory that it does not own into its message if it may not read a certificate. */
	bool text = utf8_is_text(str_of(message));

	if (*message == '\0')
		buf_puts(out, STR("no answer"));
	for (const char *c = message; *c != '\0'; c++) {
		if (*c != '\n') {
			buf_putc(out, text || (*c >= ' ' && *c <= '~') ? *c : '?');
			continue;
		}
		if (c[1] != '\0')
			buf_puts(out, STR("; "));
		while (c[1] == '\t' || c[1] == ' ') /* an indented line continues the one before */
			c++;
	}
}
