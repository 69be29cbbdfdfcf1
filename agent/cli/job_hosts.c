/* SPDX-License-Identifier: ISC */
#include "agent/cli/job.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/trust/fleet_job.h"

#define HOSTS_FILE_MAX (16 * 1024 * 1024)

/* --- who ------------------------------------------------------------------ */

/* A line of FILE: an id, and whatever follows after a blank. */
static int
add_host(const char *path, size_t line, const char *p, size_t n,
    struct strs *out, struct err *e)
{
	char quoted[QUOTE_MAX], id[ID_MAX + 1];
	size_t len = 0;

	while (len < n && p[len] != ' ' && p[len] != '\t' && p[len] != '\r')
		len++;
	if (len == 0 || p[0] == '#')
		return 0;
	if (len <= ID_MAX) {
		memcpy(id, p, len);
		id[len] = '\0';
	}
	if (len > ID_MAX || !id_is_valid(id))
		return err_set(e, ERR_PARSE,
		    "%s:%zu:1: %s is no id of a host, expected [a-z0-9._@+-]",
		    path, line, str_quoten(quoted, p, len));
	return strs_add(out, id) == 0 ? 0 : err_nomem(e);
}

int
fleet_read_hosts(const char *path, struct strs *out, struct err *e)
{
	char *text = NULL;
	size_t n, line = 1;
	int r;

	if ((r = file_read(path, HOSTS_FILE_MAX, &text, &n, e)) != 0)
		return r;
	for (const char *p = text; p < text + n && r == 0; line++) {
		const char *eol = memchr(p, '\n', (size_t)(text + n - p));

		if (eol == NULL)
			eol = text + n;
		r = add_host(path, line, p, (size_t)(eol - p), out, e);
		p = eol + 1;
	}
	if (r == 0 && out->n == 0)
		r = err_set(e, ERR_PARSE, "%s: no host, expected one a line",
		    path);
	free(text);
	return r;
}

static int
add_said(const struct strs *said, struct strs *out, struct err *e)
{
	char quoted[QUOTE_MAX];

	for (size_t i = 0; i < said->n; i++) {
		if (!id_is_valid(said->v[i]))
			return err_set(e, ERR_USAGE,
			    "--host: %s is no id of a host",
			    str_quote(quoted, said->v[i]));
		if (strs_add(out, said->v[i]) != 0)
			return err_nomem(e);
	}
	return 0;
}

static int
parse_on(const char *on, struct expr **out, struct err *e)
{
	const struct conf_pos pos = {.file = "--on", .line = 1, .col = 1};
	struct conf_diags diags = {0};
	struct expr *x = NULL;
	int r;

	if ((r = expr_parse_text(on, pos, &x, &diags)) != 0) {
		r = conf_diags_err(&diags, r, e);
	} else if (!expr_is_trusted(x)) {
		r = err_set(e, ERR_USAGE,
		    "--on asks for what a host says of itself, expected id and "
		    "role alone");
	} else {
		*out = x;
		x = NULL;
	}
	expr_free(x);
	conf_diags_clear(&diags);
	return r;
}

/* Does x (NULL: whatever it is) match it? */
static int
matches(const struct fleet *f, const struct expr *x, const struct job_who *who,
    bool *out)
{
	struct strs roles = {0};
	struct expr_host h = {.id = who->id, .roles = &roles};
	int r = 0;

	if (who->roles != NULL)
		r = strs_dup(who->roles, &roles);
	if (r == 0 && (r = fleet_roles(f, who->id, &roles)) == 0)
		*out = x == NULL || expr_match(x, &h);
	strs_clear(&roles);
	return r;
}

static int
choose(const struct fleet *f, const struct expr *x, const struct job_who *v,
    size_t n, struct strs *out, struct err *e)
{
	bool fits = false;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		if ((r = matches(f, x, &v[i], &fits)) == 0 && fits)
			r = strs_add(out, v[i].id);
	if (r != 0)
		return err_nomem(e);
	strs_sort(out);
	return out->n > 0
	    ? 0
	    : err_set(e, ERR_USAGE,
		  "no host matches, and a job is never for nobody");
}

int
job_choose(const struct fleet *f, const struct job_who *v, size_t n,
    const char *on, struct strs *out, struct err *e)
{
	struct expr *x = NULL;
	int r = 0;

	if (on != NULL)
		r = parse_on(on, &x, e);
	if (r == 0)
		r = choose(f, x, v, n, out, e);
	expr_free(x);
	return r;
}

/* Each of all once; they are sorted. */
static int
as_hosts(const struct strs *all, struct job_who **out, size_t *n, struct err *e)
{
	struct job_who *v = calloc(all->n + 1, sizeof(*v));

	if (v == NULL)
		return err_nomem(e);
	*n = 0;
	for (size_t i = 0; i < all->n; i++)
		if (i == 0 || strcmp(all->v[i - 1], all->v[i]) != 0)
			v[(*n)++].id = all->v[i];
	*out = v;
	return 0;
}

int
job_hosts(const struct fleet *f, const char *file, const struct strs *said,
    const char *on, struct strs *out, struct err *e)
{
	struct job_who *v = NULL;
	struct strs all = {0};
	size_t n = 0;
	int r;

	if (file == NULL && said->n == 0)
		return err_set(e, ERR_USAGE,
		    "for which hosts? expected --hosts FILE or --host ID");
	if ((file != NULL && (r = fleet_read_hosts(file, &all, e)) != 0) ||
	    (r = add_said(said, &all, e)) != 0)
		goto out;
	strs_sort(&all);
	if ((r = as_hosts(&all, &v, &n, e)) == 0)
		r = job_choose(f, v, n, on, out, e);
out:
	free(v);
	strs_clear(&all);
	return r;
}

/* --- in what steps -------------------------------------------------------- */

void
batches_clear(struct batches *b)
{
	for (size_t i = 0; i < b->n; i++)
		strs_clear(&b->v[i]);
	free(b->v);
	*b = (struct batches){0};
}

/* "3" or "10%" of all; 0: neither. */
static size_t
step_size(const char *text, size_t all)
{
	size_t n = strlen(text);
	char *number;
	uint64_t v = 0;

	if (n == 0 || text[n - 1] != '%')
		return parse_u64(text, 1, TARGETS_HOSTS_MAX, &v) == 0
		    ? (size_t)v
		    : 0;
	if ((number = str_dupn(text, n - 1)) == NULL)
		return 0;
	if (parse_u64(number, 1, 100, &v) != 0)
		v = 0;
	free(number);
	return (all * (size_t)v + 99) / 100;
}

/* One more batch, of at most size hosts from *at on. */
static int
add_batch(const struct strs *hosts, size_t *at, size_t size, struct batches *b,
    struct err *e)
{
	struct strs batch = {0};

	if (b->n == TARGETS_BATCHES_MAX)
		return err_set(e, ERR_USAGE, "--batch: more than %d batches",
		    TARGETS_BATCHES_MAX);
	for (; *at < hosts->n && batch.n < size; ++*at)
		if (strs_add(&batch, hosts->v[*at]) != 0) {
			strs_clear(&batch);
			return err_nomem(e);
		}
	b->v[b->n++] = batch;
	return 0;
}

int
batches_split(const struct strs *hosts, const char *steps, struct batches *out,
    struct err *e)
{
	struct batches b = {0};
	char quoted[QUOTE_MAX], *copy, *rest, *step;
	size_t at = 0;
	int r = 0;

	if ((copy = str_dup(steps)) == NULL ||
	    (b.v = calloc(TARGETS_BATCHES_MAX, sizeof(*b.v))) == NULL) {
		free(copy);
		return err_nomem(e);
	}
	rest = copy;
	while (r == 0 && (step = strsep(&rest, ",")) != NULL) {
		size_t size = step_size(step, hosts->n);

		if (size == 0)
			r = err_set(e, ERR_USAGE,
			    "--batch is %s, expected numbers of hosts and "
			    "percentages such as 1,10%%",
			    str_quote(quoted, steps));
		else if (at < hosts->n)
			r = add_batch(hosts, &at, size, &b, e);
	}
	if (r == 0 && at < hosts->n)
		r = add_batch(hosts, &at, hosts->n, &b, e);
	free(copy);
	if (r != 0) {
		batches_clear(&b);
		return r;
	}
	*out = b;
	return 0;
}
