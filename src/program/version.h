/* SPDX-License-Identifier: EPL-2.0 */
/*
 * version: prints, for --version, the version of the program and of the
 * libraries that it is running with; they may differ from those of the build.
 */
#ifndef HULYKVS_VERSION_H
#define HULYKVS_VERSION_H

/* "PROGRAM 1.2.3", then "LIBRARY VERSION", one a line, for each library that is there; on standard output. */
void version_print(const char *program);

#endif
