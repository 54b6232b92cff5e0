/* SPDX-License-Identifier: EPL-2.0 */
/*
 * cgi: serves one request as a CGI program (RFC 3875): variables from the
 * environment, the body from standard input, the answer to standard output.  The
 * same steps as under FastCGI, on a loop of its own.  Slow, since it opens a
 * database connection for each request, but any web server that starts CGI
 * programs can use it.  For program/main.
 */
#ifndef HULYKVS_CGI_H
#define HULYKVS_CGI_H

#include "base/exitcode.h"
#include "server/worker.h"

/* Serves the request and returns the exit status of the program. */
enum exitcode cgi_serve(struct server *server, const struct worker_store *kind) __attribute__((warn_unused_result));

#endif
