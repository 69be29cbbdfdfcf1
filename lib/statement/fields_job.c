/* SPDX-License-Identifier: ISC */
/* job: which hosts are to have which version, and in what order. */
#include "lib/statement/fields.h"

#include <stdlib.h>

static const char *const keys[] = {ST_COMMON, "version", "bundle", "targets",
    "size", "hosts", "tree", "mode", "max_failures", "expires"};
static const char *const modes[] = {"enforce", "test"};

static int
job_read(const json_t *o, struct statement *s, struct err *e)
{
	struct job_statement *j = &s->u.job;
	size_t mode;
	int r;

	if ((r = json_u64(o, "version", 0, 1, UINT64_MAX, &j->version, e)) !=
		0 ||
	    (r = st_read_hash(o, "bundle", &j->bundle, e)) != 0 ||
	    (r = st_read_hash(o, "targets", &j->targets, e)) != 0 ||
	    (r = json_u64(o, "size", 0, 1, TARGETS_MAX, &j->targets_size, e)) !=
		0 ||
	    (r = json_u64(o, "hosts", 0, 1, TARGETS_HOSTS_MAX, &j->hosts, e)) !=
		0 ||
	    (r = st_read_hash(o, "tree", &j->tree, e)) != 0 ||
	    (r = st_read_either(o, "mode", modes, &mode, e)) != 0 ||
	    (r = json_u64(o, "max_failures", 0, 0, TARGETS_HOSTS_MAX,
		 &j->max_failures, e)) != 0 ||
	    (r = json_time(o, "expires", 0, &j->expires, e)) != 0)
		return r;
	j->enforce = mode == 0;
	return 0;
}

static void
job_write(const struct statement *s, struct jw *w)
{
	const struct job_statement *j = &s->u.job;

	jw_u64(w, "version", j->version);
	st_write_hash(w, "bundle", &j->bundle);
	st_write_hash(w, "targets", &j->targets);
	jw_u64(w, "size", j->targets_size);
	jw_u64(w, "hosts", j->hosts);
	st_write_hash(w, "tree", &j->tree);
	jw_str(w, "mode", modes[j->enforce ? 0 : 1]);
	jw_u64(w, "max_failures", j->max_failures);
	jw_time(w, "expires", j->expires);
}

static bool
job_whole(const struct statement *s)
{
	return st_is_time(s->u.job.expires);
}

static void
job_describe(const struct statement *s, struct str *out)
{
	const struct job_statement *j = &s->u.job;

	st_row(out, "mode", "%s", modes[j->enforce ? 0 : 1]);
	st_row(out, "fleet", "version %llu", (unsigned long long)j->version);
	st_row_hash(out, "bundle", &j->bundle);
	st_row_hash(out, "targets", &j->targets);
	st_row(out, "size", "%llu bytes of targets",
	    (unsigned long long)j->targets_size);
	st_row(out, "hosts", "%llu", (unsigned long long)j->hosts);
	st_row_hash(out, "tree", &j->tree);
	st_row(out, "max failures", "%llu",
	    (unsigned long long)j->max_failures);
	st_row_time(out, "expires", j->expires);
}

static void
job_clear(struct statement *s)
{
	(void)s;
}

const struct st_family st_job = {
    .name = "job",
    .ns = "job@writ",
    .keys = keys,
    .n_keys = sizeof(keys) / sizeof(keys[0]),
    .read = job_read,
    .write = job_write,
    .whole = job_whole,
    .describe = job_describe,
    .clear = job_clear,
};
