/* SPDX-License-Identifier: ISC */
#include "agent/states/fw_host.h"

#include <string.h>

#include "agent/states/words.h"

const struct fw_tools fw_families[FW_FAMILIES] = {
    [FW_V4] = {"iptables-save", "iptables-restore", NULL, FW_RULES_V4},
    [FW_V6] = {"ip6tables-save", "ip6tables-restore", "/proc/net/if_inet6",
	FW_RULES_V6},
};

int
fw_read_live(struct host *h, enum fw_family family, struct fw_live *out,
    bool *legacy, struct err *e)
{
	const char *argv[] = {fw_families[family].save, "-t", "filter", NULL};
	struct child_result res = {0};
	int r;

	if ((r = host_run_ok(h, argv, (struct slice){0}, &res, e)) != 0)
		return r;
	if (legacy != NULL)
		*legacy = strstr(res.out, "legacy tables present") != NULL ||
		    strstr(res.err_text, "legacy tables present") != NULL;
	r = fw_read(res.out, out);
	child_result_clear(&res);
	return r == ERR_LIMIT
	    ? err_set(e, r, "%s prints more than %d rules of ours",
		  fw_families[family].save, FW_RULES_MAX)
	    : r;
}

int
fw_has_family(struct host *h, enum fw_family family, struct err *e)
{
	const char *path = fw_families[family].there;

	return path != NULL ? host_exists(h, path, e) : 1;
}

int
fw_load(struct host *h, enum fw_family family, const struct strs *rules,
    struct err *e)
{
	const char *argv[] = {
	    fw_families[family].restore, "--noflush", "-w", "10", NULL};
	struct fw_live live = {0};
	struct str text = STR_INIT;
	int r;

	if ((r = fw_read_live(h, family, &live, NULL, e)) != 0)
		return r;
	if ((r = fw_transaction(&live, rules, &text)) == 0)
		r = host_run_ok(h, argv,
		    (struct slice){(const uint8_t *)text.p, text.n}, NULL, e);
	else
		r = err_nomem(e);
	str_clear(&text);
	fw_live_clear(&live);
	return r;
}

/* A line each rule of ours, with its family before it. */
int
fw_snapshot(struct host *h, const void *params, struct str *out, struct err *e)
{
	int r = 0;

	(void)params;
	if (!host_has(h, "iptables-save"))
		return 0;
	for (int f = 0; r == 0 && f < FW_FAMILIES; f++) {
		struct fw_live live = {0};

		if ((r = fw_has_family(h, (enum fw_family)f, e)) != 1)
			continue;
		if ((r = fw_read_live(h, (enum fw_family)f, &live, NULL, e)) !=
		    0)
			return r;
		str_addf(out, "%d\n", f == FW_V4 ? 4 : 6);
		for (size_t i = 0; i < live.rules.n; i++)
			str_addf(out, "%d %s\n", f == FW_V4 ? 4 : 6,
			    live.rules.v[i]);
		fw_live_clear(&live);
	}
	return r == 0 && str_check(out) != 0 ? err_nomem(e) : r;
}

int
fw_restore(struct host *h, struct slice snapshot_text, struct err *e)
{
	struct strs rules[FW_FAMILIES] = {{0}, {0}};
	bool known[FW_FAMILIES] = {false, false};
	struct slice line;
	int r = 0;

	while (r == 0 && state_next_line(&snapshot_text, &line)) {
		const int f = line.n > 0 && line.p[0] == '6' ? FW_V6 : FW_V4;

		if (line.n == 0 || (line.p[0] != '4' && line.p[0] != '6') ||
		    line.n == 2)
			r = err_set(e, ERR_CORRUPT,
			    "the record of rules has an unknown line");
		known[f] = true;
		if (r == 0 && line.n > 2 &&
		    strs_addn(&rules[f], line.p + 2, line.n - 2) != 0)
			r = err_nomem(e);
	}
	for (int f = 0; r == 0 && f < FW_FAMILIES; f++)
		if (known[f])
			r = fw_load(h, (enum fw_family)f, &rules[f], e);
	for (int f = 0; f < FW_FAMILIES; f++)
		strs_clear(&rules[f]);
	return r;
}
