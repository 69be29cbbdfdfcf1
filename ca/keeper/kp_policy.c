/* SPDX-License-Identifier: ISC */
/* What is in force, handed out, for whoever checks it himself. */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_impl.h"
#include "lib/base/clock.h"

#define ACTS_MAX   1000
#define ACTS_BYTES (4u * 1024 * 1024)
#define PROGRAM    "writ 0.1"

static void
put_slice(struct jw *w, const char *key, struct slice s)
{
	jw_strn(w, key, (const char *)s.p, s.n);
}

int
kp_hello(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	const struct trust *t = &k->view->trust;
	char realm[HASH_HEX], now[CLOCK_TEXT];
	struct jw w;

	(void)e;
	if (c->form == FORM_TEXT) {
		hash_hex(&t->realm, realm);
		clock_format(k->now, now);
		str_addf(&a->body,
		    "you are     %s\nrealm       %s\npolicy      version %llu, "
		    "root %llu\nnow         %s\n",
		    c->person, realm, (unsigned long long)t->policy->version,
		    (unsigned long long)t->root_version, now);
		return 0;
	}
	jw_init(&w, &a->body, false);
	jw_begin(&w, NULL, '{');
	jw_hex(&w, "realm", t->realm.b, HASH_LEN);
	jw_str(&w, "person", c->person);
	jw_u64(&w, "policy_version", t->policy->version);
	jw_u64(&w, "root_version", t->root_version);
	jw_time(&w, "now", k->now);
	jw_str(&w, "version", PROGRAM);
	jw_end(&w, '}');
	return 0;
}

int
kp_help(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	struct str s = STR_INIT;
	struct jw w;

	(void)k;
	(void)e;
	call_help(&ca_calls, &s);
	if (c->form == FORM_TEXT) {
		str_addn(&a->body, s.p, s.n);
	} else {
		jw_init(&w, &a->body, false);
		jw_begin(&w, NULL, '{');
		jw_str(&w, "text", s.p);
		jw_end(&w, '}');
	}
	a->body.failed = a->body.failed || s.failed;
	str_clear(&s);
	return 0;
}

int
kp_policy(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	const struct bundle_chain *chain = k->view->chain;
	uint64_t have = 0;
	struct jw w;
	int r;

	if ((r = json_u64(c->args, "have", JSON_OPTIONAL, 0, UINT64_MAX, &have,
		 e)) != 0)
		return r;
	jw_init(&w, &a->body, false);
	jw_begin(&w, NULL, '{');
	if (have == chain->version) {
		jw_u64(&w, "version", chain->version);
		jw_end(&w, '}');
		return 0;
	}
	jw_hex(&w, "realm", k->view->trust.realm.b, HASH_LEN);
	jw_u64(&w, "version", chain->version);
	jw_begin(&w, "roots", '[');
	for (size_t i = 0; i < chain->n_roots; i++) {
		jw_begin(&w, NULL, '{');
		put_slice(&w, "file", chain->root_files[i]);
		put_slice(&w, "statement", chain->root_statements[i]);
		jw_end(&w, '}');
	}
	jw_end(&w, ']');
	put_slice(&w, "statement", chain->statement);
	put_slice(&w, "manifest", chain->manifest);
	jw_end(&w, '}');
	return 0;
}

int
kp_object(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	struct slice data;
	struct hash h = {{0}};
	struct jw w;
	int r;

	if ((r = json_hex(c->args, "sha256", 0, h.b, HASH_LEN, e)) != 0)
		return r;
	data = kp_view_object(k->view, &h);
	if (data.p == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "no file of the policy in force has this content");
	jw_init(&w, &a->body, false);
	jw_begin(&w, NULL, '{');
	jw_base64(&w, "data", data.p, data.n);
	jw_end(&w, '}');
	return 0;
}

struct acts {
	struct jw w;
	size_t bytes;
	uint64_t next, n;
	bool more;
};

static int
put_act(void *ctx, uint64_t index, struct slice text)
{
	struct acts *x = ctx;

	if (x->n > 0 && x->bytes + text.n > ACTS_BYTES) {
		x->more = true;
		return 1;
	}
	jw_begin(&x->w, NULL, '{');
	jw_u64(&x->w, "index", index);
	put_slice(&x->w, "statement", text);
	jw_end(&x->w, '}');
	x->bytes += text.n;
	x->next = index + 1;
	if (++x->n == ACTS_MAX) {
		x->more = true;
		return 1;
	}
	return 0;
}

int
kp_acts(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	struct acts x = {.n = 0};
	uint64_t from = 0;
	int r;

	if ((r = json_u64(c->args, "from", JSON_OPTIONAL, 0, UINT64_MAX, &from,
		 e)) != 0)
		return r;
	jw_init(&x.w, &a->body, false);
	jw_begin(&x.w, NULL, '{');
	jw_begin(&x.w, "acts", '[');
	r = requests_acts(k->rows, from, ACTS_MAX, put_act, &x, e);
	jw_end(&x.w, ']');
	/* Whoever has all goes on from the log's end. */
	jw_u64(&x.w, "next",
	    x.more                                 ? x.next
		: from > requests_applied(k->rows) ? from
						   : requests_applied(k->rows));
	jw_bool(&x.w, "more", x.more);
	jw_end(&x.w, '}');
	return r < 0 ? r : 0;
}

int
kp_krl_call(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	uint64_t have = 0;
	struct jw w;
	int r;

	if ((r = json_u64(c->args, "have", JSON_OPTIONAL, 0, UINT64_MAX, &have,
		 e)) != 0)
		return r;
	if (k->krl == NULL) {
		(void)err_set(e, ERR_NOTFOUND,
		    "there is no revocation list yet");
		err_hint(e, "ask again in a minute");
		return ERR_NOTFOUND;
	}
	jw_init(&w, &a->body, false);
	jw_begin(&w, NULL, '{');
	jw_u64(&w, "version", k->krl->version);
	if (have != k->krl->version) {
		jw_str(&w, "statement", k->krl->statement);
		jw_base64(&w, "krl", buf_slice(k->krl->list).p,
		    buf_len(k->krl->list));
	}
	jw_end(&w, '}');
	return 0;
}
