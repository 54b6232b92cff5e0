/* SPDX-License-Identifier: EPL-2.0 */
#include "http/refusal.h"

static const struct {
	struct str name;
	unsigned status;
	struct str text;
	enum log_level level;
} refusals[] = {
#define X(name, status, text, level) { STR_INIT(#name), status, STR_INIT(text), level },
	REFUSALS(X)
#undef X
};

unsigned
refusal_status(enum refusal r)
{
	return refusals[r].status;
}

struct str
refusal_text(enum refusal r)
{
	return refusals[r].text;
}

enum log_level
refusal_level(enum refusal r)
{
	return refusals[r].level;
}

struct str
refusal_name(enum refusal r)
{
	return refusals[r].name;
}
