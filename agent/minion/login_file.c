/* SPDX-License-Identifier: ISC */
/*
 * A file that syslog writes, and puts aside from time to time.  A place in it is
 * INODE:OFFSET:MARK, since its name goes over to another, and the number of one
 * that was removed to a new one: the mark is of its first bytes.  In a line that
 * syslog counts instead of writing it N times, it is INODE:OFFSET:MARK:TOLD.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/logins/scan.h"
#include "agent/minion/login_log.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/lines.h"
#include "lib/base/str.h"
#include "lib/crypto/hash.h"

#define DAY_S    86400
#define MARKED   256 /* bytes, or as many as were read */
#define DISTINCT 64  /* so many are the start of no other log */

struct place {
	uint64_t inode, offset, mark;
	uint64_t told; /* times, of the line that begins there */
};

static bool
parse_place(const char *text, struct place *out)
{
	struct slice s = slice_str(text), offset, mark, told;

	out->told = 0;
	return scan_split(&s, ":", &offset) &&
	    scan_split(&offset, ":", &mark) && scan_number(s, &out->inode) &&
	    scan_number(offset, &out->offset) &&
	    (!scan_split(&mark, ":", &told) || scan_number(told, &out->told)) &&
	    scan_number(mark, &out->mark);
}

/* Of what is before offset. */
static bool
mark_of(int fd, uint64_t offset, uint64_t *out)
{
	size_t n = offset < MARKED ? (size_t)offset : MARKED;
	uint8_t start[MARKED];
	struct hash h;

	if (pread(fd, start, n, 0) != (ssize_t)n)
		return false;
	hash_sha256(start, n, &h);
	memcpy(out, h.b, sizeof(*out));
	return true;
}

static int
write_place(int fd, const struct place *p, char **out, struct err *e)
{
	struct str s = STR_INIT;
	uint64_t mark;

	if (!mark_of(fd, p->offset, &mark))
		return err_sys(e, "read a log");
	str_addf(&s, "%" PRIu64 ":%" PRIu64 ":%" PRIu64, p->inode, p->offset,
	    mark);
	if (p->told > 0)
		str_addf(&s, ":%" PRIu64, p->told);
	return str_take(&s, out) != 0 ? err_nomem(e) : 0;
}

/* Is the place in that file?  A copy has another number. */
static bool
is_in(int fd, const struct stat *st, const struct place *p)
{
	uint64_t mark;

	return (p->inode == (uint64_t)st->st_ino || p->offset >= DISTINCT) &&
	    p->offset <= (uint64_t)st->st_size &&
	    mark_of(fd, p->offset, &mark) && mark == p->mark;
}

/* --- a line --------------------------------------------------------------- */

/* Mon DD HH:MM:SS, in this machine's zone and without a year: the last one that
 * it can be. */
static bool
parse_old_time(struct slice *s, int64_t now, int64_t *at)
{
	time_t t = (time_t)now;
	struct tm tm, then = {0};
	char text[16];
	const char *end;

	if (s->n < sizeof(text) || localtime_r(&t, &tm) == NULL)
		return false;
	memcpy(text, s->p, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	if ((end = strptime(text, "%b %d %H:%M:%S", &then)) == NULL ||
	    *end != '\0' || s->p[sizeof(text) - 1] != ' ')
		return false;
	for (int back = 0; back < 2; back++) {
		struct tm guess = then;

		guess.tm_year = tm.tm_year - back;
		guess.tm_isdst = -1;
		*at = (int64_t)mktime(&guess);
		if (*at <= now + DAY_S)
			break;
	}
	*s = slice_of(s->p + sizeof(text), s->n - sizeof(text));
	return *at >= 0 && *at <= CLOCK_MAX;
}

static bool
parse_time(struct slice *s, int64_t now, int64_t *at)
{
	struct slice rest = *s, word;
	char text[64];

	if (scan_word(&rest, &word) && word.n < sizeof(text)) {
		memcpy(text, word.p, word.n);
		text[word.n] = '\0';
		if (strchr(text, 'T') != NULL && strlen(text) == word.n &&
		    clock_parse_lax(text, at) == 0) {
			*s = rest;
			return true;
		}
	}
	return parse_old_time(s, now, at);
}

/* TIME HOST NAME[PID]: TEXT, or without a process.  false: of no concern. */
static bool
parse_line(struct slice s, int64_t now, struct seen_line *out)
{
	struct slice host, tag, pid;

	if (!parse_time(&s, now, &out->at) || !scan_word(&s, &host) ||
	    !scan_word(&s, &tag) || !scan_end(&tag, ":"))
		return false;
	if (scan_end(&tag, "]") &&
	    (!scan_split(&tag, "[", &pid) || !scan_number(pid, &out->pid)))
		return false;
	if (slice_is(tag, "sudo"))
		out->from = SEEN_SUDO;
	else if (slice_is(tag, "sshd") || slice_is(tag, "sshd-session") ||
	    slice_is(tag, "sshd-auth"))
		out->from = SEEN_SSHD;
	else
		return false;
	out->text = s;
	return true;
}

/* How often a text was said, which is freed of syslog's words about that. */
static uint64_t
count_times(struct slice *text)
{
	struct slice s = *text, word;
	uint64_t n;

	if (!scan_front(&s, "message repeated ") || !scan_word(&s, &word) ||
	    !scan_number(word, &n) || n == 0 || !scan_front(&s, "times: [") ||
	    !scan_end(&s, "]"))
		return 1;
	/* The blank that is after a tag. */
	(void)scan_front(&s, " ");
	*text = s;
	return n;
}

/* --- a file --------------------------------------------------------------- */

/* A line from p on to next, as often as it was said and p does not say that it was
 * told; p is next then, or where whoever takes has enough. */
static int
take_times(int fd, struct place *p, uint64_t next, struct seen_line *line,
    struct login_take *take, struct err *e)
{
	uint64_t said = count_times(&line->text), n = said;
	char *place = NULL;
	int r = 0;

	if (n > LOGIN_REPEATED_MAX)
		n = LOGIN_REPEATED_MAX;
	while (r == 0 && p->told < n) {
		if (++p->told == n) {
			take->lost += said - n;
			*p = (struct place){.inode = p->inode, .offset = next};
		}
		if ((r = write_place(fd, p, &place, e)) == 0)
			r = take->line(take->arg, line, place, e);
		free(place);
		place = NULL;
		if (p->told == 0)
			break;
	}
	return r;
}

/* From p on, to the end of its last whole line, where p is then. */
static int
read_from(int fd, struct place *p, const char *boot, struct login_take *take,
    struct err *e)
{
	uint64_t start = p->offset, lost = 0;
	struct lines l = {0};
	struct slice s;
	int r;

	if (lseek(fd, (off_t)start, SEEK_SET) == -1)
		return err_sys(e, "read a log");
	if ((r = lines_init(&l, fd, LOGIN_LINE_MAX, e)) != 0)
		return r;
	while ((r = lines_next(&l, &s, e)) == 0) {
		struct seen_line line = {.boot = boot};
		uint64_t next = start + l.consumed;

		take->lost += l.too_long - lost;
		lost = l.too_long;
		p->offset = next - s.n - 1;
		if (parse_line(s, take->now, &line) &&
		    (r = take_times(fd, p, next, &line, take, e)) != 0)
			break;
		p->offset = next;
		p->told = 0;
	}
	/* A line that is too long and not over yet is looked at once more. */
	if (r == LINES_END && !l.skipping)
		p->offset = start + l.consumed;
	take->lost += l.too_long - lost;
	lines_clear(&l);
	return r == LINES_END ? 0 : r;
}

/* A regular file; -1: there is none. */
static int
open_log(const char *path, int *fd, struct stat *st, struct err *e)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (*fd == -1)
		return errno == ENOENT ? 0 : err_sys(e, "open %s", path);
	if (fstat(*fd, st) != 0)
		return err_sys(e, "open %s", path);
	return S_ISREG(st->st_mode)
	    ? 0
	    : err_set(e, ERR_SYS, "%s is not a regular file", path);
}

/*
 * What was put aside, where the place is in it; else the place is gone, and where
 * the file has another number (renamed), what was put aside came after it.
 */
static int
read_aside(const char *path, struct place p, uint64_t inode, const char *boot,
    struct login_take *take, struct err *e)
{
	char *aside = NULL;
	bool is_it = false;
	struct stat st;
	int fd = -1, r;

	if (path_joinf(&aside, "%s.1", path) != 0)
		return err_nomem(e);
	r = open_log(aside, &fd, &st, e);
	if (r == 0 && fd != -1)
		is_it = is_in(fd, &st, &p);
	if (r == 0 && !is_it) {
		take->lost++;
		p.offset = p.told = 0;
	}
	if (r == 0 && fd != -1 && (is_it || inode != p.inode)) {
		p.inode = (uint64_t)st.st_ino;
		r = read_from(fd, &p, boot, take, e);
	}
	if (fd != -1)
		(void)close(fd);
	free(aside);
	return r;
}

int
login_file_read(const char *path, const char *boot, const struct seen *from,
    struct login_take *take, char **end, struct err *e)
{
	struct place p, here = {0};
	struct stat st;
	int fd = -1, r;

	*end = NULL;
	if ((r = open_log(path, &fd, &st, e)) != 0 || fd == -1)
		goto out;
	here.inode = (uint64_t)st.st_ino;
	if (from->place == NULL || !parse_place(from->place, &p)) {
		here.offset = (uint64_t)st.st_size;
		r = write_place(fd, &here, end, e);
		goto out;
	}
	if (is_in(fd, &st, &p))
		here.offset = p.offset, here.told = p.told;
	else
		r = read_aside(path, p, here.inode, boot, take, e);
	if (r == 0)
		r = read_from(fd, &here, boot, take, e);
	if (r == 0)
		r = write_place(fd, &here, end, e);
out:
	if (fd != -1)
		(void)close(fd);
	return r == LOGIN_ENOUGH ? 0 : r;
}

const char *
login_file(void)
{
	static const char *const paths[] = {
	    "/var/log/auth.log", "/var/log/secure"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (file_exists(paths[i]))
			return paths[i];
	return NULL;
}
