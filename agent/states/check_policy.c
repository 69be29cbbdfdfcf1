/* SPDX-License-Identifier: ISC */
/*
 * Do the fleet and the policy work together?  A certificate that is granted
 * must be of use somewhere, and what hosts accept must be granted to somebody.
 *
 * The two kinds that this is about are known by name: ssh_ca lists principals
 * by account, sshd_config may refuse the account.
 */
#include <string.h>
#include <strings.h>

#include "agent/states/check_impl.h"

/* --- what sshd would do --------------------------------------------------- */

static const struct yaml_node *
find_setting(const struct yaml_node *settings, const char *keyword)
{
	if (settings == NULL || settings->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < settings->n; i++)
		if (strcasecmp(settings->pairs[i].key, keyword) == 0)
			return settings->pairs[i].value;
	return NULL;
}

/* Is a word of the value, which is text or a list of texts, a pattern for
 * text?  user: the part after '@' is where he comes from, which may be. */
static bool
names(const struct yaml_node *n, const char *text, bool user)
{
	char word[256];

	if (n->kind == YAML_LIST) {
		for (size_t i = 0; i < n->n; i++)
			if (names(n->items[i], text, user))
				return true;
		return false;
	}
	if (n->kind != YAML_TEXT)
		return false;
	for (const char *p = n->text; *p != '\0';) {
		size_t len = strcspn(p, " \t\n"), keep = len;
		const char *at = memchr(p, '@', len);

		if (user && at != NULL)
			keep = (size_t)(at - p);
		if (keep > 0 && keep < sizeof(word)) {
			memcpy(word, p, keep);
			word[keep] = '\0';
			if (expr_glob(word, text))
				return true;
		}
		p += len;
		p += strspn(p, " \t\n");
	}
	return false;
}

/* Does the block hold for each connection of the account? */
static bool
block_is_for(const struct yaml_node *when, const char *account)
{
	if (when == NULL || when->kind != YAML_MAP || when->n == 0)
		return false;
	for (size_t i = 0; i < when->n; i++)
		if (strcasecmp(when->pairs[i].key, "User") != 0 ||
		    !names(when->pairs[i].value, account, false))
			return false;
	return true;
}

/* What sshd goes by for that account, as far as it is known here: the value of
 * the first block for him, else the one outside of them. */
static const struct yaml_node *
effective(const struct yaml_node *params, const char *account,
    const char *keyword)
{
	const struct yaml_node *blocks = yaml_get(params, "match"), *v;

	for (size_t i = 0;
	     blocks != NULL && blocks->kind == YAML_LIST && i < blocks->n;
	     i++) {
		const struct yaml_node *b = blocks->items[i];

		if (block_is_for(yaml_get(b, "when"), account) &&
		    (v = find_setting(yaml_get(b, "settings"), keyword)) !=
			NULL)
			return v;
	}
	return find_setting(yaml_get(params, "settings"), keyword);
}

static bool
is_text(const struct yaml_node *n, const char *text)
{
	return n != NULL && n->kind == YAML_TEXT &&
	    strcasecmp(n->text, text) == 0;
}

static void
refuses(struct conf_diags *d, const struct yaml_node *n, const char *keyword,
    const struct yaml_pair *account, const char *expected)
{
	char quoted[QUOTE_MAX];

	conf_error(d, n->pos,
	    "%s refuses account %s, which has principals (%s:%u:%u), expected "
	    "%s",
	    keyword, str_quote(quoted, account->key), account->pos.file,
	    account->pos.line, account->pos.col, expected);
}

/* sshd asks in this order: DenyUsers, AllowUsers, DenyGroups, AllowGroups. */
static void
check_lists(struct conf_diags *d, const struct yaml_node *params,
    const struct yaml_pair *account)
{
	const char *name = account->key;
	const struct yaml_node *n;
	char quoted[QUOTE_MAX];

	n = effective(params, name, "DenyUsers");
	if (n != NULL && names(n, name, true))
		refuses(d, n, "DenyUsers", account, "it not to be there");
	n = effective(params, name, "AllowUsers");
	if (n != NULL && !names(n, name, true))
		refuses(d, n, "AllowUsers", account, "it to be there too");
	/* By custom an account has a group of its name; who else is in it is
	   the host's to know. */
	n = effective(params, name, "DenyGroups");
	if (n != NULL && names(n, name, false))
		conf_warning(d, n->pos,
		    "DenyGroups refuses account %s, which has principals, if "
		    "that is its group",
		    str_quote(quoted, name));
	n = effective(params, name, "AllowGroups");
	if (n != NULL && !names(n, name, false))
		conf_warning(d, n->pos,
		    "AllowGroups refuses account %s, which has principals, "
		    "unless it is in one of these groups",
		    str_quote(quoted, name));
}

static void
check_methods(struct conf_diags *d, const struct yaml_node *params,
    const struct yaml_pair *account)
{
	const char *name = account->key;
	const struct yaml_node *n;

	n = effective(params, name, "PubkeyAuthentication");
	if (is_text(n, "no"))
		refuses(d, n, "PubkeyAuthentication", account,
		    "yes: certificates are keys");
	n = effective(params, name, "PermitRootLogin");
	if (strcmp(name, "root") == 0 && is_text(n, "no"))
		refuses(d, n, "PermitRootLogin", account,
		    "prohibit-password, which takes certificates");
	n = effective(params, name, "AuthenticationMethods");
	if (n != NULL && n->kind == YAML_TEXT &&
	    strstr(n->text, "publickey") == NULL && !is_text(n, "any"))
		refuses(d, n, "AuthenticationMethods", account,
		    "publickey among them");
	n = effective(params, name, "AuthorizedPrincipalsFile");
	if (is_text(n, "none"))
		refuses(d, n, "AuthorizedPrincipalsFile", account,
		    "it to be left to ssh_ca");
}

/* --- one highstate -------------------------------------------------------- */

static const struct yaml_node *
accounts_of(const struct hstate *hs)
{
	const struct yaml_node *n;

	if (hs->off || strcmp(hs->decl->kind, "ssh_ca") != 0)
		return NULL;
	n = yaml_get(hs->params, "accounts");
	return n != NULL && n->kind == YAML_MAP ? n : NULL;
}

static bool
is_granted(const struct policy *p, const char *principal)
{
	for (size_t i = 0; i < p->n_grants; i++)
		if (p->grants[i].kind == CERT_USER &&
		    grant_covers_principal(&p->grants[i], principal))
			return true;
	return false;
}

/* P@HOST beside P: what is wrong with it is said of P. */
static bool
goes_with(const struct yaml_node *list, const char *principal)
{
	const char *at = strchr(principal, '@');

	for (size_t i = 0; at != NULL && i < list->n; i++)
		if (list->items[i]->n == (size_t)(at - principal) &&
		    memcmp(list->items[i]->text, principal,
			list->items[i]->n) == 0)
			return true;
	return false;
}

static int
accept(struct agreement *a, const struct yaml_pair *account,
    struct conf_diags *diags)
{
	const struct yaml_node *list = account->value;
	char p[QUOTE_MAX], who[QUOTE_MAX];
	int r = 0;

	/* Another form is the kind's to refuse. */
	for (size_t i = 0; i < list->n; i++)
		if (list->kind != YAML_LIST ||
		    list->items[i]->kind != YAML_TEXT)
			return 0;
	for (size_t i = 0; i < list->n && r == 0; i++) {
		const struct yaml_node *n = list->items[i];

		if (!strs_has(&a->accepted, n->text))
			r = strs_add(&a->accepted, n->text);
		if (is_granted(a->policy, n->text) || goes_with(list, n->text))
			continue;
		conf_warning(diags, n->pos,
		    "principal %s of account %s is in no grant of the policy, "
		    "so nobody gets it",
		    str_quoten(p, n->text, n->n), str_quote(who, account->key));
	}
	return r;
}

int
agreement_add(struct agreement *a, const struct highstate *h,
    struct conf_diags *diags)
{
	int r = 0;

	for (size_t i = 0; i < h->n && r == 0; i++) {
		const struct yaml_node *accounts = accounts_of(&h->v[i]);

		for (size_t k = 0;
		     accounts != NULL && k < accounts->n && r == 0; k++) {
			const struct yaml_pair *who = &accounts->pairs[k];

			a->has_accounts = true;
			r = accept(a, who, diags);
			for (size_t j = 0; j < h->n; j++) {
				const struct hstate *s = &h->v[j];

				if (s->off ||
				    strcmp(s->decl->kind, "sshd_config") != 0)
					continue;
				check_lists(diags, s->params, who);
				check_methods(diags, s->params, who);
			}
		}
	}
	return r;
}

void
agreement_clear(struct agreement *a)
{
	strs_clear(&a->accepted);
	*a = (struct agreement){0};
}

/* --- all of them ---------------------------------------------------------- */

/* P itself, or P@HOST for some host. */
static bool
is_accepted(const struct agreement *a, const char *principal)
{
	size_t n = strlen(principal);

	for (size_t i = 0; i < a->accepted.n; i++)
		if (strncmp(a->accepted.v[i], principal, n) == 0 &&
		    (a->accepted.v[i][n] == '\0' || a->accepted.v[i][n] == '@'))
			return true;
	return false;
}

static void
check_grants(const struct agreement *a, struct conf_diags *diags)
{
	char quoted[QUOTE_MAX];

	for (size_t i = 0; i < a->policy->n_grants; i++) {
		const struct grant *g = &a->policy->grants[i];

		for (size_t j = 0; g->kind == CERT_USER && j < g->principals.n;
		     j++)
			if (!is_accepted(a, g->principals.v[j]))
				conf_warning(diags, g->pos,
				    "grant '%s' gives principal %s, which no "
				    "host of the fleet accepts",
				    g->name,
				    str_quote(quoted, g->principals.v[j]));
	}
}

static void
check_masters(const struct agreement *a, const struct fleet *f,
    struct conf_diags *diags)
{
	for (size_t i = 0; i < f->n_masters; i++) {
		const struct fleet_master *m = &f->masters[i];
		const struct authority *key =
		    policy_authority(a->policy, m->key);

		if (key == NULL)
			conf_error(diags, m->pos,
			    "the policy has no authorities/%s.pub, expected "
			    "the key of this master there",
			    m->key);
		else if (!key->master)
			conf_error(diags, m->pos,
			    "'%s' is no master's key, expected it in "
			    "'authorities: master:' of the policy's ca.yaml",
			    m->key);
	}
}

static void
check_owners(const struct agreement *a, const struct fleet_state *s,
    struct conf_diags *diags)
{
	for (size_t i = 0; i < s->n_exceptions; i++)
		if (policy_person(a->policy, s->exceptions[i].owner) == NULL)
			conf_warning(diags, s->exceptions[i].pos,
			    "the owner '%s' is nobody whom the policy knows",
			    s->exceptions[i].owner);
}

int
agreement_end(const struct agreement *a, const struct fleet *f,
    struct conf_diags *diags)
{
	check_masters(a, f, diags);
	for (size_t i = 0; i < f->n_files; i++)
		for (size_t j = 0; j < f->files[i].n_states; j++)
			check_owners(a, &f->files[i].states[j], diags);
	if (a->has_accounts)
		check_grants(a, diags);
	return diags->failed ? ERR_NOMEM : 0;
}
