/* SPDX-License-Identifier: ISC */
/*
 * Many requests, signed and approved, in a moment: for benchmarks and tests of
 * batches.  What people do with `writ request` and `writ approve`, with keys
 * in this process, since a thousand runs of ssh-keygen take their time.
 *
 *	mkrequests -C DIR -o OUT -n N -g GRANT -p PRINCIPAL -i PERSON=KEY
 *	    [-a PERSON=KEY [-k PER_DECISION]]
 *
 * writes OUT/kNNNNN.pub, a new subject each (one of ten P-256, else Ed25519),
 * OUT/rNNNNN.req by the person of -i, and where -a is given the decisions
 * beside them (OUT/rNNNNN.req.PERSON), each over PER_DECISION requests (200).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/issue/issue.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/bundle/bundles.h"
#include "lib/crypto/random.h"
#include "lib/key/key.h"

struct author {
	char *id; /* NULL: nobody */
	struct key *key;
};

struct making {
	const char *dir, *out, *grant, *principal;
	size_t n, per_decision;
	struct author asker, approver;
	struct trust trust;
	struct standing *standing;
	/* The requests that wait for a decision. */
	struct hash names[DECISION_REQUESTS_MAX];
	size_t first, n_names;
};

static _Noreturn void
die(const struct err *e, const char *what)
{
	fprintf(stderr, "mkrequests: %s: %s\n", what, e->msg);
	exit(1);
}

static void
need(int r, const struct err *e, const char *what)
{
	if (r != 0)
		die(e, what);
}

static _Noreturn void
usage(void)
{
	fprintf(stderr,
	    "usage: mkrequests -C DIR -o OUT -n N -g GRANT -p PRINCIPAL "
	    "-i PERSON=KEY [-a PERSON=KEY [-k PER_DECISION]]\n");
	exit(2);
}

static char *
path_of(const struct making *m, size_t i, const char *form, const char *suffix)
{
	char *path = NULL;

	if (path_joinf(&path, "%s/%s%05zu.%s%s", m->out, form, i,
		*form == 'k' ? "pub" : "req", suffix) != 0)
		abort();
	return path;
}

static void
put(const struct making *m, size_t i, const char *form, const char *suffix,
    const struct str *text)
{
	struct err e = {0};
	char *path = path_of(m, i, form, suffix);

	if (str_check(text) != 0)
		abort();
	need(file_write(path, text->p, text->n, 0644, FILE_NOSYNC, &e), &e,
	    path);
	free(path);
}

/* One more name of a file that put() made. */
static void
again(const struct making *m, size_t i, size_t to, const char *form,
    const char *suffix)
{
	char *from = path_of(m, i, form, suffix);
	char *path = path_of(m, to, form, suffix);
	struct err e = {0};

	need(file_link(from, path, FILE_NOSYNC, &e), &e, path);
	free(from);
	free(path);
}

/* Encode and sign; s borrows all it points to and is not cleared. */
static void
say(const struct making *m, const struct author *by, struct statement *s,
    struct str *text)
{
	struct err e = {0};

	s->realm = m->trust.realm;
	s->by = by->id;
	s->at = clock_now();
	random_bytes(s->nonce, sizeof(s->nonce));
	need(statement_encode(s, text, &e), &e, "encode");
	need(key_sshsig(by->key, statement_namespace(s->type),
		 slice_of(text->p, text->n), text, &e),
	    &e, "sign");
}

/* What an officer is shown for this request. */
static void
shown(const struct making *m, const struct str *request,
    struct issue_result *out)
{
	struct issue_input in = {.policy = m->trust.policy,
	    .standing = m->standing,
	    .realm = &m->trust.realm,
	    .now = clock_now()};
	struct statement s;
	struct err e = {0};

	statement_init(&s, ST_REQUEST);
	need(statement_parse("request", slice_of(request->p, request->n), &s,
		 &e),
	    &e, "parse");
	need(statement_verify(&s, &e), &e, "verify");
	in.request = &s;
	issue_result_init(out);
	need(issue_decide(&in, out, &e), &e, "decide");
	if (out->verdict != ISSUE_WAITING && out->verdict != ISSUE_READY)
		die(&out->why, "policy refuses");
	statement_clear(&s);
}

/* One decision over the requests that wait, beside each of them. */
static void
approve(struct making *m, const struct issue_result *res)
{
	struct outcome o = res->shown;
	struct str text = STR_INIT;
	struct statement s;
	char suffix[ID_MAX + 2];

	if (m->n_names == 0)
		return;
	o.requests = m->names;
	o.n_requests = m->n_names;
	statement_init(&s, ST_DECISION);
	s.u.d.policy = m->trust.policy->hash;
	s.u.d.approve = true;
	s.u.d.outcomes = &o;
	s.u.d.n_outcomes = 1;
	say(m, &m->approver, &s, &text);
	snprintf(suffix, sizeof(suffix), ".%s", m->approver.id);
	put(m, m->first, "r", suffix, &text);
	for (size_t i = 1; i < m->n_names; i++)
		again(m, m->first, m->first + i, "r", suffix);
	str_clear(&text);
	m->first += m->n_names;
	m->n_names = 0;
}

static struct key *
subject(const struct making *m, size_t i)
{
	struct key *k = NULL;
	struct str line = STR_INIT;
	struct err e = {0};

	need(key_generate(i % 10 == 9 ? PUBKEY_ECDSA256 : PUBKEY_ED25519, &k,
		 &e),
	    &e, "key");
	pubkey_add_line(&line, key_public(k), m->asker.id);
	str_addc(&line, '\n');
	put(m, i, "k", "", &line);
	str_clear(&line);
	return k;
}

static void
request(struct making *m, size_t i, struct str *text)
{
	struct key *k = subject(m, i);
	struct statement s;
	struct str reason = STR_INIT;

	statement_init(&s, ST_REQUEST);
	s.u.r.kind = CERT_USER;
	s.u.r.grant = (char *)(uintptr_t)m->grant;
	s.u.r.subject = (struct pubkey *)(uintptr_t)key_public(k);
	str_addf(&reason, "roll out release 4.%zu of the shop", i);
	s.u.r.reason = reason.p;
	s.u.r.length = 3600;
	if (strs_add(&s.u.r.principals, m->principal) != 0)
		abort();
	say(m, &m->asker, &s, text);
	put(m, i, "r", "", text);
	strs_clear(&s.u.r.principals);
	str_clear(&reason);
	key_free(k);
}

static void
make_all(struct making *m)
{
	struct issue_result res;
	struct str text = STR_INIT;

	for (size_t i = 0; i < m->n; i++) {
		struct slice message;

		str_reset(&text);
		request(m, i, &text);
		if (i == 0)
			shown(m, &text, &res);
		message = slice_of(text.p,
		    (size_t)((char *)memchr(text.p, '\n', text.n) - text.p) +
			1);
		hash_sha256(message.p, message.n, &m->names[m->n_names++]);
		if (m->approver.id == NULL)
			m->n_names = 0;
		else if (m->n_names == m->per_decision || i + 1 == m->n)
			approve(m, &res);
	}
	issue_result_clear(&res);
	str_clear(&text);
}

static void
read_author(const char *arg, struct author *out)
{
	const char *eq = strchr(arg, '=');
	struct err e = {0};

	if (eq == NULL || (size_t)(eq - arg) > ID_MAX)
		usage();
	if ((out->id = str_dupn(arg, (size_t)(eq - arg))) == NULL)
		abort();
	need(key_load_file(eq + 1, NULL, &out->key, &e), &e, eq + 1);
}

static size_t
read_number(const char *arg, uint64_t max)
{
	uint64_t n;

	if (parse_u64(arg, 1, max, &n) != 0)
		usage();
	return (size_t)n;
}

static void
read_options(struct making *m, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "C:a:g:i:k:n:o:p:")) != -1) {
		switch (c) {
		case 'C':
			m->dir = optarg;
			break;
		case 'a':
			read_author(optarg, &m->approver);
			break;
		case 'g':
			m->grant = optarg;
			break;
		case 'i':
			read_author(optarg, &m->asker);
			break;
		case 'k':
			m->per_decision =
			    read_number(optarg, DECISION_REQUESTS_MAX);
			break;
		case 'n':
			m->n = read_number(optarg, 99999);
			break;
		case 'o':
			m->out = optarg;
			break;
		case 'p':
			m->principal = optarg;
			break;
		default:
			usage();
		}
	}
	if (optind != argc || m->dir == NULL || m->out == NULL || m->n == 0 ||
	    m->grant == NULL || m->principal == NULL || m->asker.id == NULL)
		usage();
}

int
main(int argc, char **argv)
{
	static struct making m = {.per_decision = DECISION_REQUESTS_MAX};
	struct err e = {0};

	trust_init(&m.trust);
	read_options(&m, argc, argv);
	need(bundles_load(m.dir, NULL, clock_now(), &m.trust, &e), &e, m.dir);
	if (standing_new(&m.standing) != 0)
		abort();
	need(file_mkdirs(m.out, 0755, &e), &e, m.out);
	make_all(&m);
	standing_free(m.standing);
	trust_clear(&m.trust);
	key_free(m.asker.key);
	key_free(m.approver.key);
	free(m.asker.id);
	free(m.approver.id);
	return 0;
}
