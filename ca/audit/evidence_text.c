/* SPDX-License-Identifier: ISC */
/* README and check.sh of a folder of evidence. */
#include <string.h>

#include "ca/audit/evidence.h"
#include "ca/issue/issue.h"
#include "lib/base/clock.h"

/* --- signatures ----------------------------------------------------------- */

/* One by somebody known; who is n bytes long. */
struct known_sig {
	const struct evidence_said *of;
	const char *file, *who;
	size_t n;
};

/* Is it NAME.PERSON.sig, or NAME.PERSON,2.sig?  UNKNOWN is nobody: a key that
 * nobody has signs for no one. */
static bool
is_sig(const char *file, const struct evidence_said *x, struct known_sig *out)
{
	size_t at = strlen(x->name), n = strlen(file);

	if (n < at + 6 || strncmp(file, x->name, at) != 0 || file[at] != '.' ||
	    strcmp(file + n - 4, ".sig") != 0 || file[at + 1] == 'U')
		return false;
	*out = (struct known_sig){x, file, file + at + 1, 0};
	out->n = strcspn(out->who, ",");
	if (out->who[out->n] == '\0')
		out->n -= 4;
	return true;
}

static void
each_sig(const struct evidence_case *c, const struct evidence *files,
    void (*put)(const struct known_sig *s, struct str *out), struct str *out)
{
	struct known_sig s;

	for (size_t i = 0; i < c->n_said; i++)
		for (size_t j = 0; j < files->n; j++)
			if (is_sig(files->v[j].name, &c->said[i], &s))
				put(&s, out);
}

/* --- README --------------------------------------------------------------- */

static const char *const how[] = {
    "",
    "Check it",
    "--------",
    "    sha256sum --quiet -c SHA256SUMS && sh check.sh",
    "",
    "prints a line for each thing that fits and ends with 0, or stops with",
    "BAD at the first that does not.  It needs a shell, sha256sum and",
    "ssh-keygen, and can be read in ten minutes.  By hand:",
    "",
};

static const char *const limits[] = {
    "",
    "The head of the log is signed with the log's key (a C2SP signed note,",
    "Ed25519), which ssh-keygen does not read.  openssl does:",
    "",
    "    head -n 3 checkpoint >text",
    "    tail -n 1 checkpoint | sed 's/.* //' | base64 -d | tail -c 64 >sig",
    "    openssl pkeyutl -verify -pubin -inkey log.pem -rawin \\",
    "        -in text -sigfile sig",
    "",
    "What this cannot show",
    "---------------------",
    "- That realm and log key are those of the organisation you look at:",
    "  compare both with what you have from elsewhere.",
    "- That policy gives what was issued, and that nothing is missing from",
    "  the log: writ audit verify, which reads all of it, decides every",
    "  certificate anew.",
    "- The record is a summary for people; what counts is the statements.",
};

static void
add_lines(struct str *out, const char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		str_add(out, v[i]);
		str_addc(out, '\n');
	}
}

static void
add_when(struct str *out, const char *label, int64_t t)
{
	char text[CLOCK_TEXT];

	clock_format(t, text);
	str_addf(out, "%s %s\n", label, text);
}

static void
add_said(struct str *out, const struct evidence_said *x)
{
	char hex[HASH_HEX], at[CLOCK_TEXT];

	hash_hex(&x->s.hash, hex);
	clock_format(x->s.at, at);
	str_addf(out, "  %-14s by %s, %s\n  %-14s sha256 %s\n", x->name,
	    x->s.by, at, "", hex);
}

static void
put_verify(const struct known_sig *s, struct str *out)
{
	str_addf(out,
	    "    ssh-keygen -Y verify -f allowed_signers -I %.*s \\\n"
	    "        -n %s -s %s <%s.message\n",
	    (int)s->n, s->who, statement_namespace(s->of->s.type), s->file,
	    s->of->name);
}

static void
add_about(const struct evidence_case *c, struct str *out)
{
	const struct statement *q = &c->said[0].s;
	const struct issue_leaf *leaf = &c->issue.u.i;
	char hex[HASH_HEX];

	str_addf(out,
	    "Evidence of the certificate with serial %llu\n\n"
	    "%s asked: %s\n",
	    (unsigned long long)c->serial, q->by, q->u.r.reason);
	if (q->u.r.ticket != NULL)
		str_addf(out, "ticket: %s\n", q->u.r.ticket);
	add_when(out, "issued:", leaf->now);
	hash_hex(&leaf->realm, hex);
	str_addf(out, "realm:  %s\n", hex);
	str_addf(out,
	    "log:    %s (%s); leaf %llu is the certificate to be signed, leaf "
	    "%llu the signed one\n"
	    "policy: version %llu, the one it was issued under; "
	    "allowed_signers "
	    "has its keys\n\nStatements\n----------\n",
	    c->log, c->origin, (unsigned long long)c->issue_index,
	    (unsigned long long)c->certificate_index,
	    (unsigned long long)leaf->policy_version);
	for (size_t i = 0; i < c->n_said; i++)
		add_said(out, &c->said[i]);
	evidence_more_readme(c, out);
	evidence_root_readme(c, out);
	evidence_later_readme(c, out);
}

void
evidence_readme(const struct evidence_case *c, const struct evidence *so_far,
    struct str *out)
{
	add_about(c, out);
	add_lines(out, how, sizeof(how) / sizeof(how[0]));
	each_sig(c, so_far, put_verify, out);
	str_addf(out,
	    "    sha256sum *.message          # the hashes above; issue.leaf "
	    "names them\n"
	    "    ssh-keygen -L -f %llu-cert.pub\n"
	    "    ssh-keygen -l -f policy/authorities/%s.pub   # its CA\n",
	    (unsigned long long)c->serial, c->ca);
	add_lines(out, limits, sizeof(limits) / sizeof(limits[0]));
}

/* --- check.sh ------------------------------------------------------------- */

static void
check_policy(const struct evidence_case *c, const struct evidence *files,
    struct str *out)
{
	str_add(out,
	    "sum policy/MANIFEST\n"
	    "says policy.message \"$h\" 'policy.message names MANIFEST'\n");
	for (size_t i = 0; i < files->n; i++)
		if (strncmp(files->v[i].name, "policy/", 7) == 0 &&
		    strcmp(files->v[i].name, "policy/MANIFEST") != 0)
			str_addf(out, "manifest '%s'\n", files->v[i].name + 7);
	evidence_root_check(c, out);
	evidence_older_count(c, out);
	str_add(out, "keys allowed_signers 0 ''\n");
	evidence_older_check(c, out);
	evidence_later_check(c, out);
}

static void
put_signed(const struct known_sig *s, struct str *out)
{
	str_addf(out, "signed '%s' '%.*s' %s '%s' allowed_signers\n",
	    s->of->name, (int)s->n, s->who, statement_type_name(s->of->s.type),
	    s->file);
}

static void
check_names(const struct evidence_case *c, struct str *out)
{
	str_add(out,
	    "sum request.message\n"
	    "says issue.leaf \"\\\"request\\\":\\\"$h\\\"\" "
	    "'issue.leaf names the request'\n"
	    "says certificate.leaf \"\\\"request\\\":\\\"$h\\\"\" "
	    "'certificate.leaf names the request'\n");
	for (size_t i = 1; i <= c->n_decisions; i++)
		str_addf(out,
		    "says decision-%zu.message \"$h\" "
		    "'decision-%zu is about the request'\n",
		    i, i);
	str_add(out, "says '");
	str_addf(out,
	    "%llu.json' \"\\\"$h\\\"\" 'the record names the request'\n",
	    (unsigned long long)c->serial);
	for (size_t i = 1; i <= c->n_decisions; i++)
		str_addf(out,
		    "sum decision-%zu.message\n"
		    "says issue.leaf \"\\\"$h\\\"\" "
		    "'issue.leaf names decision-%zu'\n",
		    i, i);
	str_add(out,
	    "sum policy.message\n"
	    "says issue.leaf \"\\\"policy\\\":\\\"$h\\\"\" "
	    "'issue.leaf names the policy'\n");
	str_addf(out,
	    "says certificate.leaf '\"issue_index\":\"%llu\"' "
	    "'certificate.leaf names issue.leaf'\n",
	    (unsigned long long)c->issue_index);
}

void
evidence_check(const struct evidence_case *c, const struct evidence *so_far,
    struct str *out)
{
	evidence_check_begin(out);
	/* README and this file are still to come. */
	str_addf(out, "sums %zu\n", so_far->n + 2);
	check_policy(c, so_far, out);
	each_sig(c, so_far, put_signed, out);
	check_names(c, out);
	str_addf(out,
	    "logged issue %llu checkpoint\n"
	    "logged certificate %llu checkpoint\n",
	    (unsigned long long)c->issue_index,
	    (unsigned long long)c->certificate_index);
	str_addf(out, "certificate %llu '%s'\n", (unsigned long long)c->serial,
	    c->ca);
	evidence_more_check(c, out);
	str_add(out, "echo 'all of it fits'\n");
}
