/* SPDX-License-Identifier: ISC */
#include "ca/cli/init_policy.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/crypto/random.h"
#include "lib/key/person.h"
#include "lib/ssh/lint.h"

/* "PERSON=KEY.pub" into the lines of root.yaml. */
static int
add_person(const char *option, const char *arg, struct strs *ids,
    struct str *yaml, struct err *e)
{
	const char *eq = strchr(arg, '=');
	struct pubkey *key = NULL;
	char *id = NULL;
	int r;

	if (eq == NULL)
		return err_set(e, ERR_USAGE,
		    "%s wants PERSON=KEY.pub, such as "
		    "olga@example.com=olga.pub",
		    option);
	if ((id = str_dupn(arg, (size_t)(eq - arg))) == NULL)
		return err_nomem(e);
	if (!id_is_valid(id)) {
		char quoted[QUOTE_MAX];

		r = err_set(e, ERR_USAGE,
		    "%s: %s is no id of a person, expected [a-z0-9._@+-]",
		    option, str_quote(quoted, id));
		goto out;
	}
	if ((r = person_read_pubkey(eq + 1, &key, e)) != 0 ||
	    (r = lint_subject(key, e)) != 0) {
		err_prefix(e, "%s", option);
		goto out;
	}
	if (!strs_has(ids, id))
		str_addf(yaml, "  \"%s\":\n    keys:\n", id);
	str_add(yaml, "      - \"");
	pubkey_add_line(yaml, key, NULL);
	str_add(yaml, "\"\n");
	if (strs_add(ids, id) != 0)
		r = err_nomem(e);
out:
	pubkey_free(key);
	free(id);
	return r;
}

/* Several keys of one person must stand together in the file. */
static int
add_people(const char *option, const struct strs *args, struct strs *ids,
    struct str *yaml, struct err *e)
{
	struct strs sorted = {0};
	int r = strs_dup(args, &sorted);

	if (r != 0)
		return err_nomem(e);
	strs_sort(&sorted);
	for (size_t i = 0; i < sorted.n && r == 0; i++)
		r = add_person(option, sorted.v[i], ids, yaml, e);
	strs_clear(&sorted);
	return r;
}

static size_t
distinct(const struct strs *sorted)
{
	size_t n = 0;

	for (size_t i = 0; i < sorted->n; i++)
		if (i == 0 || strcmp(sorted->v[i], sorted->v[i - 1]) != 0)
			n++;
	return n;
}

int
init_root_yaml(const struct cli_args *a, struct strs *officers, struct str *out,
    struct err *e)
{
	struct strs operators = {0};
	char when[CLOCK_TEXT];
	uint8_t unique[16];
	size_t n;
	int r;

	clock_format(clock_now() + 730 * INT64_C(86400), when);
	random_bytes(unique, sizeof(unique));
	str_add(out,
	    "# Who may change what.  Changing this file needs the old root "
	    "threshold and the new one.\n# No other deployment has this line, "
	    "so what is signed for another counts nothing here:\n# ");
	str_add_hex(out, unique, sizeof(unique));
	str_addf(out, "\nversion: 1\nexpires: %.10s\ngrace: 14d\nofficers:\n",
	    when);
	r = add_people("--officer", cli_all(a, "officer"), officers, out, e);
	if (r == 0 && cli_all(a, "operator")->n > 0) {
		str_add(out, "operators:\n");
		r = add_people("--operator", cli_all(a, "operator"), &operators,
		    out, e);
	}
	n = distinct(officers);
	if (r == 0 && officers->n == 0)
		r = err_set(e, ERR_USAGE,
		    "who may sign policy? expected --officer PERSON=KEY.pub");
	if (r == 0 && n < 2 && !cli_flag(a, "single-officer")) {
		r = err_set(e, ERR_DENIED,
		    "one officer alone could change everything, and nobody "
		    "could if he is away");
		err_hint(e, "name a second --officer, or say --single-officer");
	}
	str_addf(out, "thresholds:\n  root: %d\n  policy: 1\n", n < 2 ? 1 : 2);
	if (operators.n > 0)
		str_add(out, "  fleet: 1\n");
	strs_clear(&operators);
	return r;
}

void
init_ca_yaml(const struct strs *officers, struct str *out)
{
	str_add(out,
	    "# Who may have which certificate, for how long, on whose "
	    "approval: writ-policy(5).\n"
	    "people:                   # or in people/PERSON.yaml\n");
	for (size_t i = 0; i < officers->n; i++)
		if (i == 0 || strcmp(officers->v[i], officers->v[i - 1]) != 0)
			str_addf(out, "  \"%s\": {groups: [approvers]}\n",
			    officers->v[i]);
	str_add(out,
	    "  # alice@example.com:\n"
	    "  #   keys: [\"ssh-ed25519 AAAA... laptop\"]\n"
	    "  #   groups: [engineers]\n\n"
	    "authorities:              # the first signs, all are trusted by "
	    "hosts\n"
	    "  user: [user_ca, emergency_ca]\n"
	    "  host: [host_ca]\n"
	    "  log: [ca_log, emergency_log]\n\n"
	    "grants:\n"
	    "  hosts:\n"
	    "    kind: host\n");
	str_addf(out, "    to: [\"%s\"]\n", officers->v[0]);
	str_add(out,
	    "    principals: [\"*.example.com\"]\n"
	    "    max: 90d\n");
	if (distinct(officers) > 1)
		str_add(out, "    approve: [{approvers: 1}]\n");
	else
		str_add(out, "    approve: none\n");
	str_add(out,
	    "  # deploy:\n"
	    "  #   to: [engineers]\n"
	    "  #   principals: [deploy]\n"
	    "  #   max: 8h\n"
	    "  #   reason: {min: 10}\n"
	    "  #   approve: [{approvers: 1}]\n");
}
