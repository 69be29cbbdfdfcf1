/* SPDX-License-Identifier: ISC */
/*
 * What sshd is started with beside its files.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/states/sshd_lines.h"
#include "agent/states/sshd_look.h"

/* One line as sshd_lines_parse() splits it, which parts words as systemd does. */
static int
split(const char *text, struct strs *out, struct err *e)
{
	struct sshd_lines l = {0};
	int r = sshd_lines_parse(SSHD_DEFAULTS, slice_str(text), &l, e);

	if (r == 0 && l.n > 0) {
		strs_clear(out);
		*out = l.v[0].args;
		l.v[0].args = (struct strs){0};
	}
	sshd_lines_clear(&l);
	return r;
}

/* "-o A=b", in quotes, is one word of the file and two of sshd's. */
static int
unquote(struct strs *words, struct err *e)
{
	struct str line = STR_INIT;
	int r;

	if (words->n != 1)
		return 0;
	str_addf(&line, "SSHD_OPTS %s", words->v[0]);
	r = str_check(&line) != 0 ? err_nomem(e) : split(line.p, words, e);
	str_clear(&line);
	return r;
}

/* The last line counts. */
static int
find(const struct sshd_lines *l, struct strs *out, struct err *e)
{
	const struct sshd_config_line *found = NULL;

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].word, "SSHD_OPTS") == 0)
			found = &l->v[i];
	for (size_t i = 0; found != NULL && i < found->args.n; i++)
		if (found->args.v[i][0] != '\0' &&
		    strs_add(out, found->args.v[i]) != 0)
			return err_nomem(e);
	return unquote(out, e);
}

int
sshd_options(struct host *h, struct strs *out, struct err *e)
{
	char real[HOST_PATH_MAX + 1], *text = NULL;
	struct sshd_lines l = {0};
	struct strs words = {0};
	size_t n;
	int r;

	/* systemd follows a link, too. */
	if ((r = host_resolve(h, SSHD_DEFAULTS, true, real, e)) == 0)
		r = host_read(h, real, HOST_FILE_MAX, &text, &n, e);
	if (r == ERR_NOTFOUND)
		return 0;
	if (r == 0)
		r = sshd_lines_parse(SSHD_DEFAULTS, slice_of(text, n), &l, e);
	if (r == 0)
		r = find(&l, &words, e);
	if (r == 0 && words.n > SSHD_OPTIONS_MAX)
		r = err_set(e, ERR_LIMIT,
		    SSHD_DEFAULTS ": SSHD_OPTS has %zu words, expected at most "
				  "%d",
		    words.n, SSHD_OPTIONS_MAX);
	free(text);
	sshd_lines_clear(&l);
	if (r != 0) {
		strs_clear(&words);
		return r;
	}
	*out = words;
	return 0;
}

int
sshd_run(struct host *h, const char *spec, struct child_result *out,
    struct err *e)
{
	const char *argv[4 + SSHD_OPTIONS_MAX + 1] = {"sshd", "-T"};
	struct strs options = {0};
	size_t n = 2;
	int r;

	if (spec != NULL) {
		argv[n++] = "-C";
		argv[n++] = spec;
	}
	if ((r = sshd_options(h, &options, e)) != 0)
		return r;
	for (size_t i = 0; i < options.n; i++)
		argv[n++] = options.v[i];
	argv[n] = NULL;
	r = spec != NULL ? host_run(h, argv, slice_str(""), out, e)
			 : host_run_ok(h, argv, slice_str(""), out, e);
	strs_clear(&options);
	return r;
}
