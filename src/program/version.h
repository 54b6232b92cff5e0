/* SPDX-License-Identifier: EPL-2.0 */
/*
 * version: what --version prints: the program's version and those of the
 * libraries that it runs with, which need not be those that it was built with.
 */
#ifndef HULYKVS_VERSION_H
#define HULYKVS_VERSION_H

/* "PROGRAM 1.2.3", then "LIBRARY VERSION", one a line, for each library that is there; on standard output. */
void version_print(const char *program);

#endif
