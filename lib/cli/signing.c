/* SPDX-License-Identifier: ISC */
#include "lib/cli/signing.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/bundle/bundles.h"
#include "lib/cli/cli.h"
#include "lib/crypto/random.h"
#include "lib/key/person.h"

#define DAY_S 86400

int
cli_load_trust(const char *dir, int64_t now, struct trust *out, struct err *e)
{
	struct str text = STR_INIT;
	int r;

	if ((r = bundles_load(dir, NULL, now, out, e)) < 0)
		return cli_no_deployment(dir, r, e);
	r = trust_expiry(out, now, &text, e);
	if (text.n > 0)
		cli_warn("%s", text.p);
	str_clear(&text);
	return r < 0 ? r : 0;
}

void
cli_say_missing(const struct policy *root, const struct strs *who,
    const char *what, unsigned need, bool (*may)(const struct person *p))
{
	printf("%s: %zu of %u signatures (", what, who->n, need);
	for (size_t i = 0; i < who->n; i++)
		printf("%s%s", i > 0 ? ", " : "", who->v[i]);
	printf("); still to sign, any of:");
	for (size_t i = 0; i < root->n_people; i++)
		if (may(&root->people[i]) && !strs_has(who, root->people[i].id))
			printf(" %s", root->people[i].id);
	printf("\n");
}

int
cli_read_statement(const char *path, struct statement *out, struct err *e)
{
	char *text = NULL;
	size_t n;
	int r;

	if ((r = file_read(path, STATEMENT_MAX, &text, &n, e)) != 0)
		return r;
	r = statement_parse(path, slice_of(text, n), out, e);
	free(text);
	return r;
}

int
cli_check_place(const char *path, struct err *e)
{
	struct stat st;
	char *dir;
	size_t n;
	int r = 0;

	if (path == NULL || strcmp(path, "-") == 0)
		return 0;
	n = (size_t)(path_base(path) - path);
	if ((dir = n > 0 ? str_dupn(path, n) : str_dup(".")) == NULL)
		return err_nomem(e);
	if (access(dir, W_OK | X_OK) != 0)
		r = err_sys(e, "no file can be made in %s", dir);
	else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		r = err_sys(e, "%s", path);
	} else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		/* Of /dev/null, root would make a file for all. */
		r = err_set(e, ERR_SYS, "%s is not a regular file", path);
	}
	free(dir);
	return r;
}

int
cli_write_new(const char *path, struct slice text, struct err *e)
{
	if (path == NULL || strcmp(path, "-") == 0) {
		if (fwrite(text.p, 1, text.n, stdout) != text.n)
			return err_sys(e, "standard output");
		return 0;
	}
	return file_write(path, text.p, text.n, 0644, FILE_NEW, e);
}

int
cli_new_statement(struct statement *s, enum statement_type type,
    const struct hash *realm, const char *by, struct err *e)
{
	statement_init(s, type);
	s->realm = *realm;
	s->at = clock_now();
	random_bytes(s->nonce, sizeof(s->nonce));
	if ((s->by = str_dup(by)) == NULL)
		return err_nomem(e);
	return 0;
}

int
cli_sign_statement(const struct statement *s, const char *const *keys,
    size_t n_keys, struct str *out, struct err *e)
{
	struct str text = STR_INIT;
	size_t message;
	int r;

	if ((r = statement_encode(s, &text, e)) != 0)
		goto out;
	message = text.n;
	for (size_t i = 0; i < n_keys && r == 0; i++)
		r = person_sign(keys[i], statement_namespace(s->type),
		    slice_of(text.p, message), &text, e);
	if (r == 0 && (r = str_check(&text)) != 0)
		(void)err_nomem(e);
	if (r == 0)
		str_addn(out, text.p, text.n);
out:
	str_clear(&text);
	return r;
}

int
cli_time(const char *option, const char *text, int64_t now, int sign,
    int64_t *out, struct err *e)
{
	char quoted[QUOTE_MAX];
	int64_t secs;

	if (span_parse(text, &secs) == 0) {
		*out = now + sign * secs;
		return 0;
	}
	if (clock_parse_lax(text, out) == 0)
		return 0;
	return err_set(e, ERR_USAGE,
	    "%s is %s, expected a span such as 24h or a time such as "
	    "2026-11-23T08:00:00Z",
	    option, str_quote(quoted, text));
}

int
cli_end(const char *option, const char *text, int64_t now, int64_t *out,
    struct err *e)
{
	char quoted[QUOTE_MAX];
	int r;

	if ((r = cli_time(option, text, now, 1, out, e)) != 0)
		return r;
	if (*out > now)
		return 0;
	return err_set(e, ERR_USAGE,
	    "%s is %s, which is past, expected a time ahead", option,
	    str_quote(quoted, text));
}

int
cli_since(const char *text, int64_t now, int64_t *out, struct err *e)
{
	int64_t at;
	int r;

	if ((r = cli_time("--since", text, now, -1, &at, e)) != 0)
		return r;
	/* A date alone is the last second of that day. */
	*out = strlen(text) == sizeof("2026-11-23") - 1 &&
		clock_parse_lax(text, &at) == 0
	    ? at - (DAY_S - 1)
	    : at;
	return 0;
}

void
cli_warn_since(const char *text, int64_t since, int64_t now)
{
	char quoted[QUOTE_MAX];

	if (since > now)
		cli_warn("--since is %s, which is yet to come: nothing can "
			 "have happened since",
		    str_quote(quoted, text));
}

/* --- drafts --------------------------------------------------------------- */

int
cli_draft_read(const char *path, struct statement *out, struct err *e)
{
	struct err why = {0};
	int r = 0;

	if (!file_exists(path))
		return 0;
	if ((r = cli_read_statement(path, out, &why)) == 0)
		r = statement_verify(out, &why);
	if (r == 0)
		return 0;
	if (r == ERR_NOMEM)
		return err_nomem(e);
	cli_warn("%s is passed over: %s", path, why.msg);
	statement_clear(out);
	return 0;
}

int
cli_draft_sign(const char *path, const char *key_path, const struct pubkey *key,
    struct statement *d, struct err *e)
{
	struct str text = STR_INIT;
	int r;

	if (statement_signed_by(d, key) >= 0)
		return 0;
	str_addn(&text, (const char *)d->bytes, d->n_bytes);
	if ((r = str_check(&text)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	if ((r = person_sign(key_path, statement_namespace(d->type),
		 slice_of(text.p, d->message_len), &text, e)) != 0 ||
	    (r = statement_parse(path_base(path), slice_of(text.p, text.n), d,
		 e)) != 0 ||
	    (r = statement_verify(d, e)) != 0)
		goto out;
	r = file_write(path, text.p, text.n, 0644, 0, e);
out:
	str_clear(&text);
	return r;
}
