/* SPDX-License-Identifier: ISC */
/* TARGETS: the hosts of a job, in batches. */
#include <stdlib.h>
#include <string.h>

#include "lib/trust/fleet_job.h"

void
targets_clear(struct targets *t)
{
	free(t->text);
	free(t->v);
	*t = (struct targets){0};
}

const struct target *
targets_find(const struct targets *t, const char *host)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->v[i].host, host) == 0)
			return &t->v[i];
	return NULL;
}

static int
malformed(size_t line, const char *why, struct err *e)
{
	return err_set(e, ERR_PARSE, "TARGETS:%zu: %s", line, why);
}

int
target_read(char *line, struct target *out)
{
	char *id = strchr(line, ' ');
	uint64_t batch;

	if (id == NULL)
		return ERR_PARSE;
	*id++ = '\0';
	if (parse_u64(line, 1, TARGETS_BATCHES_MAX, &batch) != 0 ||
	    !id_is_valid(id))
		return ERR_PARSE;
	*out = (struct target){.host = id, .batch = (unsigned)batch};
	return 0;
}

static int
parse_line(char *line, struct targets *t, struct err *e)
{
	struct target one;
	int r;

	if (target_read(line, &one) != 0)
		return malformed(t->n + 1,
		    "malformed line, expected BATCH HOST", e);
	if (one.batch != t->n_batches && one.batch != t->n_batches + 1)
		return malformed(t->n + 1,
		    "batch out of order, expected each after the one before",
		    e);
	if (t->n > 0 && one.batch == t->n_batches &&
	    strcmp(t->v[t->n - 1].host, one.host) >= 0)
		return malformed(t->n + 1,
		    "host out of order, expected them sorted and each once", e);
	r = vec_grow(&t->v, t->n, &t->cap, TARGETS_HOSTS_MAX);
	if (r != 0)
		return err_set(e, r, "TARGETS of %zu hosts: %s", t->n,
		    err_text(r));
	t->n_batches = one.batch;
	t->v[t->n++] = one;
	return 0;
}

static int
by_host(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* ERR_PARSE when a host stands in two batches. */
static int
check_distinct(const struct targets *t, struct err *e)
{
	const char **hosts;
	int r = 0;

	if (t->n < 2)
		return 0;
	if ((hosts = malloc(t->n * sizeof(*hosts))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < t->n; i++)
		hosts[i] = t->v[i].host;
	qsort(hosts, t->n, sizeof(*hosts), by_host);
	for (size_t i = 1; i < t->n && r == 0; i++)
		if (strcmp(hosts[i - 1], hosts[i]) == 0)
			r = err_set(e, ERR_PARSE,
			    "TARGETS names %s in two batches, expected each "
			    "host once",
			    hosts[i]);
	free(hosts);
	return r;
}

static int
parse_lines(struct targets *t, size_t n, struct err *e)
{
	char *p = t->text, *end = t->text + n;
	int r;

	while (p < end) {
		char *lf = memchr(p, '\n', (size_t)(end - p));

		if (lf == NULL)
			return malformed(t->n + 1,
			    "the line has no end, expected LF", e);
		*lf = '\0';
		if ((r = parse_line(p, t, e)) != 0)
			return r;
		p = lf + 1;
	}
	return check_distinct(t, e);
}

int
targets_parse(struct slice text, struct targets *out, struct err *e)
{
	struct targets t = {0};
	int r;

	if (text.n > TARGETS_MAX)
		return err_set(e, ERR_LIMIT,
		    "TARGETS of %zu bytes, expected at most %d", text.n,
		    TARGETS_MAX);
	if (text.n == 0)
		return err_set(e, ERR_PARSE,
		    "TARGETS is empty, expected at least one host");
	if (memchr(text.p, '\0', text.n) != NULL)
		return err_set(e, ERR_PARSE,
		    "TARGETS holds a zero byte, expected text");
	if ((t.text = str_dupn((const char *)text.p, text.n)) == NULL)
		return err_nomem(e);
	if ((r = parse_lines(&t, text.n, e)) != 0) {
		targets_clear(&t);
		return r;
	}
	*out = t;
	return 0;
}

static int
write_batch(size_t number, const struct strs *batch, struct str *text,
    struct err *e)
{
	char quoted[QUOTE_MAX];
	struct strs ids = {0};

	if (batch->n == 0)
		return err_set(e, ERR_PARSE,
		    "batch %zu is empty, expected at least one host", number);
	for (size_t i = 0; i < batch->n; i++)
		if (!id_is_valid(batch->v[i]))
			return err_set(e, ERR_PARSE,
			    "%s is not the id of a host",
			    str_quote(quoted, batch->v[i]));
	if (strs_dup(batch, &ids) != 0)
		return err_nomem(e);
	strs_sort(&ids);
	for (size_t i = 0; i < ids.n; i++)
		str_addf(text, "%zu %s\n", number, ids.v[i]);
	strs_clear(&ids);
	return 0;
}

int
targets_write(const struct strs *batches, size_t n, struct str *out,
    struct err *e)
{
	struct str text = STR_INIT;
	struct targets again = {0};
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = write_batch(i + 1, &batches[i], &text, e);
	if (r == 0 && (r = str_check(&text)) != 0)
		(void)err_nomem(e);
	/* Nothing is written that would not be read. */
	if (r == 0)
		r = targets_parse(slice_of(text.p, text.n), &again, e);
	if (r == 0) {
		str_addn(out, text.p, text.n);
		if ((r = str_check(out)) != 0)
			(void)err_nomem(e);
	}
	targets_clear(&again);
	str_clear(&text);
	return r;
}
