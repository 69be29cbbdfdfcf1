/* SPDX-License-Identifier: ISC */
/*
 * Is what sshd says it does what the policy says it should?
 */
#include <string.h>
#include <strings.h>

#include "agent/states/sshd_words.h"
#include "lib/ssh/cidr.h"

bool
sshd_pattern(const char *s, const char *p)
{
	const char *star = NULL, *from = NULL;

	/* Back to the last star alone: linear in length of s by p. */
	while (*s != '\0') {
		if (*p == '*') {
			star = ++p;
			from = s;
		} else if (*p == '?' || *p == *s) {
			p++;
			s++;
		} else if (star != NULL) {
			p = star;
			s = ++from;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return *p == '\0';
}

/* Each pattern of a list: 1, 0, -1 as sshd_pattern_list(). */
static int
each_pattern(const char *s, const char *list,
    bool (*matches)(const char *s, const char *pattern))
{
	char pattern[SSHD_VALUE_MAX];
	int found = 0;

	while (*list != '\0') {
		size_t n = strcspn(list, ",");
		bool not = *list == '!';

		/* One that does not fit matches nothing; sshd has 1024. */
		if (n - not < sizeof(pattern)) {
			memcpy(pattern, list + not, n - not );
			pattern[n - not ] = '\0';
			if (matches(s, pattern)) {
				if (not )
					return -1;
				found = 1;
			}
		}
		list += n + (list[n] == ',');
	}
	return found;
}

int
sshd_pattern_list(const char *s, const char *list)
{
	return each_pattern(s, list, sshd_pattern);
}

static bool
address_matches(const char *address, const char *pattern)
{
	struct cidr outer, inner;

	if (cidr_parse(pattern, &outer) == 0 &&
	    cidr_parse(address, &inner) == 0)
		return cidr_contains(&outer, &inner);
	return sshd_pattern(address, pattern);
}

int
sshd_address_list(const char *address, const char *list)
{
	return each_pattern(address, list, address_matches);
}

/* --- the form that sshd prints ------------------------------------------- */
static void
norm_rekey(const char *s, struct str *out)
{
	size_t n = strcspn(s, " ");
	uint64_t amount = 0, secs = 0;

	for (size_t i = 0; i < n && s[i] >= '0' && s[i] <= '9'; i++)
		amount = amount * 10 + (uint64_t)(s[i] - '0');
	switch (n > 0 ? s[n - 1] | 0x20 : 0) {
	case 'k':
		amount <<= 10;
		break;
	case 'm':
		amount <<= 20;
		break;
	case 'g':
		amount <<= 30;
		break;
	default:
		break;
	}
	if (s[n] == ' ' && !sshd_time(s + n + 1, &secs))
		secs = 0; /* "none" */
	str_addf(out, "%llu %llu", (unsigned long long)amount,
	    (unsigned long long)secs);
}

static void
norm_listen(const char *s, struct str *out)
{
	const char *colon = strchr(s, ':');

	/* Bare IPv6: more than one colon, no bracket. */
	if (*s != '[' && colon != NULL && strchr(colon + 1, ':') != NULL)
		str_addf(out, "[%s]", s);
	else
		str_add(out, s);
}

static bool
has_port(const char *listen)
{
	const char *end = *listen == '[' ? strchr(listen, ']') : listen;

	return end != NULL && strchr(end, ':') != NULL;
}

/* One value, as sshd -T would print it. */
static void
norm(const struct sshd_word *w, const char *value, struct str *out)
{
	const char *shown;
	uint64_t v;
	size_t n;

	if (sshd_choice(w, value, &shown, &n)) {
		str_addn(out, shown, n);
		return;
	}
	switch (w->type) {
	case SSHD_TIME:
		if (sshd_time(value, &v))
			str_addf(out, "%llu", (unsigned long long)v);
		else
			str_add(out, value);
		break;
	case SSHD_OCTAL:
		str_add(out, value + strspn(value, "0"));
		break;
	case SSHD_REKEY:
		norm_rekey(value, out);
		break;
	case SSHD_QOS:
		str_add(out, value);
		if (strchr(value, ' ') == NULL)
			str_addf(out, " %s", value);
		break;
	case SSHD_LISTEN:
		norm_listen(value, out);
		break;
	case SSHD_FORWARD:
		if (strchr(value, ':') == NULL &&
		    strcasecmp(value, "any") != 0 &&
		    strcasecmp(value, "none") != 0)
			str_add(out, "*:");
		str_add(out, value);
		break;
	default:
		str_add(out, value);
		break;
	}
}

static int
norm_add(const struct sshd_word *w, const char *value, const struct strs *ports,
    struct strs *out)
{
	struct str s = STR_INIT;
	size_t bare;
	int r;

	norm(w, value, &s);
	if (w->type != SSHD_LISTEN || has_port(s.p)) {
		if ((r = str_check(&s)) == 0)
			r = strs_add(out, s.p);
		str_clear(&s);
		return r;
	}
	bare = s.n;
	r = 0;
	for (size_t i = 0; r == 0 && i < ports->n; i++) {
		s.n = bare;
		str_addf(&s, ":%s", ports->v[i]);
		if ((r = str_check(&s)) == 0)
			r = strs_add(out, s.p);
	}
	str_clear(&s);
	return r;
}

/* sshd's lines for a keyword, as values. */
static int
have_values(const struct sshd_word *w, const struct strs *have,
    struct strs *out)
{
	static const struct strs none;
	int r = 0;

	for (size_t i = 0; r == 0 && i < have->n; i++) {
		const char *s = have->v[i];

		if ((w->flags & SSHD_LIST) == 0 ||
		    (w->flags & SSHD_SHOWN_EACH) != 0) {
			r = norm_add(w, s, &none, out);
			continue;
		}
		while (r == 0 && *(s += strspn(s, " ")) != '\0') {
			size_t n = strcspn(s, " ");

			r = strs_addn(out, s, n);
			s += n;
		}
	}
	return r;
}

/* --- comparing ----------------------------------------------------------- */
static bool
same_word(const struct sshd_word *w, const char *a, const char *b)
{
	/* Words of sshd's own have no case; names of people and files do. */
	if (w->type == SSHD_TEXT || w->type == SSHD_PATH)
		return strcmp(a, b) == 0 ||
		    (strcasecmp(a, b) == 0 &&
			(strcasecmp(a, "none") == 0 ||
			    strcasecmp(a, "any") == 0 ||
			    strcasecmp(a, "yes") == 0 ||
			    strcasecmp(a, "no") == 0));
	return strcasecmp(a, b) == 0;
}

static bool
in_list(const char *name, size_t n, const char *list)
{
	char one[256];

	if (n >= sizeof(one))
		return false;
	memcpy(one, name, n);
	one[n] = '\0';
	return sshd_pattern_list(one, list) == 1;
}

/* Does each name of a have a match in b? */
static bool
each_in(const char *a, const char *b)
{
	while (*a != '\0') {
		size_t n = strcspn(a, ",");

		if (!in_list(a, n, b))
			return false;
		a += n + (a[n] == ',');
	}
	return true;
}

/* Is no name of a in b? */
static bool
none_in(const char *a, const char *b)
{
	while (*a != '\0') {
		size_t n = strcspn(a, ",");

		if (in_list(a, n, b))
			return false;
		a += n + (a[n] == ',');
	}
	return true;
}

/* The first name of a list, and the list behind it; false: there is none, or none
 * that sshd has. */
static bool
next_name(const char **list, char out[256])
{
	size_t n = strcspn(*list, ",");

	if (n == 0 || n >= 256)
		return false;
	memcpy(out, *list, n);
	out[n] = '\0';
	*list += n + ((*list)[n] == ',');
	return true;
}

/* Does one of the names from list to end match the pattern? */
static bool
one_matches(const char *list, const char *end, const char *pattern)
{
	char name[256];

	while (list < end && next_name(&list, name))
		if (sshd_pattern(name, pattern))
			return true;
	return false;
}

/* Has each pattern of want a name in have? */
static bool
each_has(const char *want, const char *have)
{
	char pattern[256];

	while (next_name(&want, pattern))
		if (!one_matches(have, have + strlen(have), pattern))
			return false;
	return *want == '\0';
}

/*
 * How sshd puts together a list: for each pattern in turn the names that it
 * matches and that are not there yet.  *rest is what have goes on with.
 */
static bool
begins_with(const char *want, const char *have, const char **rest)
{
	char pattern[256], name[256];
	const char *at = have;

	while (next_name(&want, pattern)) {
		const char *was = at, *next = at;

		while (next_name(&next, name) && sshd_pattern(name, pattern))
			at = next;
		if (at == was && !one_matches(have, at, pattern))
			return false;
	}
	*rest = at;
	return *want == '\0';
}

/*
 * `+` and `-` are against sshd's own defaults, which nobody tells us: what can
 * be seen is that the names are there, or not.
 */
static bool
same_algorithms(const char *want, const char *have)
{
	const char *rest;

	switch (*want) {
	case '+':
		return each_has(want + 1, have);
	case '-':
		return none_in(have, want + 1);
	case '^':
		return begins_with(want + 1, have, &rest);
	default:
		if (strpbrk(want, "*?") != NULL)
			return *have != '\0' && each_in(have, want);
		return begins_with(want, have, &rest) && *rest == '\0';
	}
}

/* "10" stands for what sshd makes of it; releases differ in the rest. */
static bool
same_startups(const char *want, const char *have)
{
	size_t n = strlen(want);
	const char *last = strrchr(have, ':');

	if (strchr(want, ':') != NULL)
		return strcmp(want, have) == 0;
	return strncmp(have, want, n) == 0 && have[n] == ':' && last != NULL &&
	    strcmp(last + 1, want) == 0;
}

static bool
same_one(const struct sshd_word *w, const char *want, const char *have)
{
	size_t n = strlen(want);

	switch (w->type) {
	case SSHD_ALGORITHMS:
		return same_algorithms(want, have);
	case SSHD_STARTUPS:
		return same_startups(want, have);
	case SSHD_BLOCKS:
		return strcmp(want, have) == 0 ||
		    (strchr(want, ':') == NULL && strncmp(want, have, n) == 0 &&
			have[n] == ':');
	default:
		return same_word(w, want, have);
	}
}

static bool
same_lists(const struct sshd_word *w, const struct strs *want,
    const struct strs *have)
{
	if ((w->flags & SSHD_AMONG) == 0 && want->n != have->n)
		return false;
	for (size_t i = 0; i < want->n; i++) {
		bool found = false;

		if ((w->flags & SSHD_AMONG) == 0)
			found = same_one(w, want->v[i], have->v[i]);
		for (size_t j = 0; (w->flags & SSHD_AMONG) != 0 && j < have->n;
		     j++)
			found = found || same_one(w, want->v[i], have->v[j]);
		if (!found)
			return false;
	}
	return true;
}

int
sshd_values_same(const struct sshd_word *w, const struct strs *want,
    const struct strs *have, const struct strs *ports, bool *out)
{
	struct strs a = {0}, b = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < want->n; i++)
		r = norm_add(w, want->v[i], ports, &a);
	if (r == 0)
		r = have_values(w, have, &b);
	if (r == 0) {
		/* The order of lines that add up means nothing. */
		if ((w->flags & SSHD_ADDS) != 0) {
			strs_sort(&a);
			strs_sort(&b);
		}
		*out = same_lists(w, &a, &b);
	}
	strs_clear(&a);
	strs_clear(&b);
	return r;
}
