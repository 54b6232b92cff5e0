/* SPDX-License-Identifier: EPL-2.0 */
#include "api/openapi.h"

void
openapi_answer(struct response *r)
{
	response_text(r, openapi_document);
	r->type = STR("application/json");
}
