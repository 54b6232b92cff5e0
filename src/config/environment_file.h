/* SPDX-License-Identifier: EPL-2.0 */
/*
 * environment_file: reads a file as systemd reads the EnvironmentFile= of a
 * unit (systemd.exec(5)), so that an operator can check the settings of a
 * service without starting it.  For program/main.
 *
 * A line is NAME=value.  Lines that begin with # or ; are comments.  A value
 * may stand in single or double quotes, also over several lines; outside of
 * single quotes a backslash takes the meaning off the next character, and
 * joins two lines at the end of one.
 */
#ifndef HULYKVS_ENVIRONMENT_FILE_H
#define HULYKVS_ENVIRONMENT_FILE_H

#include "base/buf.h"

/*
 * Puts the variables of the file into the environment, where they replace
 * those of the same name.  Before any other thread is there.  False: *error
 * has the path and what is wrong, without a byte of the file.
 */
bool environment_file_load(const char *path, struct buf *error) __attribute__((warn_unused_result));

#endif
