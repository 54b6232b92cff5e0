/* SPDX-License-Identifier: EPL-2.0 */
/*
 * command: does what the command line asks for.  For program/ctl_main only.
 */
#ifndef HULYKVS_COMMAND_H
#define HULYKVS_COMMAND_H

#include "client/arguments.h"

/* Prints the result; what is wrong is in *error. */
enum exitstatus command_run(const struct arguments *a, struct buf *error) __attribute__((warn_unused_result));

#endif
