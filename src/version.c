#include "version.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>

#include "config_build.h"
#include "dbconn.h"
#include "digest.h"
#include "json.h"

/* A library that does not tell its version is told by the name of its file, "libfcgi.so.0.0.0". */
static void
put_file(struct buf *out, const char *library, const char *function)
{
	void *address = dlsym(RTLD_DEFAULT, function);
	char path[PATH_MAX];
	Dl_info info;
	const char *slash;

	if (address == NULL || dladdr(address, &info) == 0 || realpath(info.dli_fname, path) == NULL)
		return;
	slash = strrchr(path, '/');
	buf_printf(out, "%s %s\n", library, slash != NULL ? slash + 1 : path);
}

void
version_put(struct buf *out, const char *program)
{
	int libpq = PQlibVersion();

	buf_printf(out, "%s %s\n", program, PACKAGE_VERSION);
	buf_printf(out, "libpq %d.%d\n", libpq / 10000, libpq % 10000);
	put_file(out, "libjwt", "jwt_decode");
	buf_printf(out, "cJSON %s\n", cJSON_Version());
	buf_printf(out, "OpenSSL %s\n", digest_library_version());
	put_file(out, "libfcgi", "FCGX_Accept_r");
	put_file(out, "libcurl", "curl_easy_init");
}
