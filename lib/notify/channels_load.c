/* SPDX-License-Identifier: ISC */
/* Reading notify.yaml, and which of its channels a notice goes to. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/notify/channels.h"

static int
open_private(const char *path, int *out, struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r = 0;

	if (fd == -1)
		return errno == ENOENT
		    ? err_set(e, ERR_NOTFOUND, "%s is not there", path)
		    : err_sys(e, "%s", path);
	if (fstat(fd, &st) != 0)
		r = err_sys(e, "%s", path);
	else if (!S_ISREG(st.st_mode))
		r = err_set(e, ERR_DENIED, "%s is not a regular file", path);
	else if ((st.st_mode & 077) != 0) {
		r = err_set(e, ERR_DENIED,
		    "%s holds credentials, and others than its owner have "
		    "access (mode %04o)",
		    path, (unsigned)(st.st_mode & 07777));
		err_hint(e, "chmod 600 %s", path);
	}
	if (r != 0)
		close(fd);
	else
		*out = fd;
	return r;
}

int
channels_load(const char *path, struct channels *out, struct err *e)
{
	struct conf_diags diags = {0};
	char *text = NULL;
	size_t n = 0;
	int fd = -1, r;

	if ((r = open_private(path, &fd, e)) != 0)
		return r;
	r = file_read_fd(fd, path, CHANNELS_FILE_MAX, &text, &n, e);
	if (r == 0) {
		r = channels_parse(path, slice_of(text, n), out, &diags);
		if (r == ERR_NOMEM)
			r = err_nomem(e);
		else if (r != 0)
			r = conf_diags_err(&diags, r, e);
	}
	close(fd);
	conf_diags_clear(&diags);
	if (text != NULL)
		mem_wipe(text, n);
	free(text);
	return r;
}

static bool
meets(const struct strs *wanted, const struct strs *have)
{
	if (wanted->n == 0)
		return true;
	for (size_t i = 0; i < have->n; i++)
		if (strs_has(wanted, have->v[i]))
			return true;
	return false;
}

int
channel_covers(const struct channel *c, const struct notice *n,
    struct strs *out)
{
	if ((c->kinds.n > 0 && !strs_has(&c->kinds, n->kind)) ||
	    !meets(&c->groups, &n->groups))
		return 0;
	for (size_t i = 0; i < n->to.n; i++) {
		if (c->persons.n > 0 && !strs_has(&c->persons, n->to.v[i]))
			continue;
		if (strs_add(out, n->to.v[i]) != 0)
			return ERR_NOMEM;
	}
	return 0;
}

static int
by_name(const void *key, const void *elem)
{
	const struct channel_address *a = elem;

	return strcmp(key, a->person);
}

int
channel_address(const struct channel *c, const char *person, char **out)
{
	const struct channel_address *a;
	struct str s = STR_INIT;
	const char *at;

	*out = NULL;
	if (c->to == NULL) {
		a = c->n_addresses == 0
		    ? NULL
		    : bsearch(person, c->addresses, c->n_addresses,
			  sizeof(*c->addresses), by_name);
		if (a == NULL)
			return 0;
		return (*out = str_dup(a->address)) != NULL ? 0 : ERR_NOMEM;
	}
	at = strstr(c->to, "{person}");
	str_addn(&s, c->to, (size_t)(at - c->to));
	str_add(&s, person);
	str_add(&s, at + strlen("{person}"));
	if (str_take(&s, out) != 0)
		return ERR_NOMEM;
	/* "{person}" with an id that is no address. */
	if (!address_is_valid(*out)) {
		free(*out);
		*out = NULL;
	}
	return 0;
}
