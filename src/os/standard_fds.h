/* SPDX-License-Identifier: EPL-2.0 */
/*
 * standard_fds: descriptors 0 to 2 are there.  For the main() of hulykvs-migrate
 * and hulykvsctl, before anything else is opened.
 */
#ifndef HULYKVS_STANDARD_FDS_H
#define HULYKVS_STANDARD_FDS_H

/*
 * Opens /dev/null on each descriptor from 0 to 2 that is closed.  Otherwise the
 * next file or connection would get its number, and what is printed would go
 * into that.  It is open for reading only: to write to it is an error, as it is
 * on a closed descriptor.
 */
void standard_fds_open(void);

#endif
