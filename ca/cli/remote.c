/* SPDX-License-Identifier: ISC */
#include "ca/cli/remote.h"

#include <stdlib.h>
#include <string.h>

#include "ca/client/kept.h"
#include "lib/base/file.h"

#define KRL_FILE_MAX (64 * 1024 * 1024)

bool
cli_is_remote(const struct cli_args *a)
{
	return !cli_has_dir(a) && !file_exists("writ.yaml") && profile_exists();
}

static void
say(void *ctx, const char *sentence)
{
	(void)ctx;
	cli_warn("%s", sentence);
}

void
cli_remote_init(struct remote *r)
{
	remote_init(r, say, NULL);
}

int
cli_remote_open(struct remote *r, struct err *e)
{
	int rc = remote_open(r, e);

	if (rc == 0)
		kept_clean(&r->profile);
	return rc;
}

void
cli_remote_world(struct remote *r, struct cli_world *out)
{
	memset(out, 0, sizeof(*out));
	trust_init(&out->own);
	out->trust = &r->trust;
	out->standing = r->standing;
}

int
cli_remote_signer(const struct cli_args *a, struct remote *r, char **key_path,
    const struct person **who, struct err *e)
{
	const char *file = cli_get(a, "i");
	int rc;

	if (file == NULL)
		file = r->profile.key;
	if ((rc = cli_signer_file(file, r->trust.policy, r->standing, key_path,
		 who, e)) != 0)
		return rc;
	if (r->profile.person == NULL ||
	    strcmp(r->profile.person, (*who)->id) == 0)
		return 0;
	return err_set(e, ERR_DENIED, "%s is a key of %s, expected one of %s",
	    *key_path, (*who)->id, r->profile.person);
}

int
cli_remote_krl(struct buf **out, struct err *e)
{
	struct buf *b = NULL;
	char *path = NULL, *text = NULL;
	struct remote r;
	size_t n = 0;
	int rc;

	cli_remote_init(&r);
	if ((rc = cli_remote_open(&r, e)) != 0 ||
	    (rc = remote_pull_krl(&r, e)) != 0 ||
	    (rc = profile_path(&r.profile, "revoked.krl", &path, e)) != 0 ||
	    (rc = file_read(path, KRL_FILE_MAX, &text, &n, e)) != 0)
		goto out;
	if (buf_new(&b, n + 1) != 0 || buf_put(b, text, n) != 0) {
		rc = err_nomem(e);
		goto out;
	}
	*out = b;
	b = NULL;
out:
	buf_free(b);
	free(text);
	free(path);
	remote_clear(&r);
	return rc;
}
