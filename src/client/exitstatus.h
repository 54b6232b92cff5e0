/* SPDX-License-Identifier: EPL-2.0 */
/*
 * exitstatus: the exit statuses of hulykvsctl.  They are small numbers of their
 * own, not those of base/exitcode.h: scripts tell the results of a request
 * apart by them.
 */
#ifndef HULYKVS_EXITSTATUS_H
#define HULYKVS_EXITSTATUS_H

/* X(NAME, number, "what it means, for --help") */
#define EXITSTATUSES(X) \
	X(DONE, 0, "done") \
	X(NOT_FOUND, 1, "there is no such key") \
	X(USAGE, 2, "a wrong option or argument, or a file that cannot be read or is wrong") \
	X(REFUSED, 4, "the service refused the request: the token, a name, a size") \
	X(UNAVAILABLE, 5, "no answer, or the service cannot work at the moment") \
	X(CONDITION, 6, "a condition does not hold; nothing was changed") \
	X(LOCAL, 7, "the result cannot be written, or there is no memory")

enum exitstatus {
#define X(name, number, help) EXITSTATUS_##name = (number),
	EXITSTATUSES(X)
#undef X
};

#endif
