/* SPDX-License-Identifier: ISC */
/* writ fleet check: is the working copy right? */
#include <stdio.h>

#include "agent/cli/cli.h"
#include "lib/conf/yaml.h"

/* Every file, though one before it is broken: all faults at once. */
static int
check_files(const struct policy_files *files, struct conf_diags *diags)
{
	int r = 0;

	for (size_t i = 0; i < files->n; i++) {
		const struct policy_file *f = &files->v[i];
		struct yaml_doc doc = {0};
		int one =
		    yaml_parse(f->path, slice_of(f->data, f->n), &doc, diags);

		yaml_doc_clear(&doc);
		if (one != 0 && r != ERR_NOMEM)
			r = one;
	}
	return r;
}

static int
run_check(struct cli_args *a, struct err *e)
{
	struct policy_files files = {0};
	struct conf_diags diags = {0};
	int r;

	if ((r = fleet_read_draft(cli_dir(a), &files, e)) != 0)
		return r;
	r = check_files(&files, &diags);
	fleet_print_diags(&diags);
	if (r != 0 && diags.n_errors > 0)
		r = err_set(e, ERR_DENIED, "fleet has %zu error%s",
		    diags.n_errors, diags.n_errors == 1 ? "" : "s");
	else if (r == 0)
		printf("%zu files are whole\n", files.n);
	conf_diags_clear(&diags);
	policy_files_clear(&files);
	return r;
}

const struct cli_command cmd_check = {.name = "check",
    .operands = "",
    .summary = "is it right, does it work",
    .run = run_check};
