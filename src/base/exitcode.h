/* SPDX-License-Identifier: EPL-2.0 */
/*
 * exitcode: the exit statuses of hulykvs and hulykvs-migrate (the numbers of
 * sysexits.h).  Those of hulykvsctl are in client/exitstatus.h.
 */
#ifndef HULYKVS_EXITCODE_H
#define HULYKVS_EXITCODE_H

enum exitcode {
	EXIT_OK = 0,
	EXIT_UNHEALTHY = 1,  /* the service answers, but is not live or not ready (--probe) */
	EXIT_DIFFERENT = 1,  /* two databases do not hold the same (compare) */
	EXIT_USAGE = 64,     /* bad option or argument; not started by a web server */
	EXIT_DATA = 65,      /* what shall be imported is no export, or is cut or damaged */
	EXIT_DATABASE = 69,  /* the database (hulykvs-migrate) or the service (--probe) cannot be reached or refuses */
	EXIT_INTERNAL = 70,  /* a fault of ours or of the system */
	EXIT_TRY_LATER = 75, /* another migration or a lock took too long */
	EXIT_REFUSED = 77,   /* the request would be refused (--access-check) */
	EXIT_CONFIG = 78,    /* a setting is wrong */
};

#endif
