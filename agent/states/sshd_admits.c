/* SPDX-License-Identifier: ISC */
#include "agent/states/sshd_admits.h"

#include <string.h>

#include "agent/states/sshd_words.h"

/* --- lists --------------------------------------------------------------- */
/* sshd's match_user(): "user" or "user@host", each a pattern. */
static bool
user_matches(const struct sshd_class *c, const char *pattern, bool any_address,
    bool allow)
{
	const char *at = strrchr(pattern, '@');
	char user[SSHD_VALUE_MAX];
	size_t n;

	if (at == NULL)
		return sshd_pattern(c->user, pattern);
	n = (size_t)(at - pattern);
	if (n >= sizeof(user))
		return false;
	memcpy(user, pattern, n);
	user[n] = '\0';
	if (!sshd_pattern(c->user, user))
		return false;
	if (any_address)
		return allow;
	return sshd_address_list(c->address, at + 1) == 1 ||
	    sshd_pattern(c->host, at + 1);
}

static bool
user_in(const struct sshd_class *c, const char *key, bool any_address,
    bool allow)
{
	const struct strs *l = sshd_dump_get(&c->dump, key);

	for (size_t i = 0; i < l->n; i++)
		if (user_matches(c, l->v[i], any_address, allow))
			return true;
	return false;
}

static bool
group_in(const struct sshd_class *c, const char *key)
{
	const struct strs *l = sshd_dump_get(&c->dump, key);

	for (size_t i = 0; i < l->n; i++)
		for (size_t j = 0; j < c->groups.n; j++)
			if (sshd_pattern(c->groups.v[j], l->v[i]))
				return true;
	return false;
}

const char *
sshd_lists_refuse(const struct sshd_class *c, bool any_address)
{
	/* In sshd's own order. */
	if (user_in(c, "denyusers", any_address, false))
		return "DenyUsers";
	if (sshd_dump_get(&c->dump, "allowusers")->n > 0 &&
	    !user_in(c, "allowusers", any_address, true))
		return "AllowUsers";
	if (group_in(c, "denygroups"))
		return "DenyGroups";
	if (sshd_dump_get(&c->dump, "allowgroups")->n > 0 &&
	    !group_in(c, "allowgroups"))
		return "AllowGroups";
	return NULL;
}

/* --- methods ------------------------------------------------------------- */
/* Is the method on?  "publickey", "keyboard-interactive:pam". */
static bool
method_on(const struct sshd_dump *d, const char *method, size_t n)
{
	static const struct {
		const char *method, *key;
	} methods[] = {
	    {"publickey", "pubkeyauthentication"},
	    {"password", "passwordauthentication"},
	    {"keyboard-interactive", "kbdinteractiveauthentication"},
	    {"hostbased", "hostbasedauthentication"},
	    {"gssapi-with-mic", "gssapiauthentication"},
	};
	const char *colon = memchr(method, ':', n);

	if (colon != NULL)
		n = (size_t)(colon - method);
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strlen(methods[i].method) == n &&
		    strncmp(methods[i].method, method, n) == 0)
			return sshd_dump_yes(d, methods[i].key);
	return false;
}

/* One list, "publickey,password": all of it on, and a key among it? */
static bool
list_passes(const struct sshd_dump *d, const char *list, size_t n)
{
	bool key = false;

	for (size_t i = 0; i < n;) {
		size_t len = 0;

		while (i + len < n && list[i + len] != ',')
			len++;
		if (!method_on(d, list + i, len))
			return false;
		key = key || strncmp(list + i, "publickey", 9) == 0;
		i += len + 1;
	}
	return key;
}

bool
sshd_methods_pass(const struct sshd_dump *d)
{
	const char *p = sshd_dump_one(d, "authenticationmethods", "any");

	if (strcmp(p, "any") == 0)
		return sshd_dump_yes(d, "pubkeyauthentication");
	while (*(p += strspn(p, " ")) != '\0') {
		size_t n = strcspn(p, " ");

		if (list_passes(d, p, n))
			return true;
		p += n;
	}
	return false;
}
