/* SPDX-License-Identifier: ISC */
/* The files of `writ sign`, and what each of them comes to. */
#ifndef CA_CLI_SIGN_H
#define CA_CLI_SIGN_H

#include "ca/cli/beside.h"
#include "ca/cli/cli.h"

/* One FILE: what it says, the decisions that go with it, where it goes. */
struct job {
	const char *path;
	struct statement s;
	struct strs decisions; /* their files */
	struct file_id *ids;   /* of those beside it, or NULL */
	struct statement **given;
	size_t n_given;
	struct strs passed_over; /* a sentence for each of the others */
	char *out;               /* of a request: the certificate's file */
	bool taken;              /* an enrol statement: by an acceptance */
	int r;
	struct err *e; /* of errs */
};

struct signing {
	const struct cli_args *a;
	struct beside beside;
	bool listed; /* what lies beside the files */
	struct local *local;
	struct job *jobs;
	struct err *errs; /* one a job, apart: memory that is hardly touched */
	size_t n;
	/* The batch that is on its way: which job each item is. */
	size_t *of_item;
	int status; /* of the worst, 0 so far */
};

/*
 * Read the file of each job and what goes with it: decisions, or what is said of
 * a host, and where a certificate goes.  Prints nothing.  What is wrong with a
 * job is its r and e; ERR_NOMEM and what beside.h says.
 */
int sign_read(struct signing *g, struct err *e) MUST_CHECK;

#endif
