/* SPDX-License-Identifier: ISC */
/* What was gathered about a certificate, as files. */
#include <stdlib.h>
#include <string.h>

#include "ca/audit/evidence.h"

/* --- lists ---------------------------------------------------------------- */

void
evidence_clear(struct evidence *v)
{
	for (size_t i = 0; i < v->n; i++) {
		free(v->v[i].name);
		free(v->v[i].text);
	}
	free(v->v);
	*v = (struct evidence){0};
}

const struct evidence_file *
evidence_find(const struct evidence *v, const char *name)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->v[i].name, name) == 0)
			return &v->v[i];
	return NULL;
}

static int
add(struct evidence *v, const char *name, const void *p, size_t n)
{
	struct evidence_file f = {.n = n};
	int r;

	if ((r = vec_grow(&v->v, v->n, &v->cap, EVIDENCE_FILES_MAX)) != 0)
		return r;
	f.name = str_dup(name);
	f.text = str_dupn(p, n);
	if (f.name == NULL || f.text == NULL) {
		free(f.name);
		free(f.text);
		return ERR_NOMEM;
	}
	v->v[v->n++] = f;
	return 0;
}

static int PRINTF_LIKE(3, 0)
    vadd(struct evidence *v, struct slice text, const char *fmt, va_list ap)
{
	struct str name = STR_INIT;
	int r;

	str_vaddf(&name, fmt, ap);
	if ((r = str_check(&name)) == 0)
		r = add(v, name.p, text.p, text.n);
	str_clear(&name);
	return r;
}

int
evidence_add(struct evidence *out, struct slice text, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vadd(out, text, fmt, ap);
	va_end(ap);
	return r;
}

/* As evidence_add(), of what may have run out of memory. */
static int PRINTF_LIKE(3, 4)
    add_str(struct evidence *v, const struct str *s, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = str_check(s) != 0 ? ERR_NOMEM
			      : vadd(v, slice_of(s->p, s->n), fmt, ap);
	va_end(ap);
	return r;
}

/* --- a case --------------------------------------------------------------- */

void
evidence_case_init(struct evidence_case *c)
{
	*c = (struct evidence_case){.issue_text = STR_INIT,
	    .certificate_text = STR_INIT,
	    .issue_proof = STR_INIT,
	    .certificate_proof = STR_INIT,
	    .manifest = STR_INIT,
	    .record = STR_INIT,
	    .line = STR_INIT};
	leaf_init(&c->issue);
	leaf_init(&c->certificate);
}

void
evidence_case_clear(struct evidence_case *c)
{
	leaf_clear(&c->issue);
	leaf_clear(&c->certificate);
	str_clear(&c->issue_text);
	str_clear(&c->certificate_text);
	str_clear(&c->issue_proof);
	str_clear(&c->certificate_proof);
	for (size_t i = 0; i < c->n_said; i++)
		statement_clear(&c->said[i].s);
	free(c->said);
	str_clear(&c->manifest);
	policy_files_clear(&c->files);
	policy_free(c->policy);
	for (size_t i = 0; i < c->n_roots; i++)
		evidence_root_clear(&c->roots[i]);
	free(c->roots);
	for (size_t i = 0; i < c->n_later; i++) {
		free(c->later[i].name);
		free(c->later[i].text);
	}
	free(c->later);
	str_clear(&c->record);
	str_clear(&c->line);
	evidence_case_init(c);
}

const char *
evidence_who(const struct evidence_case *c, const struct pubkey *k)
{
	const struct person *who = policy_person_of_key(c->policy, k);

	if (who != NULL)
		return who->id;
	for (size_t i = 0; i < c->n_said; i++) {
		const struct statement *s = &c->said[i].s;

		if (s->type == ST_KEY && s->u.k.add &&
		    pubkey_equal(s->u.k.key, k))
			return s->by;
	}
	return NULL;
}

/* --- statements ----------------------------------------------------------- */

/* How many signatures before this one are by the same person? */
static unsigned
nth_of(const struct evidence_case *c, const struct statement *s, size_t at,
    const char *who)
{
	unsigned n = 0;

	for (size_t i = 0; i < at; i++) {
		const char *other = evidence_who(c, s->sigs[i].key);

		n += who == NULL ? other == NULL
				 : other != NULL && strcmp(other, who) == 0;
	}
	return n;
}

struct slice
evidence_signatures(const struct statement *s)
{
	struct slice all = statement_bytes(s);

	return slice_of(all.p + s->message_len, all.n - s->message_len);
}

int
evidence_signature(struct slice *rest, struct slice *sig, struct err *e)
{
	struct sshsig parsed;
	size_t used;
	int r;

	sshsig_init(&parsed);
	if ((r = sshsig_parse_armor(*rest, &parsed, &used, e)) == 0) {
		*sig = slice_of(rest->p, used);
		*rest = slice_of(rest->p + used, rest->n - used);
	}
	sshsig_clear(&parsed);
	return r;
}

/* NAME.PERSON.sig, a person's second one NAME.PERSON,2.sig: no id has a comma
 * in it, nor capitals. */
static int
add_signature(const struct evidence_case *c, const struct evidence_said *x,
    size_t at, struct slice text, struct evidence *out)
{
	const char *who = evidence_who(c, x->s.sigs[at].key);
	struct str s = STR_INIT;
	unsigned n = nth_of(c, &x->s, at, who);
	int r;

	str_addn(&s, (const char *)text.p, text.n);
	if (who == NULL)
		who = "UNKNOWN";
	r = n == 0 ? add_str(out, &s, "%s.%s.sig", x->name, who)
		   : add_str(out, &s, "%s.%s,%u.sig", x->name, who, n + 1);
	str_clear(&s);
	return r;
}

static int
add_said(const struct evidence_case *c, const struct evidence_said *x,
    struct evidence *out, struct err *e)
{
	struct slice message = statement_message(&x->s);
	struct slice rest = evidence_signatures(&x->s), sig;
	struct str s = STR_INIT;
	int r;

	str_addn(&s, (const char *)message.p, message.n);
	r = add_str(out, &s, "%s.message", x->name);
	str_clear(&s);
	for (size_t i = 0; i < x->s.n_sigs && r == 0; i++)
		if ((r = evidence_signature(&rest, &sig, e)) == 0)
			r = add_signature(c, x, i, sig, out);
	return r;
}

void
evidence_signer(struct str *out, const char *who, const char *namespaces,
    const struct pubkey *k)
{
	str_addf(out, "%s namespaces=\"%s\" ", who, namespaces);
	pubkey_add_line(out, k, NULL);
	str_addc(out, '\n');
}

/* The same line again adds nothing. */
static void
add_signer(const struct evidence_case *c, const struct pubkey *k,
    struct str *out)
{
	const char *who = evidence_who(c, k);
	struct str line = STR_INIT;

	if (who == NULL)
		return;
	evidence_signer(&line, who,
	    "request@writ,decision@writ,key@writ,policy@writ", k);
	out->failed |= line.failed;
	if (strstr(out->p, line.p) == NULL)
		str_add(out, line.p);
	str_clear(&line);
}

static int
add_statements(const struct evidence_case *c, struct evidence *out,
    struct err *e)
{
	struct str signers = STR_INIT;
	int r = 0;

	for (size_t i = 0; i < c->n_said && r == 0; i++) {
		const struct statement *s = &c->said[i].s;

		r = add_said(c, &c->said[i], out, e);
		for (size_t j = 0; j < s->n_sigs; j++)
			add_signer(c, s->sigs[j].key, &signers);
	}
	if (r == 0)
		r = add_str(out, &signers, "allowed_signers");
	str_clear(&signers);
	return r;
}

/* --- policy --------------------------------------------------------------- */

/* root.yaml, ca.yaml, authorities, and the people who signed: those whom the
 * rest is about are not the auditor's business. */
static bool
is_wanted(const struct evidence_case *c, const char *path)
{
	static const char people[] = "people/";

	if (strncmp(path, people, sizeof(people) - 1) != 0)
		return strcmp(path, "root.yaml") == 0 ||
		    strcmp(path, "ca.yaml") == 0 ||
		    strncmp(path, "authorities/", 12) == 0;
	path += sizeof(people) - 1;
	for (size_t i = 0; i < c->n_said; i++) {
		const struct statement *s = &c->said[i].s;

		for (size_t j = 0; j < s->n_sigs; j++) {
			const char *who = evidence_who(c, s->sigs[j].key);
			size_t n = who != NULL ? strlen(who) : 0;

			if (n > 0 && strncmp(path, who, n) == 0 &&
			    strcmp(path + n, ".yaml") == 0)
				return true;
		}
	}
	return false;
}

static int
add_policy(const struct evidence_case *c, struct evidence *out)
{
	int r = add_str(out, &c->manifest, "policy/MANIFEST");

	for (size_t i = 0; i < c->files.n && r == 0; i++) {
		const struct policy_file *f = &c->files.v[i];
		struct str s = STR_INIT;

		if (!is_wanted(c, f->path))
			continue;
		str_addn(&s, (const char *)f->data, f->n);
		r = add_str(out, &s, "policy/%s", f->path);
		str_clear(&s);
	}
	return r;
}

/* --- the log -------------------------------------------------------------- */

/* SubjectPublicKeyInfo of an Ed25519 key (RFC 8410). */
static void
add_pem(struct str *s, const uint8_t pk[32])
{
	static const uint8_t head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b,
	    0x65, 0x70, 0x03, 0x21, 0x00};
	uint8_t der[sizeof(head) + 32];

	memcpy(der, head, sizeof(head));
	memcpy(der + sizeof(head), pk, 32);
	str_add(s, "-----BEGIN PUBLIC KEY-----\n");
	str_add_base64(s, der, sizeof(der));
	str_add(s, "\n-----END PUBLIC KEY-----\n");
}

int
evidence_add_log_key(struct evidence *out, const char *prefix,
    const char *origin, const struct pubkey *k)
{
	const uint8_t *pk = pubkey_ed25519(k);
	struct str vkey = STR_INIT, pem = STR_INIT;
	int r;

	r = note_vkey(origin, pk, &vkey);
	str_addc(&vkey, '\n');
	add_pem(&pem, pk);
	if (r == 0 && (r = add_str(out, &vkey, "%slog.vkey", prefix)) == 0)
		r = add_str(out, &pem, "%slog.pem", prefix);
	str_clear(&vkey);
	str_clear(&pem);
	return r;
}

static int
add_log(const struct evidence_case *c, struct evidence *out)
{
	const struct {
		const char *name;
		const struct str *text;
	} files[] = {
	    {"issue.leaf", &c->issue_text},
	    {"issue.tlog-proof", &c->issue_proof},
	    {"certificate.leaf", &c->certificate_text},
	    {"certificate.tlog-proof", &c->certificate_proof},
	};
	int r = add(out, "checkpoint", c->note.p, c->note.n);

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && r == 0; i++)
		r = add_str(out, files[i].text, "%s", files[i].name);
	return r == 0 ? evidence_add_log_key(out, "", c->origin, c->log_key)
		      : r;
}

/* --- all of it ------------------------------------------------------------ */

static int
add_sums(struct evidence *out)
{
	struct str s = STR_INIT;
	char hex[HASH_HEX];
	struct hash h;
	int r;

	for (size_t i = 0; i < out->n; i++) {
		hash_sha256(out->v[i].text, out->v[i].n, &h);
		hash_hex(&h, hex);
		str_addf(&s, "%s  %s\n", hex, out->v[i].name);
	}
	r = add_str(out, &s, "SHA256SUMS");
	str_clear(&s);
	return r;
}

static int
add_words(const struct evidence_case *c, struct evidence *out)
{
	struct str readme = STR_INIT, check = STR_INIT;
	int r;

	evidence_readme(c, out, &readme);
	evidence_check(c, out, &check);
	if ((r = add_str(out, &readme, "README")) == 0)
		r = add_str(out, &check, "check.sh");
	str_clear(&readme);
	str_clear(&check);
	return r;
}

int
evidence_write(const struct evidence_case *c, struct evidence *out,
    struct err *e)
{
	struct err why = {0};
	int r;

	if ((r = add_statements(c, out, &why)) == 0 &&
	    (r = evidence_older_files(c, out)) == 0 &&
	    (r = add_policy(c, out)) == 0 &&
	    (r = evidence_root_files(c, out, &why)) == 0 &&
	    (r = add_log(c, out)) == 0 &&
	    (r = evidence_more_files(c, out, &why)) == 0 &&
	    (r = add_str(out, &c->line, "%llu-cert.pub",
		 (unsigned long long)c->serial)) == 0 &&
	    (r = add_str(out, &c->record, "%llu.json",
		 (unsigned long long)c->serial)) == 0 &&
	    (r = add_words(c, out)) == 0)
		r = add_sums(out);
	if (r == 0)
		return 0;
	return r == ERR_NOMEM ? err_nomem(e)
			      : err_set(e, r, "evidence: %s",
				    why.msg[0] != '\0' ? why.msg : err_text(r));
}
