/* SPDX-License-Identifier: EPL-2.0 */
#include "program/version.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"
#include "codec/json.h"
#include "config_build.h"
#include "pg/dbconn.h"

/* For a library that does not report its version, the name of its file is printed, "libfcgi.so.0.0.0". */
static void
print_file(const char *library, const char *function)
{
	void *address = dlsym(RTLD_DEFAULT, function);
	char path[PATH_MAX];
	Dl_info info;
	const char *slash;

	if (address == NULL || dladdr(address, &info) == 0 || realpath(info.dli_fname, path) == NULL)
		return;
	slash = strrchr(path, '/');
	(void)printf("%s %s\n", library, slash != NULL ? slash + 1 : path);
}

void
version_print(const char *program)
{
	int libpq = PQlibVersion();

	(void)printf("%s %s\n", program, PACKAGE_VERSION);
	(void)printf("libpq %d.%d\n", libpq / 10000, libpq % 10000);
	print_file("libjwt", "jwt_decode");
	(void)printf("cJSON %s\n", cJSON_Version());
	(void)printf("OpenSSL %s\n", digest_library_version());
	print_file("libfcgi", "FCGX_Accept_r");
	print_file("libcurl", "curl_easy_init");
	print_file("libseccomp", "seccomp_init");
}
