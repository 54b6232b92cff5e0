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

bool
refusal_is_anonymous(enum refusal r)
{
	return r == REFUSAL_NO_TOKEN || r == REFUSAL_INVALID_TOKEN;
}

enum refusal
refusal_of_front(unsigned status)
{
	switch (status) {
	case 404:
		return REFUSAL_NOT_FOUND;
	case 408:
		return REFUSAL_NOT_IN_TIME;
	case 411:
		return REFUSAL_LENGTH_REQUIRED;
	case 413:
		return REFUSAL_TOO_LARGE;
	case 414:
		return REFUSAL_TARGET_TOO_LONG;
	case 431:
		return REFUSAL_HEADERS_TOO_LARGE;
	case 501:
	case 505:
		return REFUSAL_NOT_IMPLEMENTED;
	default:
		return status < 500 ? REFUSAL_BAD_REQUEST : REFUSAL_NOT_PASSED_ON;
	}
}
