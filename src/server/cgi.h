/* SPDX-License-Identifier: EPL-2.0 */
/*
 * cgi: one request as a plain CGI program (RFC 3875): variables from the
 * environment, body on standard input, answer on standard output.  The same
 * steps as under FastCGI, on a loop of its own; slow (a database connection
 * per request), but it needs nothing but a web server that can run programs.
 */
#ifndef HULYKVS_CGI_H
#define HULYKVS_CGI_H

#include "base/exitcode.h"
#include "server/worker.h"

/* Serves the request and returns how the program should end. */
enum exitcode cgi_serve(struct server *server, const struct worker_store *kind) __attribute__((warn_unused_result));

#endif
