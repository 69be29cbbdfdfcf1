/* SPDX-License-Identifier: ISC */
/* Who logged in, as hosts saw it: told to people. */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_calls.h"
#include "agent/master/mk_impl.h"

#define LIMIT_MAX  1000
#define ANSWER_MAX (4 * 1024 * 1024) /* bytes; one event more fits too */

/* --- asked for ------------------------------------------------------------ */

static int
read_host(const json_t *args, struct login_query *q, struct err *e)
{
	char quoted[QUOTE_MAX];
	int r;

	r = json_str(args, "host", JSON_OPTIONAL, ID_MAX, &q->host, e);
	if (r != 0 || q->host == NULL || id_is_valid(q->host))
		return r;
	return err_set(e, ERR_PARSE, "'host' is %s, expected a host's id",
	    str_quote(quoted, q->host));
}

static int
read_certificate(const json_t *args, struct login_query *q, struct err *e)
{
	const char *ca = NULL;
	int r;

	q->has_serial = json_object_get(args, "serial") != NULL;
	if ((r = json_str(args, "ca", JSON_OPTIONAL, FINGERPRINT_MAX - 1, &ca,
		 e)) != 0 ||
	    (r = json_u64(args, "serial", JSON_OPTIONAL, 0, UINT64_MAX,
		 &q->serial, e)) != 0 ||
	    ca == NULL)
		return r;
	if (hash_from_fingerprint(ca, &q->ca) != 0)
		return err_set(e, ERR_PARSE,
		    "'ca' is malformed, expected a fingerprint like "
		    "SHA256:...");
	q->has_ca = true;
	return 0;
}

/* Without the field all of them; an empty list is an error, and not all. */
static int
read_what(const json_t *args, struct login_query *q, struct err *e)
{
	enum login_what what = LOGIN_IN;
	struct strs names = {0};
	char quoted[QUOTE_MAX];
	int r;

	r = json_strs(args, "what", JSON_OPTIONAL, LOGIN_FAILED + 1, 64, &names,
	    e);
	for (size_t i = 0; i < names.n && r == 0; i++) {
		if (login_what_parse(names.v[i], &what) != 0)
			r = err_set(e, ERR_PARSE,
			    "'what' has %s, expected login, refused, end, sudo "
			    "or failed",
			    str_quote(quoted, names.v[i]));
		q->what |= 1U << what;
	}
	if (names.n == 0)
		q->what = (1U << (LOGIN_FAILED + 1)) - 1;
	strs_clear(&names);
	return r;
}

static int
read_place(const json_t *args, struct login_query *q, struct err *e)
{
	const char *after = NULL;
	int r;

	r = json_str(args, "after", JSON_OPTIONAL, LOGIN_PLACE_MAX, &after, e);
	if (r != 0 || after == NULL)
		return r;
	if (login_place_parse(after, &q->after) != 0)
		return err_set(e, ERR_PARSE,
		    "'after' is none that a master told as 'next'");
	q->has_after = true;
	return 0;
}

static int
read_query(const json_t *args, struct login_query *q, int64_t *limit,
    struct err *e)
{
	int r;

	*q = (struct login_query){.until = CLOCK_MAX};
	*limit = LIMIT_MAX;
	if ((r = read_host(args, q, e)) != 0 ||
	    (r = json_str(args, "account", JSON_OPTIONAL, LOGIN_ACCOUNT_MAX,
		 &q->account, e)) != 0 ||
	    (r = read_certificate(args, q, e)) != 0 ||
	    (r = read_what(args, q, e)) != 0 ||
	    (r = json_time(args, "since", JSON_OPTIONAL, &q->since, e)) != 0 ||
	    (r = json_time(args, "until", JSON_OPTIONAL, &q->until, e)) != 0 ||
	    (r = json_int(args, "limit", JSON_OPTIONAL, 1, LIMIT_MAX, limit,
		 e)) != 0)
		return r;
	if (q->until < q->since)
		return err_set(e, ERR_PARSE, "'until' is before 'since'");
	return read_place(args, q, e);
}

/* --- told ----------------------------------------------------------------- */

struct telling {
	struct jw w;
	int64_t left;
};

static int
tell(void *ctx, const struct login_row *l)
{
	struct telling *x = ctx;

	jw_begin(&x->w, NULL, '{');
	jw_str(&x->w, "host", l->host);
	jw_u64(&x->w, "seq", l->seq);
	jw_int(&x->w, "number", l->number);
	jw_time(&x->w, "came", l->came);
	jw_u64(&x->w, "index", l->index);
	jw_hex(&x->w, "report", l->report.b, HASH_LEN);
	if (l->clock != 0)
		jw_int(&x->w, "clock", l->clock);
	login_event_write(&l->event, &x->w);
	jw_end(&x->w, '}');
	return --x->left == 0 || x->w.s->n >= ANSWER_MAX ? LOGINS_MORE : 0;
}

/* What is in the log and not in the store would be missing in the answer, and
 * nobody could see that. */
static int
check_whole(const struct mk *k, struct err *e)
{
	if (k->n_unstored == 0 && !k->recover)
		return 0;
	(void)err_set(e, ERR_RECORD, "the store lags behind the log: %s",
	    k->n_unstored > 0 ? k->store_why.msg : k->log_why.msg);
	err_hint(e, "ask again when writ-master status has no fault");
	return ERR_RECORD;
}

int
mk_logins(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	struct login_place last = {.at = 0};
	char next[LOGIN_PLACE_MAX];
	struct login_query q;
	struct telling x;
	int r;

	if ((r = read_query(c->args, &q, &x.left, e)) != 0 ||
	    (r = check_whole(k, e)) != 0)
		return r;
	jw_init(&x.w, out, false);
	jw_begin(&x.w, NULL, '{');
	jw_begin(&x.w, "events", '[');
	r = rows_each_login(k->rows, &q, tell, &x, &last, e);
	jw_end(&x.w, ']');
	if (r == LOGINS_MORE) {
		login_place_format(&last, next);
		jw_str(&x.w, "next", next);
		r = 0;
	}
	jw_end(&x.w, '}');
	return r;
}
