/* SPDX-License-Identifier: ISC */
#include "agent/states/words.h"

#include <string.h>

void
state_ensure(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	static const struct conf_word words[] = {
	    {"present", false}, {"absent", true}};
	int v;

	if (CONF_WORD(in, k, n, words, &v))
		*(bool *)field = v != 0;
}

bool
state_next_line(struct slice *text, struct slice *line)
{
	const uint8_t *end;

	if (text->n == 0)
		return false;
	end = memchr(text->p, '\n', text->n);
	line->p = text->p;
	line->n = end != NULL ? (size_t)(end - text->p) : text->n;
	text->p += line->n + (end != NULL);
	text->n -= line->n + (end != NULL);
	return true;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

bool
state_next_word(struct slice *line, struct slice *word)
{
	while (line->n > 0 && is_blank(line->p[0])) {
		line->p++;
		line->n--;
	}
	word->p = line->p;
	word->n = 0;
	while (word->n < line->n && !is_blank(line->p[word->n]))
		word->n++;
	line->p += word->n;
	line->n -= word->n;
	return word->n > 0;
}

int
state_read(struct host *h, const char *path, char **out, size_t *n,
    struct err *e)
{
	int r = host_read(h, path, HOST_FILE_MAX, out, n, e);

	if (r != ERR_NOTFOUND)
		return r;
	*out = NULL;
	*n = 0;
	return 0;
}

bool
state_is_roots(const struct host_stat *st)
{
	return (st->mode & 07777) == 0644 && st->uid == 0 && st->gid == 0;
}

int
state_daemon_reload(struct host *h, struct err *e)
{
	const char *argv[] = {"systemctl", "daemon-reload", NULL};
	int r = host_has_systemd(h, e);

	return r == 1 ? host_run_ok(h, argv, (struct slice){0}, NULL, e) : r;
}
