/* SPDX-License-Identifier: ISC */
/* The keys of logs: a log's first has its name, further ones NAME.2, NAME.3. */
#include <stdio.h>
#include <string.h>

#include "lib/statement/statement.h"
#include "lib/trust/policy.h"

/* The number of a further key of a log, and how long the log's name is; 1: it
 * is the log's own. */
static uint64_t
log_key_number(const char *name, size_t *len)
{
	const char *dot = strrchr(name, '.');
	uint64_t n;

	*len = strlen(name);
	if (dot == NULL || dot == name || dot[1] == '0' ||
	    parse_u64(dot + 1, 2, UINT32_MAX, &n) != 0)
		return 1;
	*len = (size_t)(dot - name);
	return n;
}

void
policy_log_of_key(const char *name, char out[POLICY_NAME_MAX + 1])
{
	size_t n;

	(void)log_key_number(name, &n);
	(void)snprintf(out, POLICY_NAME_MAX + 1, "%.*s", (int)n, name);
}

size_t
policy_log_keys(const struct policy *p, const char *log,
    const struct authority *out[POLICY_LOG_KEYS_MAX])
{
	const struct authority *room[POLICY_LOG_KEYS_MAX];
	uint64_t numbers[POLICY_LOG_KEYS_MAX], number;
	size_t n = 0, len, at;

	if (out == NULL)
		out = room;
	for (size_t i = 0; i < p->n_authorities; i++) {
		const struct authority *a = &p->authorities[i];

		number = log_key_number(a->name, &len);
		if (!a->log || n == POLICY_LOG_KEYS_MAX || strlen(log) != len ||
		    strncmp(a->name, log, len) != 0)
			continue;
		/* ca_log.10 comes after ca_log.9. */
		for (at = n++; at > 0 && numbers[at - 1] > number; at--) {
			numbers[at] = numbers[at - 1];
			out[at] = out[at - 1];
		}
		numbers[at] = number;
		out[at] = a;
	}
	return n;
}

bool
policy_is_log_key(const struct policy *p, const char *log,
    const struct pubkey *k)
{
	const struct authority *keys[POLICY_LOG_KEYS_MAX];
	size_t n = policy_log_keys(p, log, keys);

	for (size_t i = 0; i < n; i++)
		if (pubkey_equal(keys[i]->key, k))
			return true;
	return false;
}

bool
policy_signed_by_log(const struct policy *p, const struct statement *s)
{
	const struct authority *keys[POLICY_LOG_KEYS_MAX];
	size_t n = policy_log_keys(p, s->by, keys);

	for (size_t i = 0; i < n; i++)
		if (statement_signed_by(s, keys[i]->key) >= 0)
			return true;
	return false;
}
