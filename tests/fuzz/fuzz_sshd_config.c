/* SPDX-License-Identifier: ISC */
/*
 * A file of sshd_config(5): refused, or lines that stand where they say; and
 * each value that is well-formed equals itself as sshd would print it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/states/sshd_lines.h"
#include "agent/states/sshd_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_value(const struct sshd_word *w, const struct sshd_config_line *l)
{
	static const struct strs ports;
	bool same;

	for (size_t i = 0; i < l->args.n; i++)
		(void)sshd_value_ok(w, l->args.v[i]);
	(void)!sshd_values_same(w, &l->args, &l->args, &ports, &same);
}

static void
check_patterns(const struct sshd_config_line *l)
{
	for (size_t i = 0; i + 1 < l->args.n; i++) {
		int m = sshd_pattern_list(l->args.v[i], l->args.v[i + 1]);

		if (m < -1 || m > 1)
			abort();
		(void)sshd_address_list(l->args.v[i], l->args.v[i + 1]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct sshd_lines l = {0};
	unsigned line = 0;

	if (sshd_lines_parse("f", (struct slice){p, n}, &l, NULL) != 0) {
		if (l.n != 0)
			abort();
		return 0;
	}
	for (size_t i = 0; i < l.n; i++) {
		const struct sshd_word *w = sshd_word(l.v[i].word);

		if (l.v[i].line <= line || l.v[i].offset >= n ||
		    (l.v[i].offset > 0 && p[l.v[i].offset - 1] != '\n'))
			abort();
		line = l.v[i].line;
		if (w != NULL)
			check_value(w, &l.v[i]);
		check_patterns(&l.v[i]);
	}
	sshd_lines_clear(&l);
	return 0;
}
