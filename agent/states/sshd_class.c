/* SPDX-License-Identifier: ISC */
/*
 * Connections that stand for a Match block.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/states/accounts.h"
#include "agent/states/sshd_look.h"
#include "lib/ssh/cidr.h"

/* Addresses for documentation (RFC 5737): nobody has a rule for them. */
#define SOME_ADDRESS "192.0.2.1"
#define SOME_LOCAL   "192.0.2.2"
#define SOME_HOST    "host.invalid"
/* An account that every Debian has and nobody logs in as. */
#define SOME_USER "nobody"

enum criterion {
	USER,
	GROUP,
	HOST,
	ADDRESS,
	LOCAL_ADDRESS,
	LOCAL_PORT,
	N_CRITERIA
};

static const char *const criteria[N_CRITERIA] = {
    [USER] = "User",
    [GROUP] = "Group",
    [HOST] = "Host",
    [ADDRESS] = "Address",
    [LOCAL_ADDRESS] = "LocalAddress",
    [LOCAL_PORT] = "LocalPort",
};

void
sshd_class_clear(struct sshd_class *c)
{
	free(c->name);
	free(c->user);
	free(c->host);
	free(c->address);
	free(c->local_address);
	free(c->local_port);
	free(c->not_asked);
	strs_clear(&c->groups);
	sshd_dump_clear(&c->dump);
	*c = (struct sshd_class){0};
}

static bool
is_all(const struct strs *when)
{
	return when->n == 1 && strcasecmp(when->v[0], "all") == 0;
}

/*
 * The list of patterns of one criterion, or NULL.  *odd: there is something in
 * it that is none of ours.
 */
static const char *
patterns_of(const struct strs *when, enum criterion which, bool *odd)
{
	const char *found = NULL;

	*odd = when->n % 2 != 0 && !is_all(when);
	for (size_t i = 0; i + 1 < when->n; i += 2) {
		size_t k = 0;

		while (k < N_CRITERIA &&
		    strcasecmp(when->v[i], criteria[k]) != 0)
			k++;
		if (k == N_CRITERIA)
			*odd = true;
		else if (k == which)
			found = when->v[i + 1];
	}
	return found;
}

/* As sshd: a group that is negated counts against all others. */
static int
groups_list(const struct strs *groups, const char *list)
{
	int found = 0;

	for (size_t i = 0; i < groups->n; i++) {
		int m = sshd_pattern_list(groups->v[i], list);

		if (m < 0)
			return -1;
		found = found > m ? found : m;
	}
	return found;
}

static int
criterion_list(enum criterion which, const struct sshd_class *c,
    const char *list)
{
	switch (which) {
	case USER:
		return sshd_pattern_list(c->user, list);
	case GROUP:
		return groups_list(&c->groups, list);
	case HOST:
		return sshd_pattern_list(c->host, list);
	case ADDRESS:
		return sshd_address_list(c->address, list);
	case LOCAL_ADDRESS:
		return sshd_address_list(c->local_address, list);
	case LOCAL_PORT:
		return sshd_pattern_list(c->local_port, list);
	case N_CRITERIA:
		break;
	}
	return 0;
}

bool
sshd_when_holds(const struct strs *when, const struct sshd_class *c)
{
	for (size_t k = 0; k < N_CRITERIA; k++) {
		bool odd;
		const char *list = patterns_of(when, k, &odd);

		if (odd || (list != NULL && criterion_list(k, c, list) != 1))
			return false;
	}
	return true;
}

bool
sshd_match_holds(const struct sshd_tree *t, size_t match,
    const struct sshd_class *c)
{
	for (; match != 0; match = t->matches[match - 1].outer)
		if (!sshd_when_holds(&t->matches[match - 1].when, c))
			return false;
	return true;
}

/* A pattern with each star replaced by text. */
static int
fill_stars(const char *pattern, size_t n, const char *text, struct str *out)
{
	str_reset(out);
	for (size_t i = 0; i < n; i++) {
		if (pattern[i] == '*')
			str_add(out, text);
		else
			str_addc(out, pattern[i] == '?' ? '1' : pattern[i]);
	}
	return str_check(out);
}

static bool
is_address(const char *s)
{
	struct cidr c;

	return strchr(s, '/') == NULL && cidr_parse(s, &c) == 0;
}

/*
 * Something that a list of patterns matches, or NULL in *out: its patterns
 * themselves, with something for each star.
 */
static int
example(enum criterion which, const char *list, char **out)
{
	static const char *const fills[] = {
	    "", "1", "1.1", "1.1.1", "x", "::1"};
	bool address = which == ADDRESS || which == LOCAL_ADDRESS;
	struct str s = STR_INIT;
	int r = 0;

	*out = NULL;
	for (const char *p = list; r == 0 && *out == NULL && *p != '\0';) {
		size_t n = strcspn(p, ","),
		       use = address ? strcspn(p, ",/") : n;

		for (size_t i = 0; r == 0 && *out == NULL && *p != '!' &&
		     i < sizeof(fills) / sizeof(fills[0]);
		     i++) {
			r = fill_stars(p, use, fills[i], &s);
			if (r != 0 || s.n == 0 || (address && !is_address(s.p)))
				continue;
			if ((address ? sshd_address_list(s.p, list)
				     : sshd_pattern_list(s.p, list)) == 1 &&
			    (*out = str_dup(s.p)) == NULL)
				r = ERR_NOMEM;
		}
		p += n + (p[n] == ',');
	}
	str_clear(&s);
	return r;
}

/* --- making a class ------------------------------------------------------ */
static int
set(char **field, const char *text)
{
	free(*field);
	return (*field = str_dup(text)) != NULL ? 0 : ERR_NOMEM;
}

int
sshd_class_of(struct host *h, const char *name, const char *user,
    const char *address, struct sshd_class *out, struct err *e)
{
	struct sshd_class c = {0};
	int r;

	if (set(&c.name, name) != 0 || set(&c.user, user) != 0 ||
	    set(&c.host, SOME_HOST) != 0 ||
	    set(&c.address, address != NULL ? address : SOME_ADDRESS) != 0 ||
	    set(&c.local_address, SOME_LOCAL) != 0 ||
	    set(&c.local_port, "22") != 0)
		r = err_nomem(e);
	else if ((r = account_groups(h, user, &c.groups, e)) == ACCOUNT_NO)
		r = 0; /* sshd asks the same, and finds no group */
	if (r != 0) {
		sshd_class_clear(&c);
		return r;
	}
	*out = c;
	return 0;
}

static int
not_asked(struct sshd_class *c, const char *what, const char *list)
{
	struct str s = STR_INIT;

	free(c->not_asked);
	c->not_asked = NULL;
	str_addf(&s, "%s %s", what, list);
	return str_take(&s, &c->not_asked);
}

/* An account that is in one of the groups, and by its name meant. */
static int
choose_member(struct host *h, const char *groups, const char *users,
    struct sshd_class *c, struct err *e)
{
	struct strs members = {0};
	bool found = false;
	int r;

	r = group_members(h, groups, &members, e);
	for (size_t i = 0; r == 0 && !found && i < members.n; i++) {
		if (users != NULL &&
		    sshd_pattern_list(members.v[i], users) != 1)
			continue;
		strs_clear(&c->groups);
		if (set(&c->user, members.v[i]) != 0)
			r = err_nomem(e);
		else if ((r = account_groups(h, c->user, &c->groups, e)) ==
		    ACCOUNT_NO)
			r = 0;
		found = r == 0 && groups_list(&c->groups, groups) == 1;
	}
	if (r == 0 && !found &&
	    not_asked(c, "no account is in group", groups) != 0)
		r = err_nomem(e);
	strs_clear(&members);
	return r;
}

static int
choose_user(struct host *h, const struct strs *when, struct sshd_class *c,
    struct err *e)
{
	bool odd;
	const char *users = patterns_of(when, USER, &odd);
	const char *groups = patterns_of(when, GROUP, &odd);
	char *user = NULL;
	int r;

	if (groups != NULL)
		return choose_member(h, groups, users, c, e);
	if (users == NULL || sshd_pattern_list(c->user, users) == 1)
		return 0;
	if (example(USER, users, &user) != 0)
		return err_nomem(e);
	if (user == NULL)
		return not_asked(c, "no account is in", users) == 0
		    ? 0
		    : err_nomem(e);
	free(c->user);
	c->user = user;
	strs_clear(&c->groups);
	r = account_groups(h, user, &c->groups, e);
	return r == ACCOUNT_NO ? 0 : r;
}

static int
choose_rest(const struct strs *when, struct sshd_class *c)
{
	static const enum criterion which[] = {
	    HOST, ADDRESS, LOCAL_ADDRESS, LOCAL_PORT};
	char **const fields[] = {
	    &c->host, &c->address, &c->local_address, &c->local_port};

	for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++) {
		bool odd;
		const char *list = patterns_of(when, which[i], &odd);
		char *text;

		if (list == NULL || criterion_list(which[i], c, list) == 1)
			continue;
		if (example(which[i], list, &text) != 0)
			return ERR_NOMEM;
		if (text == NULL)
			return not_asked(c, "no example is known of", list);
		free(*fields[i]);
		*fields[i] = text;
	}
	return 0;
}

int
sshd_class_for(struct host *h, const struct strs *when, struct sshd_class *out,
    struct err *e)
{
	struct str name = STR_INIT;
	struct sshd_class c = {0};
	bool odd;
	int r;

	strs_join(when, " ", &name);
	if ((r = str_check(&name)) != 0)
		r = err_nomem(e);
	else
		r = sshd_class_of(h, name.p, SOME_USER, NULL, &c, e);
	str_clear(&name);
	if (r != 0)
		return r;
	(void)patterns_of(when, USER, &odd);
	if (odd)
		r = not_asked(&c, "unknown to us is Match", c.name);
	else if ((r = choose_rest(when, &c)) == 0 && c.not_asked == NULL)
		r = choose_user(h, when, &c, e);
	if (r != 0) {
		sshd_class_clear(&c);
		return r == ERR_NOMEM ? err_nomem(e) : r;
	}
	*out = c;
	return 0;
}
