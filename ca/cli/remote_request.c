/* SPDX-License-Identifier: ISC */
/* A request that a CA gets: its key, its signature, and on its way. */
#include "ca/cli/remote_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/client/handover.h"
#include "ca/client/unsent.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/key/key.h"
#include "lib/key/person.h"

/* --- answers -------------------------------------------------------------- */

int
remote_seen(const json_t *body, struct seen *out, struct err *e)
{
	int r = seen_parse(json_object_get(body, "request"), out, e);

	if (r != 0)
		err_prefix(e, "the CA's answer");
	return r;
}

int
remote_ended(const struct seen *q, struct err *e)
{
	const char *word = seen_state_name(q->state);
	struct str said = STR_INIT;
	int r = 0;

	if (q->state == SEEN_DENIED)
		seen_decisions(q, &said);
	if (said.n > 0)
		fprintf(stderr, "%s", said.p);
	str_clear(&said);
	if (q->state == SEEN_DENIED || q->state == SEEN_REFUSED)
		r = err_set(e, ERR_DENIED, "%s%s%s", word,
		    q->why != NULL ? ": " : "", q->why != NULL ? q->why : "");
	else if (q->state == SEEN_ENDED)
		r = err_set(e, ERR_EXPIRED, "%s%s%s", word,
		    q->why != NULL ? ": " : "", q->why != NULL ? q->why : "");
	return r;
}

int
remote_deliver(struct remote *r, struct kept *k, const json_t *body,
    struct err *e)
{
	struct str where = STR_INIT;
	const char *line = NULL;
	int rc;

	if ((rc = json_str(body, "certificate", 0, CERT_LINE_MAX, &line, e)) !=
	    0) {
		err_prefix(e, "the CA's answer");
		return rc;
	}
	if ((rc = handover(k, r->trust.policy, line, &where, e)) == 0)
		printf("issued: in %s\n", where.p);
	str_clear(&where);
	return rc;
}

/* --- sending -------------------------------------------------------------- */

/* KEY.pub names the pair KEY; the certificate goes beside it. */
static int
named_key(const struct ask *q, char **base, struct pubkey **subject,
    struct err *e)
{
	size_t n = strlen(q->key);
	int r;

	if ((r = person_read_pubkey(q->key, subject, e)) != 0)
		return r;
	if (n > 4 && strcmp(q->key + n - 4, ".pub") == 0)
		n -= 4;
	return (*base = str_dupn(q->key, n)) != NULL ? 0 : err_nomem(e);
}

static int
make_key(const struct ask *q, struct key **key, struct pubkey **subject,
    struct err *e)
{
	int r;

	if (q->host)
		return err_set(e, ERR_USAGE,
		    "for which key? expected --key HOST.pub");
	if (q->out != NULL && file_exists(q->out))
		return err_set(e, ERR_EXISTS, "%s: is there already", q->out);
	if ((r = key_generate(PUBKEY_ED25519, key, e)) != 0)
		return r;
	return pubkey_dup(key_public(*key), subject) == 0 ? 0 : err_nomem(e);
}

static int
submit(struct remote *r, struct kept *k, const char *text, struct seen *q,
    json_t **results, struct err *e)
{
	struct strs one = {0};
	const json_t *first;
	int status = 0, rc;

	if (strs_add(&one, text) != 0)
		return err_nomem(e);
	rc = unsent_submit(r, &one, &status, results, e);
	strs_clear(&one);
	if (rc != 0) {
		/* Whether it arrived is not known: it can be asked for. */
		err_hint(e, "writ fetch %.12s asks whether it arrived", k->id);
		return rc;
	}
	first = json_array_get(*results, 0);
	if ((rc = link_error(first, status, e)) != 0) {
		kept_remove(k);
		return rc;
	}
	return remote_seen(first, q, e);
}

static int
left_waiting(const struct kept *k, const struct seen *q, struct err *e)
{
	struct str needs = STR_INIT;
	int r;

	seen_needs(q, &needs);
	r = err_set(e, ERR_WAIT, "request %.12s waits%s%s", k->id,
	    needs.n > 0 ? " for " : "", needs.p);
	err_hint(e, "writ status; writ fetch %.12s", k->id);
	str_clear(&needs);
	return r;
}

/* It is with the CA: deliver what there is, or wait for it. */
static int
follow(struct remote *r, struct kept *k, const struct asking *asked,
    const json_t *result, const struct seen *q, bool wait, struct err *e)
{
	int rc;

	if (json_object_get(result, "certificate") != NULL)
		return remote_deliver(r, k, result, e);

	if ((rc = remote_ended(q, e)) != 0) {
		kept_remove(k);
		return rc;
	}
	if (q->state == SEEN_WAITING && !wait)
		return left_waiting(k, q, e);
	return remote_wait(r, k, q->state == SEEN_WAITING ? asked : NULL, e);
}

static int
send_signed(struct remote *r, const struct ask *q, struct asking *asked,
    const struct key *key, const char *base, bool wait, struct kept *done,
    struct err *e)
{
	struct str text = STR_INIT;
	json_t *results = NULL;
	struct seen seen;
	struct kept k;
	int rc;

	kept_init(&k);
	if ((rc = asking_sign(asked, &text, e)) == 0 &&
	    (rc = kept_new(&r->profile, text.p, key, base, q->out, &k, e)) ==
		0 &&
	    (rc = submit(r, &k, text.p, &seen, &results, e)) == 0)
		rc = follow(r, &k, asked, json_array_get(results, 0), &seen,
		    wait, e);
	if (rc == 0 && done != NULL) {
		*done = k;
		kept_init(&k);
	}
	json_decref(results);
	kept_clear(&k);
	str_clear(&text);
	return rc;
}

int
remote_ask(struct remote *r, const struct cli_args *a, const struct ask *q,
    bool check_only, bool wait, struct kept *done, struct err *e)
{
	struct pubkey *subject = NULL;
	struct key *key = NULL;
	char *base = NULL;
	struct asking asked;
	int rc;

	asking_init(&asked);
	cli_remote_world(r, &asked.world);
	if ((rc = cli_remote_signer(a, r, &asked.key_path, &asked.who, e)) != 0)
		goto out;
	rc = q->key != NULL ? named_key(q, &base, &subject, e)
			    : make_key(q, &key, &subject, e);
	if (rc == 0 && !check_only && (q->out != NULL || base != NULL))
		rc = cli_check_place(q->out != NULL ? q->out : base, e);
	if (rc != 0) {
		pubkey_free(subject);
		goto out;
	}
	if ((rc = asking_fill(&asked, q, subject, e)) != 0 ||
	    (rc = asking_choose(&asked, q, e)) != 0 ||
	    (rc = asking_check(&asked, check_only, NULL, e)) != 0 || check_only)
		goto out;
	rc = send_signed(r, q, &asked, key, base, wait, done, e);
out:
	free(base);
	key_free(key);
	asking_clear(&asked);
	return rc;
}

int
run_request_remote(struct cli_args *a, const struct ask *q, struct err *e)
{
	struct remote r;
	int rc;

	cli_remote_init(&r);
	if ((rc = cli_remote_open(&r, e)) == 0)
		rc = remote_ask(&r, a, q, cli_flag(a, "check"),
		    !cli_flag(a, "no-wait"), NULL, e);
	remote_clear(&r);
	return rc;
}
