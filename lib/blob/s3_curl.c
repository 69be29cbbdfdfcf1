/* SPDX-License-Identifier: ISC */
#include "lib/blob/s3_curl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define LIBRARY     "libcurl.so.4"
#define VERSION_MIN 0x074b00 /* 7.75.0 brought CURLOPT_AWS_SIGV4 */

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
#define X(type, name, args) {"curl_" #name, offsetof(struct s3_curl, name)},
    S3_CURL_LIST(X)
#undef X
};

static int
resolve(void *dl, struct s3_curl *c, struct err *e)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		void *f = dlsym(dl, functions[i].name);

		if (f == NULL)
			return err_set(e, ERR_NOTFOUND,
			    LIBRARY " has no %s, expected version 7.75 or "
				    "newer",
			    functions[i].name);
		/* ISO C has no cast from an object to a function pointer. */
		memcpy((char *)c + functions[i].offset, &f, sizeof(f));
	}
	return 0;
}

int
s3_curl_load(const struct s3_curl **out, struct err *e)
{
	static struct s3_curl loaded;
	static bool done;
	struct s3_curl c;
	void *dl;
	int r;

	if (done) {
		*out = &loaded;
		return 0;
	}
	if ((dl = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL)) == NULL) {
		r = err_set(e, ERR_NOTFOUND,
		    LIBRARY " is needed and cannot be loaded: %s", dlerror());
		err_hint(e, "apt-get install libcurl4");
		return r;
	}
	if ((r = resolve(dl, &c, e)) != 0)
		goto out;
	if (c.version_info(CURLVERSION_NOW)->version_num < VERSION_MIN) {
		r = err_set(e, ERR_NOTFOUND,
		    LIBRARY " is version %s, expected 7.75 or newer",
		    c.version_info(CURLVERSION_NOW)->version);
		goto out;
	}
	if (c.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		r = err_set(e, ERR_NOTFOUND, LIBRARY " does not start");
		goto out;
	}
	loaded = c;
	done = true;
	*out = &loaded;
	dl = NULL; /* kept: its threads and atexit handlers stay valid */
out:
	if (dl != NULL)
		dlclose(dl);
	return r;
}
