/* SPDX-License-Identifier: ISC */
#include "tests/unit/fleetcase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/file.h"

void
fleetcase_split(const char *text, struct policy_files *out)
{
	static const char mark[] = "==> ";
	const char *p = strstr(text, mark);

	while (p != NULL) {
		const char *eol = strchr(p, '\n'), *next;
		char *path;
		size_t n;

		if (eol == NULL)
			break;
		path = str_dupn(p + strlen(mark),
		    (size_t)(eol - p) - strlen(mark));
		if ((next = strstr(eol, "\n==> ")) != NULL)
			next++;
		n = next != NULL ? (size_t)(next - eol - 1) : strlen(eol + 1);
		assert_int_equal(policy_files_add(out, path, eol + 1, n), 0);
		free(path);
		p = next;
	}
	policy_files_sort(out);
}

struct fleet *
fleetcase_parse(const char *text)
{
	struct policy_files files = {0};
	struct conf_diags d = {0};
	struct fleet *f = NULL;

	fleetcase_split(text, &files);
	if (fleet_parse(&files, 0, &f, &d) != 0)
		fail_msg("%s", d.n > 0 ? d.v[0].text : "no words");
	conf_diags_clear(&d);
	policy_files_clear(&files);
	return f;
}

void
fleetcase_contract(struct policy_files *out)
{
	static const char *const paths[] = {"fleet.yaml", "pillar/common.yaml",
	    "states/fail2ban.yaml", "states/firewall-web.yaml",
	    "states/limits.yaml", "states/ssh.yaml", "top.yaml"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char full[200], *text = NULL;
		size_t n;

		(void)snprintf(full, sizeof(full),
		    "tests/data/fleet/contract/%s", paths[i]);
		assert_int_equal(file_read(full, 65536, &text, &n, NULL), 0);
		assert_int_equal(policy_files_add(out, paths[i], text, n), 0);
		free(text);
	}
	policy_files_sort(out);
}
