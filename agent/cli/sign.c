/* SPDX-License-Identifier: ISC */
/*
 * writ fleet sign: one operator's signature at a time over the fleet's bundle;
 * published in DIR/bundle when the threshold holds.
 *
 * A statement that still lacks signatures lies there as draft.fleet.  It is
 * worth nothing once what it signs has changed; then a new one is begun, and
 * says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cli/cli.h"
#include "agent/cli/signer.h"
#include "lib/base/file.h"
#include "lib/cli/signing.h"

#define BUNDLE_LIFE (180 * INT64_C(86400))
/* Signing what has not changed makes a new version only this close to the end
 * of the old one. */
#define RENEW_BEFORE (30 * INT64_C(86400))

struct signing {
	struct fleet_signer by;
	int64_t expires;
	bool expires_given;
	struct policy_files files; /* the working copy */
	struct str manifest;
	struct hash manifest_hash;
	struct fleet_chain old; /* version 0: nothing published */
	struct hash old_name;
	int64_t old_expires;
	struct statement draft; /* n_bytes 0: none */
	char *draft_path;
};

/* --- gathering ------------------------------------------------------------ */

/*
 * What is published, as what the next one follows.  Whether enough operators
 * signed it is not asked: one of them may have left since, which is a reason to
 * sign anew.
 */
static int
load_published(struct signing *s, struct err *e)
{
	struct statement st;
	struct err why = {0};
	int r;

	r = fleets_read(s->by.dir, 0, &s->old, &why);
	if (r == ERR_NOTFOUND && s->old.version == 0)
		return 0;
	if (r != 0) {
		if (e != NULL)
			*e = why;
		return r;
	}
	statement_init(&st, ST_FLEET);
	if ((r = statement_parse("published fleet", s->old.statement, &st,
		 e)) == 0 &&
	    (r = statement_verify(&st, e)) == 0 &&
	    !hash_equal(&st.realm, &s->by.trust.realm))
		r = err_set(e, ERR_DENIED,
		    "%s/bundle: fleet %llu is of another realm", s->by.dir,
		    (unsigned long long)s->old.version);
	s->old_name = st.hash;
	s->old_expires = st.u.bundle.expires;
	statement_clear(&st);
	return r;
}

/* The working copy, checked as `check` does. */
static int
load_files(struct signing *s, struct err *e)
{
	struct bundle_statement b = {0};
	struct conf_diags diags = {0};
	struct manifest m = {0};
	struct fleet *f = NULL;
	int r;

	if ((r = fleet_read_draft(s->by.dir, &s->files, e)) != 0)
		return r;
	r = fleet_check_files(s->by.dir, &s->files, NULL, &f, NULL, NULL,
	    &diags, e);
	fleet_print_diags(&diags);
	conf_diags_clear(&diags);
	fleet_free(f);
	if (r != 0)
		return r;
	if ((r = manifest_of(&s->files, &s->manifest)) != 0)
		return err_set(e, r,
		    "MANIFEST: %s, expected files of [A-Za-z0-9._@+-]",
		    err_text(r));
	hash_sha256(s->manifest.p, s->manifest.n, &s->manifest_hash);
	b.manifest = s->manifest_hash;
	b.manifest_size = s->manifest.n;
	/* What no host would take is not signed. */
	r = fleet_manifest_check(&b, slice_of(s->manifest.p, s->manifest.n), &m,
	    e);
	manifest_clear(&m);
	return r;
}

static int
lock_place(struct signing *s, int *lock, struct err *e)
{
	char *path = NULL;
	int r;

	if (path_joinf(&path, "%s/bundle/lock", s->by.dir) != 0 ||
	    path_joinf(&s->draft_path, "%s/bundle/draft.fleet", s->by.dir) != 0)
		r = err_nomem(e);
	else
		r = file_lock(path, lock, e);
	free(path);
	return r;
}

/* What a crash after publishing left undone: a draft of what is published is
 * no draft of a further version. */
static void
drop_finished(struct signing *s)
{
	if (s->draft.n_bytes == 0 || s->draft.type != ST_FLEET ||
	    s->draft.u.bundle.version > s->old.version)
		return;
	(void)unlink(s->draft_path);
	statement_clear(&s->draft);
	statement_init(&s->draft, ST_FLEET);
}

/* --- the draft ------------------------------------------------------------ */

static bool
draft_fits(const struct signing *s)
{
	const struct bundle_statement *b = &s->draft.u.bundle;
	const struct person *by;

	if (s->draft.n_bytes == 0 || s->draft.type != ST_FLEET ||
	    !hash_equal(&s->draft.realm, &s->by.trust.realm))
		return false;
	/* It has to be by one of those who sign it. */
	by = policy_person(s->by.trust.root, s->draft.by);
	if (by == NULL || !by->operator)
		return false;
	return b->version == s->old.version + 1 &&
	    hash_equal(&b->manifest, &s->manifest_hash) &&
	    b->has_previous == (s->old.version > 0) &&
	    (!b->has_previous || hash_equal(&b->previous, &s->old_name)) &&
	    (!s->expires_given || b->expires == s->expires) &&
	    b->expires > s->by.now;
}

static int
begin_draft(struct signing *s, struct err *e)
{
	struct str text = STR_INIT;
	struct statement fresh;
	struct bundle_statement *b = &fresh.u.bundle;
	int r;

	r = cli_new_statement(&fresh, ST_FLEET, &s->by.trust.realm,
	    s->by.person, e);
	b->version = s->old.version + 1;
	b->expires = s->expires;
	b->manifest = s->manifest_hash;
	b->manifest_size = s->manifest.n;
	b->has_previous = s->old.version > 0;
	b->previous = s->old_name;
	if (r == 0 && (r = statement_encode(&fresh, &text, e)) == 0)
		r = statement_parse_message("fleet", slice_of(text.p, text.n),
		    &s->draft, e);
	statement_clear(&fresh);
	str_clear(&text);
	return r;
}

/* --- publishing ----------------------------------------------------------- */

static int
publish(struct signing *s, struct err *e)
{
	struct fleet_chain c = {
	    .statement = statement_bytes(&s->draft),
	    .manifest = slice_of(s->manifest.p, s->manifest.n),
	    .files = s->files,
	    .version = s->draft.u.bundle.version,
	}; /* all borrowed */
	struct fleet_held held = {.have = s->old.version > 0,
	    .version = s->old.version,
	    .bundle = s->old_name,
	    .expires = s->old_expires};
	struct fleet_input in;
	int r;

	fleet_chain_input(&c, &in);
	/* As every host will judge it. */
	if ((r = fleet_accept(&held, &s->by.trust, &in, s->by.now, e)) < 0 ||
	    (r = fleets_store(s->by.dir, &c, e)) != 0)
		return r;
	(void)unlink(s->draft_path); /* void from now on anyway */
	printf("fleet %llu is published; a job brings it to hosts\n",
	    (unsigned long long)c.version);
	return 0;
}

/* --- the command ---------------------------------------------------------- */

static bool
nothing_to_sign(const struct signing *s)
{
	return s->old.version > 0 && !s->expires_given &&
	    s->draft.n_bytes == 0 &&
	    slice_equal(slice_of(s->manifest.p, s->manifest.n),
		s->old.manifest) &&
	    s->old_expires - s->by.now > RENEW_BEFORE;
}

/* What the statement says and no file does. */
static void
say_terms(const struct signing *s)
{
	bool begun = draft_fits(s);
	char when[CLOCK_TEXT];

	clock_format(begun ? s->draft.u.bundle.expires : s->expires, when);
	printf("fleet %llu counts until %s%s%s\n",
	    (unsigned long long)s->old.version + 1, when,
	    begun ? ", as begun by " : "", begun ? s->draft.by : "");
}

static int
sign(struct signing *s, bool yes, struct err *e)
{
	char what[40];
	bool holds;
	int r;

	if (nothing_to_sign(s)) {
		printf("fleet %llu is published, and nothing has changed\n",
		    (unsigned long long)s->old.version);
		return 0;
	}
	if ((r = cli_print_diff(s->by.dir, "fleet", &s->old.files, &s->files,
		 e)) != 0)
		return r;
	say_terms(s);
	if (!yes && !cli_confirm("Sign this fleet?"))
		return err_set(e, ERR_DENIED, "not signed");
	if (!draft_fits(s)) {
		if (s->draft.n_bytes > 0)
			cli_warn("what others signed has changed: their "
				 "signatures are void");
		if ((r = begin_draft(s, e)) != 0)
			return r;
	}
	(void)snprintf(what, sizeof(what), "fleet %llu",
	    (unsigned long long)s->draft.u.bundle.version);
	if ((r = cli_draft_sign(s->draft_path, s->by.key_path, s->by.key,
		 &s->draft, e)) != 0 ||
	    (r = fleet_threshold(&s->by.trust, &s->draft, what, &holds, e)) !=
		0)
		return r;
	return holds ? publish(s, e) : 0;
}

static int
run_sign(struct cli_args *a, struct err *e)
{
	struct signing s = {.manifest = STR_INIT};
	const char *expires = cli_get(a, "expires");
	int lock = -1, r;

	statement_init(&s.draft, ST_FLEET);
	if ((r = fleet_signer_open(a, &s.by, e)) != 0)
		goto out;
	s.expires = s.by.now + BUNDLE_LIFE;
	s.expires_given = expires != NULL;
	if ((expires != NULL &&
		(r = cli_end("--expires", expires, s.by.now, &s.expires, e)) !=
		    0) ||
	    (r = load_files(&s, e)) != 0 ||
	    (r = lock_place(&s, &lock, e)) != 0 ||
	    (r = load_published(&s, e)) != 0 ||
	    (r = cli_draft_read(s.draft_path, &s.draft, e)) != 0)
		goto out;
	drop_finished(&s);
	r = sign(&s, cli_flag(a, "y"), e);
out:
	if (lock != -1)
		(void)close(lock);
	fleet_chain_clear(&s.old);
	policy_files_clear(&s.files);
	str_clear(&s.manifest);
	statement_clear(&s.draft);
	free(s.draft_path);
	fleet_signer_clear(&s.by);
	return r;
}

static const struct cli_option options[] = {{'i', NULL, "KEY", "your key"},
    {0, "expires", "SPAN|TIME", "until when (180d)"}, CLI_YES};

const struct cli_command cmd_sign = {.name = "sign",
    .operands = "",
    .summary = "sign it, and publish it once the threshold holds",
    CLI_OPTIONS(options),
    .run = run_sign};
