/* SPDX-License-Identifier: ISC */
#include "agent/minion/reports.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/minion/state_file.h"
#include "agent/minion/verbs.h"
#include "lib/base/file.h"
#include "lib/crypto/random.h"

#define STATE_MAX 1024

/* --- the last one --------------------------------------------------------- */

static int
parse(const json_t *o, void *out, struct err *e)
{
	struct report_state *s = out;
	int r;

	if ((r = json_u64(o, "seq", 0, 0, UINT64_MAX, &s->seq, e)) != 0 ||
	    (r = json_u64(o, "acked", 0, 0, s->seq, &s->acked, e)) != 0 ||
	    (r = json_u64(o, "quiet", 0, 0, UINT64_MAX, &s->quiet, e)) != 0 ||
	    (r = json_u64(o, "dropped", JSON_OPTIONAL, 1, UINT64_MAX,
		 &s->dropped, e)) != 0 ||
	    (r = json_time(o, "at", 0, &s->at, e)) != 0 ||
	    (r = json_u64(o, "run", JSON_OPTIONAL, 1, UINT64_MAX, &s->run,
		 e)) != 0)
		return r;
	s->has_logins = json_object_get(o, "logins") != NULL;
	if ((r = json_hex(o, "logins", JSON_OPTIONAL, s->logins.b, HASH_LEN,
		 e)) != 0)
		return r;
	return s->seq == 0 ? 0 : json_hex(o, "last", 0, s->last.b, HASH_LEN, e);
}

int
report_state_read(const char *state_dir, struct report_state *out,
    struct err *e)
{
	struct report_state s = {0};
	int r = state_file_read(state_dir, "report", STATE_MAX, parse, &s, e);

	if (r == 0)
		*out = s;
	return r;
}

int
report_state_write(const char *state_dir, const struct report_state *s,
    struct err *e)
{
	struct str text = STR_INIT;
	struct jw w;
	int r;

	jw_init(&w, &text, false);
	jw_begin(&w, NULL, '{');
	jw_u64(&w, "seq", s->seq);
	if (s->seq != 0)
		jw_hex(&w, "last", s->last.b, HASH_LEN);
	jw_u64(&w, "acked", s->acked);
	jw_u64(&w, "quiet", s->quiet);
	if (s->dropped > 0)
		jw_u64(&w, "dropped", s->dropped);
	jw_time(&w, "at", s->at);
	if (s->run != 0)
		jw_u64(&w, "run", s->run);
	if (s->has_logins)
		jw_hex(&w, "logins", s->logins.b, HASH_LEN);
	jw_end(&w, '}');
	r = state_file_write(state_dir, "report", &text, e);
	str_clear(&text);
	return r;
}

/* --- files of a directory ------------------------------------------------- */

static int
in_dir(const char *state_dir, const char *dir, const char *name, char **out)
{
	return path_joinf(out, "%s/%s/%s", state_dir, dir, name);
}

static int
write_in(const char *state_dir, const char *dir, const char *name,
    const char *text, size_t n, unsigned flags, struct err *e)
{
	char *path = NULL, *parent = NULL;
	int r;

	if (path_join(state_dir, dir, &parent) != 0 ||
	    in_dir(state_dir, dir, name, &path) != 0)
		r = err_nomem(e);
	else if ((r = file_mkdirs(parent, 0700, e)) == 0)
		r = file_write(path, text, n, 0600, flags, e);
	free(parent);
	free(path);
	return r;
}

static void
number_name(uint64_t seq, char out[24])
{
	char digits[24];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + seq % 10);
	while ((seq /= 10) > 0);
	for (size_t i = 0; i < n; i++)
		out[i] = digits[n - 1 - i];
	out[n] = '\0';
}

static void
remove_report(const char *state_dir, uint64_t seq)
{
	char name[24], *path = NULL;

	number_name(seq, name);
	if (in_dir(state_dir, "reports", name, &path) == 0)
		(void)unlink(path); /* what stays is passed over */
	free(path);
}

/* --- making --------------------------------------------------------------- */

void
boot_id_read(uint8_t out[BOOT_ID_LEN])
{
	char *text = NULL, hex[2 * BOOT_ID_LEN];
	size_t n, used = 0;

	memset(out, 0, BOOT_ID_LEN);
	if (file_read("/proc/sys/kernel/random/boot_id", 100, &text, &n,
		NULL) != 0)
		return;
	for (size_t i = 0; i < n && used < sizeof(hex); i++)
		if (text[i] != '-')
			hex[used++] = text[i];
	if (used < sizeof(hex) || hex_decode(hex, used, out, BOOT_ID_LEN) != 0)
		memset(out, 0, BOOT_ID_LEN);
	free(text);
}

/* What nobody will read any more of who logged in.  One that cannot be read is a
 * gap all the same, which the master sees. */
static uint64_t
logins_in(const char *state_dir, uint64_t seq)
{
	const struct report_statement *r;
	char name[24], *path = NULL, *text = NULL;
	struct statement s;
	uint64_t found = 0;
	size_t n = 0;

	statement_init(&s, ST_REPORT);
	number_name(seq, name);
	if (in_dir(state_dir, "reports", name, &path) == 0 &&
	    file_read(path, STATEMENT_MAX, &text, &n, NULL) == 0 &&
	    statement_parse(name, slice_of(text, n), &s, NULL) == 0 &&
	    s.type == ST_REPORT) {
		r = &s.u.report;
		/* A sum is as many as it counts. */
		for (size_t i = 0; i < r->n_events; i++)
			found += r->events[i].what == LOGIN_FAILED
			    ? r->events[i].count
			    : 1;
		found += r->lost;
	}
	statement_clear(&s);
	free(text);
	free(path);
	return found;
}

static int
sign(const struct report_by *by, struct statement *s, struct str *out,
    struct err *e)
{
	int r;

	s->realm = *by->realm;
	s->at = by->now;
	random_bytes(s->nonce, sizeof(s->nonce));
	if ((s->by = str_dup(by->host)) == NULL)
		return err_nomem(e);
	if ((r = statement_encode(s, out, e)) != 0)
		return r;
	hash_sha256(out->p, out->n, &s->hash);
	return key_sshsig(by->key, statement_namespace(s->type),
	    slice_of(out->p, out->n), out, e);
}

int
report_make(const struct report_by *by, struct report_state *state,
    struct report_statement *r, struct strs *made, struct err *e)
{
	struct report_state after = *state;
	struct str text = STR_INIT;
	struct statement s;
	char name[24];
	uint64_t old;
	int res;

	r->seq = state->seq + 1;
	r->has_previous = state->seq > 0;
	r->previous = state->last;
	r->quiet = state->quiet;
	boot_id_read(r->boot_id);
	if (r->kind == REPORT_LOGINS) {
		r->lost += state->dropped;
		after.dropped = 0;
	}
	statement_init(&s, ST_REPORT);
	s.u.report = *r; /* borrowed: taken out again below */
	if ((res = sign(by, &s, &text, e)) != 0)
		goto out;
	number_name(r->seq, name);
	if ((res = str_check(&text)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	/* The text before its number: a number without a text would be a gap of
	   our own making. */
	if ((res = write_in(by->state_dir, "reports", name, text.p, text.n, 0,
		 e)) != 0)
		goto out;
	after.seq = r->seq;
	after.last = s.hash;
	after.quiet = 0;
	after.at = by->now;
	old = after.seq - after.acked > REPORTS_KEPT ? after.seq - REPORTS_KEPT
						     : 0;
	if (old != 0)
		after.dropped += logins_in(by->state_dir, old);
	if ((res = report_state_write(by->state_dir, &after, e)) != 0)
		goto out;
	/* After it is counted; one that stays in a crash is not sent either. */
	if (old != 0)
		remove_report(by->state_dir, old);
	*state = after;
	if (strs_addn(made, text.p, text.n) != 0)
		res = err_nomem(e);
out:
	s.u.report = (struct report_statement){0};
	statement_clear(&s);
	str_clear(&text);
	return res;
}

/* --- sending -------------------------------------------------------------- */

int
report_acked(const char *state_dir, struct report_state *state, uint64_t acked,
    struct err *e)
{
	struct report_state after = *state;
	int r;

	if (acked > state->seq)
		acked = state->seq;
	if (acked <= state->acked)
		return 0;
	after.acked = acked;
	if ((r = report_state_write(state_dir, &after, e)) != 0)
		return r;
	for (uint64_t i = state->acked + 1; i <= acked; i++)
		remove_report(state_dir, i);
	*state = after;
	return 0;
}

int
report_unsent(const char *state_dir, const struct report_state *state,
    struct strs *out, uint64_t *first, struct err *e)
{
	uint64_t from = state->acked + 1;
	size_t bytes = 0;
	int r = 0;

	if (state->seq - state->acked > REPORTS_KEPT)
		from = state->seq - REPORTS_KEPT + 1;
	*first = from;
	for (uint64_t i = from; i <= state->seq && out->n < REPORTS_AT_ONCE;
	     i++) {
		char name[24], *path = NULL, *text = NULL;
		size_t n = 0;

		number_name(i, name);
		if (in_dir(state_dir, "reports", name, &path) != 0)
			return err_nomem(e);
		r = file_read(path, STATEMENT_MAX, &text, &n, e);
		free(path);
		if (r == ERR_NOTFOUND && out->n == 0) {
			*first = i + 1; /* a gap, which the master sees */
			continue;
		}
		if (r == 0 && (bytes += n) > VERB_ANSWER_MAX / 2)
			n = 0;
		if (r == 0 && n > 0 && strs_addn(out, text, n) != 0)
			r = err_nomem(e);
		free(text);
		if (r == ERR_NOTFOUND || (r == 0 && n == 0))
			return 0;
		if (r != 0)
			return r;
	}
	return 0;
}

/* --- diffs ---------------------------------------------------------------- */

struct oldest {
	size_t n; /* of all */
	int64_t at;
	char name[NAME_MAX + 1]; /* "": there is none */
};

static void
look_for_oldest(DIR *d, struct oldest *o)
{
	struct dirent *x;
	struct stat st;

	while ((x = readdir(d)) != NULL) {
		int64_t at;

		if (x->d_name[0] == '.' ||
		    fstatat(dirfd(d), x->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		o->n++;
		at = st.st_mtim.tv_sec * INT64_C(1000000000) +
		    st.st_mtim.tv_nsec;
		if (o->name[0] != '\0' && at >= o->at)
			continue;
		(void)snprintf(o->name, sizeof(o->name), "%s", x->d_name);
		o->at = at;
	}
}

/* One comes, so at most one has to go. */
static void
make_room(const char *state_dir)
{
	struct oldest o = {0};
	char *dir = NULL, *path = NULL;
	DIR *d = NULL;

	if (path_join(state_dir, "diffs", &dir) == 0 &&
	    (d = opendir(dir)) != NULL)
		look_for_oldest(d, &o);
	if (o.n >= DIFFS_KEPT && path_join(dir, o.name, &path) == 0)
		(void)unlink(path); /* one more than there should be */
	if (d != NULL)
		(void)closedir(d);
	free(path);
	free(dir);
}

int
diff_keep(const char *state_dir, const char *text, struct hash *out,
    struct err *e)
{
	size_t n = strlen(text);
	char hex[HASH_HEX], *path = NULL;
	bool there;

	hash_sha256(text, n, out);
	hash_hex(out, hex);
	if (in_dir(state_dir, "diffs", hex, &path) != 0)
		return err_nomem(e);
	there = file_exists(path);
	free(path);
	if (there)
		return 0;
	make_room(state_dir);
	return write_in(state_dir, "diffs", hex, text, n, FILE_NOSYNC, e);
}

int
diff_get(const char *state_dir, const struct hash *h, char **out, struct err *e)
{
	char hex[HASH_HEX], *path = NULL;
	size_t n;
	int r;

	hash_hex(h, hex);
	if (in_dir(state_dir, "diffs", hex, &path) != 0)
		return err_nomem(e);
	r = file_read(path, VERB_TEXT_MAX, out, &n, e);
	if (r == ERR_NOTFOUND)
		(void)err_set(e, r, "this host does not keep that diff");
	free(path);
	return r;
}

/* --- logins --------------------------------------------------------------- */

int
logins_keep(const char *state_dir, struct slice text, struct hash *out,
    struct err *e)
{
	char hex[HASH_HEX];

	hash_sha256(text.p, text.n, out);
	hash_hex(out, hex);
	return write_in(state_dir, "logins", hex, (const char *)text.p, text.n,
	    0, e);
}

int
logins_get(const char *state_dir, const struct hash *h, size_t max, char **out,
    size_t *n, struct err *e)
{
	char hex[HASH_HEX], *path = NULL;
	struct hash is;
	int r;

	hash_hex(h, hex);
	if (in_dir(state_dir, "logins", hex, &path) != 0)
		return err_nomem(e);
	r = file_read(path, max, out, n, e);
	if (r == 0) {
		hash_sha256(*out, *n, &is);
		if (!hash_equal(&is, h)) {
			free(*out);
			*out = NULL;
			r = err_set(e, ERR_CORRUPT,
			    "%s is not what was written", path);
		}
	}
	free(path);
	return r;
}

void
logins_tidy(const char *state_dir, const struct report_state *s)
{
	char *dir = NULL, hex[HASH_HEX] = "";
	struct dirent *x;
	DIR *d = NULL;

	if (s->has_logins)
		hash_hex(&s->logins, hex);
	if (path_join(state_dir, "logins", &dir) == 0 &&
	    (d = opendir(dir)) != NULL)
		while ((x = readdir(d)) != NULL)
			if (x->d_name[0] != '.' && strcmp(x->d_name, hex) != 0)
				(void)unlinkat(dirfd(d), x->d_name, 0);
	if (d != NULL)
		(void)closedir(d);
	free(dir);
}
