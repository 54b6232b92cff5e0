/* SPDX-License-Identifier: EPL-2.0 */
#include "base/log_repeat.h"

bool
log_repeat_is_due(struct log_repeat *r, int64_t now, int64_t interval, int64_t *lasts)
{
	if (!r->holds)
		*r = (struct log_repeat){ .holds = true, .since = now };
	else if (now - r->logged < interval)
		return false;
	r->logged = now;
	*lasts = now - r->since;
	return true;
}

bool
log_repeat_allows(struct log_repeat *r, int64_t now, int64_t interval)
{
	if (r->holds && now - r->logged < interval)
		return false;
	*r = (struct log_repeat){ .holds = true, .since = now, .logged = now };
	return true;
}

bool
log_repeat_end(struct log_repeat *r, int64_t now, int64_t *lasted)
{
	if (!r->holds)
		return false;
	r->holds = false;
	*lasted = now - r->since;
	return true;
}
