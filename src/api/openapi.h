/* SPDX-License-Identifier: EPL-2.0 */
/*
 * openapi: the description of this API in OpenAPI 3.1, which /openapi.json
 * answers: the bytes of deploy/openapi.json, embedded when the program is built.
 * For api.
 */
#ifndef HULYKVS_OPENAPI_H
#define HULYKVS_OPENAPI_H

#include "http/response.h"

/* Made by build-aux/embed-openapi. */
extern const struct str openapi_document;

/* 200 with the document, which is borrowed. */
void openapi_answer(struct response *r);

#endif
