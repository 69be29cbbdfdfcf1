/* SPDX-License-Identifier: ISC */
/*
 * writ why: a login was refused; what of it can be explained from here?  First
 * the certificates at hand, which need no network, then what the CA knows, then
 * what the host saw.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/cli/audit_uses.h"
#include "ca/cli/remote_request.h"
#include "ca/cli/why_seen.h"
#include "ca/client/handover.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/ssh/cert.h"

#define LINES_MAX     200
#define SOURCE_OPTION "source-address"

struct explaining {
	struct remote r;
	const char *host;
	char *account;     /* NULL: none said */
	struct str narrow; /* ACCOUNT@HOST */
	struct str out;
	size_t n_certs, n_fit;
};

/* --- certificates at hand ------------------------------------------------- */

static void
add_fault(struct explaining *x, const char *text)
{
	str_addf(&x->out, "    %s\n", text);
}

static bool
fits(const struct explaining *x, const struct cert *c)
{
	return x->account == NULL || strs_has(&c->principals, x->account) ||
	    strs_has(&c->principals, x->narrow.p);
}

/* What would make sshd refuse it, as far as it can be seen from here. */
static unsigned
explain_faults(struct explaining *x, const struct kept *k)
{
	const struct cert *c = &k->cert;
	const struct cert_option *from =
	    cert_option_find(&c->critical, SOURCE_OPTION);
	int64_t now = clock_now();
	unsigned faults = 0;
	struct str s = STR_INIT;

	if (!fits(x, c)) {
		str_addf(&s, "no principal of it is %s or %s", x->account,
		    x->narrow.p);
		add_fault(x, s.p);
		faults++;
	}
	if (c->valid_before <= (uint64_t)now) {
		add_fault(x, "it has expired");
		faults++;
	} else if (c->valid_after > (uint64_t)now) {
		add_fault(x, "it is not good yet");
		faults++;
	} else if (!handover_at_hand(k, now, 0)) {
		add_fault(x,
		    "its private key is neither in a file nor in the "
		    "ssh-agent");
		faults++;
	}
	if (standing_serial_revoked(x->r.standing, c->serial) ||
	    standing_key_id_revoked(x->r.standing, c->key_id) ||
	    standing_key_revoked(x->r.standing, c->key) ||
	    standing_person_revoked(x->r.standing, k->statement.by)) {
		add_fault(x, "it is revoked");
		faults++;
	}
	if (from != NULL && from->value != NULL) {
		str_reset(&s);
		str_addf(&s, "good from %s alone; compare: ip route get %s",
		    from->value, x->host);
		add_fault(x, s.p);
	}
	str_clear(&s);
	return faults;
}

static int
explain_one(void *ctx, struct kept *k)
{
	struct explaining *x = ctx;
	char from[CLOCK_TEXT], to[CLOCK_TEXT];

	if (!k->has_cert || k->cert.kind != CERT_USER)
		return 0;
	x->n_certs++;
	clock_format((int64_t)k->cert.valid_after, from);
	clock_format((int64_t)k->cert.valid_before, to);
	str_addf(&x->out, "  %.12s  ", k->id);
	strs_join(&k->cert.principals, ",", &x->out);
	str_addf(&x->out, ", %s to %s\n", from, to);
	if (explain_faults(x, k) == 0) {
		x->n_fit++;
		add_fault(x, "nothing against it is known here");
	}
	return 0;
}

static int
explain_here(struct explaining *x, struct err *e)
{
	int r;

	str_add(&x->out, "certificates at hand:\n");
	if ((r = kept_each(&x->r.profile, explain_one, x, e)) != 0)
		return r;
	if (x->n_certs == 0)
		str_add(&x->out, "  none\n");
	if (x->n_fit == 0 && x->account != NULL)
		str_addf(&x->out, "to get one: writ request %s -m REASON\n",
		    x->account);
	else if (x->n_fit > 0)
		str_addf(&x->out,
		    "if ssh still fails: ssh -v %s shows which key it offers, "
		    "and the host's sshd logs why it refused\n",
		    x->host);
	return 0;
}

/* --- what the CA knows ---------------------------------------------------- */

static int
explain_there(struct explaining *x, struct err *e)
{
	const json_t *lines = NULL, *line;
	struct str call = STR_INIT;
	json_t *body = NULL;
	struct jw w;
	size_t i;
	int r;

	jw_init(&w, &call, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "why");
	if (x->account != NULL)
		jw_str(&w, "account", x->account);
	jw_str(&w, "host", x->host);
	jw_end(&w, '}');
	if ((r = remote_call(&x->r, &call, LINK_CALL_MS, NULL, &body, e)) != 0)
		return r;
	if ((r = json_array_of(body, "lines", JSON_EMPTY_OK, LINES_MAX, &lines,
		 e)) != 0)
		goto out;
	str_addf(&x->out, "the CA says:\n");
	json_array_foreach (lines, i, line) {
		const char *text = json_string_value(line);

		if (text == NULL || !text_is_clean(text, strlen(text), NULL)) {
			r = err_set(e, ERR_PARSE,
			    "the CA's answer is no clean text");
			goto out;
		}
		str_addf(&x->out, "  %s\n", text);
	}
out:
	json_decref(body);
	return r;
}

/* --- the command ---------------------------------------------------------- */

static int
split_place(const char *place, struct explaining *x, struct err *e)
{
	const char *at = strrchr(place, '@');

	x->host = at != NULL ? at + 1 : place;
	if (x->host[0] == '\0' || at == place ||
	    !text_is_clean(place, strlen(place), NULL))
		return err_set(e, ERR_USAGE, "expected [ACCOUNT@]HOST");
	if (at == NULL)
		return 0;
	if ((x->account = str_dupn(place, (size_t)(at - place))) == NULL)
		return err_nomem(e);
	str_add(&x->narrow, place);
	return 0;
}

/* Two may be out of reach, and what the others said is printed all the same. */
static int
print_why(struct explaining *x, const char *unreachable, int master,
    struct err *e)
{
	int r;

	if ((r = cli_print(&x->out, e)) != 0)
		return r;
	if (unreachable != NULL)
		cli_warn("the CA was not asked: %s", unreachable);
	if (master > 0)
		cli_warn("what the host saw is not known: no master told it");
	return unreachable != NULL ? EXIT_SYSTEM : master;
}

static int
run_why(struct cli_args *a, struct err *e)
{
	struct explaining x = {0};
	struct err unreachable = {0};
	int r, far, master;

	cli_remote_init(&x.r);
	str_init(&x.narrow);
	str_init(&x.out);
	if ((r = split_place(cli_operand(a, 0), &x, e)) != 0)
		goto out;
	/* Without the CA, what was fetched last has to do. */
	far = cli_remote_open(&x.r, &unreachable);
	if (far == ERR_NET) {
		remote_clear(&x.r);
		cli_remote_init(&x.r);
		r = remote_load(&x.r, e);
	} else if ((r = far) != 0 && e != NULL) {
		*e = unreachable;
	}
	if (r != 0 || (r = explain_here(&x, e)) != 0 ||
	    (far == 0 && (r = explain_there(&x, e)) != 0))
		goto out;
	master = why_seen(a, x.host, x.account, &x.out, e);
	r = master < 0
	    ? master
	    : print_why(&x, far != 0 ? unreachable.msg : NULL, master, e);
out:
	free(x.account);
	str_clear(&x.narrow);
	str_clear(&x.out);
	remote_clear(&x.r);
	return r;
}

static const struct cli_option options[] = {USES_ASKED};

const struct cli_command cmd_why = {.name = "why",
    .operands = "[ACCOUNT@]HOST",
    .summary = "why a login is refused, as far as can be known",
    .min_operands = 1,
    .max_operands = 1,
    CLI_OPTIONS(options),
    .run = run_why};
