/* SPDX-License-Identifier: ISC */
#include "ca/client/handover.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/issue/issue.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/key/agent.h"

/* --- is it what was asked for --------------------------------------------- */

static int
wrong(struct err *e, const char *what)
{
	return err_set(e, ERR_DENIED,
	    "the certificate that came has %s that was not asked for", what);
}

static bool
principals_asked(const struct cert *c, const struct request *q)
{
	for (size_t i = 0; i < c->principals.n; i++)
		if (!strs_has(&q->principals, c->principals.v[i]))
			return false;
	return c->principals.n > 0;
}

static int
check(const struct kept *k, const struct policy *p, const struct cert *c,
    struct slice blob, struct err *e)
{
	const struct authority *ca = policy_authority_of_key(p, c->ca);
	const struct request *q = &k->statement.u.r;
	int r;

	if (ca == NULL || !(q->kind == CERT_HOST ? ca->host : ca->user))
		return err_set(e, ERR_DENIED,
		    "the certificate that came is by no CA of the policy");
	if ((r = cert_verify(c, blob, e)) != 0)
		return r;
	if (!pubkey_equal(c->key, q->subject))
		return wrong(e, "another key than");
	if (c->kind != q->kind)
		return wrong(e, "a kind");
	if (!principals_asked(c, q))
		return wrong(e, "a principal");
	if (c->serial != issue_serial(&k->statement.hash))
		return wrong(e, "the serial of a request");
	if (c->valid_before >
	    c->valid_after + (uint64_t)q->length + ISSUE_BACKDATE)
		return wrong(e, "a length");
	if (c->valid_before <= (uint64_t)clock_now())
		return err_set(e, ERR_EXPIRED,
		    "the certificate that came has expired");
	return 0;
}

/* --- where it goes -------------------------------------------------------- */

static int
write_suffixed(const char *base, const char *suffix, struct slice text,
    mode_t mode, unsigned flags, struct err *e)
{
	char *path = NULL;
	int r;

	if (path_joinf(&path, "%s%s", base, suffix) != 0)
		return err_nomem(e);
	r = file_write(path, text.p, text.n, mode, flags, e);
	free(path);
	return r;
}

static int
read_kept(const struct kept *k, const char *name, char **text, size_t *n,
    struct err *e)
{
	char *path = NULL;
	int r;

	if ((r = kept_path(k, name, &path, e)) == 0)
		r = file_read(path, KEY_FILE_MAX, text, n, e);
	free(path);
	return r;
}

static void
forget_key(const struct kept *k)
{
	char *path = NULL;

	if (kept_path(k, "key", &path, NULL) == 0)
		(void)unlink(path);
	free(path);
}

/* KEY-cert.pub where ssh looks for it, or where -o says. */
static int
beside_key(const struct kept *k, struct slice line, struct str *where,
    struct err *e)
{
	char *path = NULL;
	int r;

	if (k->out != NULL ? (path = str_dup(k->out)) == NULL
			   : path_joinf(&path, "%s-cert.pub", k->key_file) != 0)
		return err_nomem(e);
	r = file_write(path, line.p, line.n, 0644, 0, e);
	if (r == 0)
		str_addf(where, "%s", path);
	free(path);
	return r;
}

static int
as_files(const struct kept *k, struct slice line, struct str *where,
    struct err *e)
{
	char *key = NULL, *pub = NULL;
	size_t n = 0, pub_n = 0;
	int r;

	if ((r = read_kept(k, "key", &key, &n, e)) == 0 &&
	    (r = read_kept(k, "key.pub", &pub, &pub_n, e)) == 0 &&
	    (r = write_suffixed(k->out, "", slice_of(key, n), 0600, FILE_NEW,
		 e)) == 0 &&
	    (r = write_suffixed(k->out, ".pub", slice_of(pub, pub_n), 0644, 0,
		 e)) == 0 &&
	    (r = write_suffixed(k->out, "-cert.pub", line, 0644, 0, e)) == 0) {
		forget_key(k);
		str_addf(where, "%s, with %s-cert.pub", k->out, k->out);
	}
	if (key != NULL)
		mem_wipe(key, n);
	free(key);
	free(pub);
	return r;
}

static int
into_agent(const struct kept *k, const struct cert *c, struct slice blob,
    struct str *where, struct err *e)
{
	char *path = NULL, until[CLOCK_TEXT];
	struct key *key = NULL;
	uint64_t secs = c->valid_before - (uint64_t)clock_now();
	int r;

	if ((r = kept_path(k, "key", &path, e)) == 0 &&
	    (r = key_load_file(path, NULL, &key, e)) == 0 &&
	    (r = agent_add(NULL, key, blob, c->key_id,
		 secs < UINT32_MAX ? (uint32_t)secs : UINT32_MAX, e)) == 0) {
		forget_key(k);
		clock_format((int64_t)c->valid_before, until);
		str_addf(where, "the ssh-agent, until %s", until);
	}
	key_free(key);
	free(path);
	return r;
}

static int
place(const struct kept *k, const struct cert *c, struct slice blob,
    struct slice line, struct str *where, struct err *e)
{
	struct err why = {0};
	char *path = NULL;
	bool there;
	int r;

	if (k->key_file != NULL)
		return beside_key(k, line, where, e);
	if ((r = kept_path(k, "key", &path, e)) != 0)
		return r;
	there = file_exists(path);
	/* Fetched once more: the agent, or -o FILE, has the key. */
	if (!there) {
		str_add(where, "the place where it was put before");
		goto out;
	}
	if (k->out != NULL) {
		r = as_files(k, line, where, e);
		goto out;
	}
	if (agent_there(NULL) && into_agent(k, c, blob, where, &why) == 0)
		goto out;
	str_addf(where, "%s, with %s/key-cert.pub", path, k->dir);
	if (why.msg[0] != '\0')
		str_addf(where, " (not in the ssh-agent: %s)", why.msg);
out:
	free(path);
	return r;
}

int
handover(struct kept *k, const struct policy *p, const char *line,
    struct str *where, struct err *e)
{
	struct buf *blob = NULL;
	struct str text = STR_INIT;
	struct cert c;
	int r;

	cert_init(&c);
	if ((r = buf_new(&blob, CERT_MAX)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	if ((r = cert_parse_line(line, strlen(line), blob, e)) != 0 ||
	    (r = cert_parse(buf_slice(blob), &c, e)) != 0 ||
	    (r = check(k, p, &c, buf_slice(blob), e)) != 0)
		goto out;
	str_add(&text, line);
	if (text.n == 0 || text.p[text.n - 1] != '\n')
		str_addc(&text, '\n');
	if ((r = str_check(&text)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	if ((r = write_suffixed(k->dir, "/key-cert.pub",
		 slice_of(text.p, text.n), 0644, 0, e)) != 0)
		goto out;
	r = place(k, &c, buf_slice(blob), slice_of(text.p, text.n), where, e);
	if (r == 0) {
		cert_clear(&k->cert);
		k->cert = c;
		k->has_cert = true;
		cert_init(&c);
	}
out:
	str_clear(&text);
	buf_free(blob);
	cert_clear(&c);
	return r;
}

/* --- at hand -------------------------------------------------------------- */

int
handover_identity(const struct kept *k, char **out, struct err *e)
{
	const char *named = k->key_file != NULL ? k->key_file : k->out;

	if (named == NULL)
		return kept_path(k, "key", out, e);
	return (*out = str_dup(named)) != NULL ? 0 : err_nomem(e);
}

static int
is_that_key(void *ctx, struct slice blob, struct slice comment)
{
	(void)comment;
	return slice_equal(blob, pubkey_blob(ctx));
}

bool
handover_at_hand(const struct kept *k, int64_t now, int64_t secs)
{
	char *path = NULL;
	bool there;

	if (!k->has_cert || k->cert.valid_after > (uint64_t)now ||
	    k->cert.valid_before < (uint64_t)(now + secs))
		return false;
	if (handover_identity(k, &path, NULL) != 0)
		return false;
	there = file_exists(path);
	free(path);
	/* The one place where an answer of 1 is "found". */
	return there || agent_each(NULL, is_that_key, k->cert.key, NULL) == 1;
}
