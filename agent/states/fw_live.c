/* SPDX-License-Identifier: ISC */
/*
 * What the kernel has, and the way from there.
 */
#include <string.h>

#include "agent/states/fw_rules.h"
#include "agent/states/words.h"

void
fw_live_clear(struct fw_live *l)
{
	strs_clear(&l->rules);
	strs_clear(&l->before);
	*l = (struct fw_live){0};
}

/* "WRIT-INPUT" or "INPUT": which hook's, -1 for what is neither. */
static int
hook_of(struct slice chain, bool ours)
{
	const size_t skip = ours ? strlen("WRIT-") : 0;

	if (chain.n < skip || (ours && memcmp(chain.p, "WRIT-", skip) != 0))
		return -1;
	for (int h = 0; h < FW_HOOKS; h++) {
		const char *name = fw_hook_name((enum fw_hook)h);

		if (chain.n - skip == strlen(name) &&
		    memcmp(chain.p + skip, name, chain.n - skip) == 0)
			return h;
	}
	return -1;
}

/* Is it "-j WRIT-<hook>" and nothing else? */
static bool
is_jump(struct slice rest, int hook)
{
	struct slice word;

	return state_next_word(&rest, &word) && slice_is(word, "-j") &&
	    state_next_word(&rest, &word) && hook_of(word, true) == hook &&
	    !state_next_word(&rest, &word);
}

static bool
accepts(struct slice rest)
{
	struct slice word;
	bool jump = false;

	while (state_next_word(&rest, &word)) {
		if (jump && slice_is(word, "ACCEPT"))
			return true;
		jump = slice_is(word, "-j");
	}
	return false;
}

static int
read_rule(struct slice line, struct fw_live *out)
{
	struct slice rest = line, word, chain;
	int h;

	(void)state_next_word(&rest, &word);
	if (!state_next_word(&rest, &chain))
		return 0;
	if (hook_of(chain, true) >= 0)
		return out->rules.n >= FW_RULES_MAX
		    ? ERR_LIMIT
		    : strs_addn(&out->rules, line.p, line.n);
	if ((h = hook_of(chain, false)) < 0)
		return 0;
	if (is_jump(rest, h)) {
		out->jumps[h]++;
		out->last[h] = true;
		return 0;
	}
	out->last[h] = false;
	if (accepts(rest) && out->before.n < FW_RULES_MAX)
		return strs_addn(&out->before, line.p, line.n);
	return 0;
}

int
fw_read(const char *saved, struct fw_live *out)
{
	struct slice text = {(const uint8_t *)saved, strlen(saved)}, line;
	struct fw_live l = {0};
	bool filter = false;
	int r = 0;

	while (r == 0 && state_next_line(&text, &line)) {
		struct slice rest = line, word;

		if (!state_next_word(&rest, &word))
			continue;
		if (word.p[0] == '*')
			filter = slice_is(word, "*filter");
		else if (filter && word.p[0] == ':') {
			struct slice name = {word.p + 1, word.n - 1};
			int h = hook_of(name, true);

			if (h >= 0)
				l.chain[h] = true;
		} else if (filter && slice_is(word, "-A"))
			r = read_rule(line, &l);
	}
	if (r != 0) {
		fw_live_clear(&l);
		return r;
	}
	fw_live_clear(out);
	*out = l;
	return 0;
}

/* --- comparison -------------------------------------------------------- */

/* Words that say nothing: the match that -p brings along. */
static bool
next_telling(struct slice *rest, struct slice *out)
{
	static const char *const implied[] = {
	    "tcp", "udp", "sctp", "icmp", "icmp6"};

	while (state_next_word(rest, out)) {
		struct slice peek = *rest, arg;
		bool skip = false;

		if (!slice_is(*out, "-m") || !state_next_word(&peek, &arg))
			return true;
		for (size_t i = 0; i < sizeof(implied) / sizeof(implied[0]);
		     i++)
			skip = skip || slice_is(arg, implied[i]);
		if (!skip)
			return true;
		*rest = peek;
	}
	return false;
}

static bool
same_rule(const char *a, const char *b)
{
	struct slice ra = {(const uint8_t *)a, strlen(a)}, wa;
	struct slice rb = {(const uint8_t *)b, strlen(b)}, wb;
	bool more;

	while ((more = next_telling(&ra, &wa)) == next_telling(&rb, &wb)) {
		if (!more)
			return true;
		if (wa.n != wb.n || memcmp(wa.p, wb.p, wa.n) != 0)
			return false;
	}
	return false;
}

/* The next rule from *at on that is of our chain of that hook, or NULL. */
static const char *
next_of(const struct strs *rules, int hook, size_t *at)
{
	while (*at < rules->n) {
		const char *rule = rules->v[(*at)++];
		struct slice rest = {(const uint8_t *)rule, strlen(rule)};
		struct slice word, chain;

		if (state_next_word(&rest, &word) &&
		    state_next_word(&rest, &chain) &&
		    hook_of(chain, true) == hook)
			return rule;
	}
	return NULL;
}

/* The kernel lists chains by name: only within one does order count. */
static bool
same_chain(const struct strs *a, const struct strs *b, int hook)
{
	size_t at_a = 0, at_b = 0;
	const char *ra, *rb;

	do {
		ra = next_of(a, hook, &at_a);
		rb = next_of(b, hook, &at_b);
		if ((ra == NULL) != (rb == NULL) ||
		    (ra != NULL && !same_rule(ra, rb)))
			return false;
	} while (ra != NULL);
	return true;
}

/* Which chains do rules need? */
static void
needed(const struct strs *rules, bool out[FW_HOOKS])
{
	for (int h = 0; h < FW_HOOKS; h++) {
		size_t at = 0;

		out[h] = next_of(rules, h, &at) != NULL;
	}
}

bool
fw_same(const struct fw_live *live, const struct strs *rules)
{
	bool need[FW_HOOKS];

	needed(rules, need);
	for (int h = 0; h < FW_HOOKS; h++)
		if (live->chain[h] != need[h] ||
		    live->jumps[h] != (need[h] ? 1u : 0u) ||
		    (need[h] && !live->last[h]))
			return false;
	if (live->rules.n != rules->n)
		return false;
	for (int h = 0; h < FW_HOOKS; h++)
		if (!same_chain(&live->rules, rules, h))
			return false;
	return true;
}

int
fw_transaction(const struct fw_live *live, const struct strs *rules,
    struct str *out)
{
	bool need[FW_HOOKS];

	needed(rules, need);
	str_add(out, "*filter\n");
	/* A chain that is named here is made, or emptied. */
	for (int h = 0; h < FW_HOOKS; h++)
		if (need[h] || live->chain[h])
			str_addf(out, ":WRIT-%s - [0:0]\n",
			    fw_hook_name((enum fw_hook)h));
	for (size_t i = 0; i < rules->n; i++)
		str_addf(out, "%s\n", rules->v[i]);
	for (int h = 0; h < FW_HOOKS; h++) {
		const char *name = fw_hook_name((enum fw_hook)h);

		for (unsigned i = 0; i < live->jumps[h]; i++)
			str_addf(out, "-D %s -j WRIT-%s\n", name, name);
		if (need[h])
			str_addf(out, "-A %s -j WRIT-%s\n", name, name);
		else if (live->chain[h])
			str_addf(out, "-X WRIT-%s\n", name);
	}
	str_add(out, "COMMIT\n");
	return str_check(out);
}
