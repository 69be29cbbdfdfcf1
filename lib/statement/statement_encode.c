/* SPDX-License-Identifier: ISC */
/* Statements out: as the message to sign, and for people and their tools. */
#include "lib/statement/statement.h"

#include "lib/statement/fields.h"

/* Left free for signatures by statement_encode(): an RSA key of 16384 bits
 * needs a little less. */
#define SIGNATURE_ROOM 6144

static void
write_fields(const struct statement *s, struct jw *w)
{
	jw_int(w, "v", 1);
	jw_str(w, "type", statement_type_name(s->type));
	st_write_hash(w, "realm", &s->realm);
	jw_str(w, "by", s->by);
	jw_time(w, "at", s->at);
	jw_hex(w, "nonce", s->nonce, sizeof(s->nonce));
	st_family(s->type)->write(s, w);
}

/* What the writers follow without asking must be there. */
static int
check_whole(const struct statement *s, struct err *e)
{
	const struct st_family *f = st_family(s->type);

	if (f != NULL && s->by != NULL && st_is_time(s->at) &&
	    (f->whole == NULL || f->whole(s)))
		return 0;
	return err_set(e, ERR_PARSE,
	    "statement is not whole, expected every field of its type");
}

int
statement_encode(const struct statement *s, struct str *out, struct err *e)
{
	struct str line = STR_INIT;
	struct statement again;
	struct jw w;
	int r;

	statement_init(&again, 0);
	if ((r = check_whole(s, e)) != 0)
		goto out;
	jw_init(&w, &line, false);
	jw_begin(&w, NULL, '{');
	write_fields(s, &w);
	jw_end(&w, '}');
	str_addc(&line, '\n');
	if ((r = str_check(&line)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	if (line.n > STATEMENT_MAX - SIGNATURE_ROOM) {
		r = err_set(e, ERR_LIMIT,
		    "message of %zu bytes, expected at most %d so that "
		    "signatures fit",
		    line.n, STATEMENT_MAX - SIGNATURE_ROOM);
		goto out;
	}
	r = statement_parse_message(statement_type_name(s->type),
	    slice_of(line.p, line.n), &again, e);
	if (r != 0)
		goto out;
	str_addn(out, line.p, line.n);
	if ((r = str_check(out)) != 0)
		(void)err_nomem(e);
out:
	statement_clear(&again);
	str_clear(&line);
	return r;
}

/* "touched", "touched, PIN": what a token says of its user. */
static const char *
presence(const struct sk_flags *f)
{
	if (!f->is_sk)
		return "";
	if (f->verified)
		return f->present ? ", touched, PIN" : ", PIN";
	return f->present ? ", touched" : ", not touched";
}

void
statement_describe(const struct statement *s, struct str *out)
{
	const struct st_family *f = st_family(s->type);
	char fp[FINGERPRINT_MAX];

	if (f == NULL || s->by == NULL)
		return;
	str_addf(out, "%s by %s\n", f->name, s->by);
	f->describe(s, out);
	st_row_time(out, "at", s->at);
	st_row_hash(out, "realm", &s->realm);
	if (s->n_bytes > 0)
		st_row_hash(out, "name", &s->hash);
	for (size_t i = 0; i < s->n_sigs; i++) {
		pubkey_fingerprint(s->sigs[i].key, fp);
		st_row(out, "signature", "%s %s%s%s",
		    pubkey_short_name(s->sigs[i].key), fp,
		    s->verified ? presence(&s->flags[i]) : "",
		    s->verified ? "" : ", not verified");
	}
}

void
statement_json_members(const struct statement *s, struct jw *w)
{
	char fp[FINGERPRINT_MAX];

	if (s->n_bytes > 0)
		st_write_hash(w, "name", &s->hash);
	write_fields(s, w);
	jw_bool(w, "verified", s->verified);
	jw_begin(w, "signatures", '[');
	for (size_t i = 0; i < s->n_sigs; i++) {
		pubkey_fingerprint(s->sigs[i].key, fp);
		jw_begin(w, NULL, '{');
		st_write_pubkey(w, "key", s->sigs[i].key);
		jw_str(w, "fingerprint", fp);
		if (s->verified && s->flags[i].is_sk) {
			jw_bool(w, "touched", s->flags[i].present);
			jw_bool(w, "pin", s->flags[i].verified);
		}
		jw_end(w, '}');
	}
	jw_end(w, ']');
}

void
statement_json(const struct statement *s, struct jw *w)
{
	if (st_family(s->type) == NULL || s->by == NULL) {
		jw_null(w, NULL);
		return;
	}
	jw_begin(w, NULL, '{');
	statement_json_members(s, w);
	jw_end(w, '}');
}
