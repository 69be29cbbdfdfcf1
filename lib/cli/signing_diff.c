/* SPDX-License-Identifier: ISC */
/* What a signature would be given to: the changes, as diff(1) shows them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/cli/signing.h"
#include "lib/proc/child.h"

/* A draft is another officer's bytes, and may not even be YAML. */
static int
show(const char *text, size_t n, struct err *e)
{
	struct str s = STR_INIT;
	int r;

	str_add_shown(&s, text, n);
	if ((r = str_check(&s)) == 0)
		(void)fwrite(s.p, 1, s.n, stdout);
	else
		(void)err_nomem(e);
	str_clear(&s);
	return r;
}

static int
diff_file(const char *dir, const char *sub, const char *path,
    const struct policy_file *old, bool is_new, struct err *e)
{
	char hex[HASH_HEX], *from = NULL, *to = NULL, *a = NULL, *b = NULL;
	struct child_result res = {0};
	struct hash h;
	int r = ERR_NOMEM;

	if (old != NULL) {
		hash_sha256(old->data, old->n, &h);
		hash_hex(&h, hex);
	}
	if (path_joinf(&from, old != NULL ? "%s/bundle/%s" : "/dev/null", dir,
		hex) != 0 ||
	    path_joinf(&to, is_new ? "%s/%s/%s" : "/dev/null", dir, sub,
		path) != 0 ||
	    path_joinf(&a, "published/%s", path) != 0 ||
	    path_joinf(&b, "%s/%s", sub, path) != 0) {
		(void)err_nomem(e);
	} else {
		const char *argv[] = {"diff", "-u", "--label", a, "--label", b,
		    "--", from, to, NULL};
		struct child_run run = {.argv = argv,
		    .out_max = 4 * POLICY_FILE_MAX,
		    .err_through = true};

		r = child_run(&run, &res, e);
		if (r == 0)
			r = show((const char *)res.out, res.out_len, e);
		child_result_clear(&res);
	}
	free(from);
	free(to);
	free(a);
	free(b);
	return r;
}

int
cli_print_diff(const char *dir, const char *sub, const struct policy_files *old,
    const struct policy_files *draft, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < draft->n && r == 0; i++) {
		const struct policy_file *now = &draft->v[i];
		const struct policy_file *was =
		    policy_files_find(old, now->path);

		if (was == NULL || was->n != now->n ||
		    memcmp(was->data, now->data, now->n) != 0)
			r = diff_file(dir, sub, now->path, was, true, e);
	}
	for (size_t i = 0; i < old->n && r == 0; i++)
		if (policy_files_find(draft, old->v[i].path) == NULL)
			r = diff_file(dir, sub, old->v[i].path, &old->v[i],
			    false, e);
	return r;
}
