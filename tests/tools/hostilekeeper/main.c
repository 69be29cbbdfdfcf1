/* SPDX-License-Identifier: ISC */
/*
 * A keeper that somebody has taken over, in front of a real signer.
 *
 *	hostilekeeper hold SOCKET SIGNER FILE TYPE [N]
 *		stand at SOCKET between the keeper, who connects there, and the
 *		signer at SIGNER, and pass on what they say, up to the Nth frame
 *		of TYPE (of a SIGN that asks for certificates); that one does
 *		not arrive, and all that the keeper said is in FILE
 *	hostilekeeper ATTACK SIGNER FILE
 *		be that keeper anew: say the policy and the acts of FILE, then
 *		the last frame as ATTACK changes it, and print one line: what
 *		the signer answers, `signed`, `refused: SENTENCE`, `cut off`
 *
 * Ends with 1 where it could not be tried.
 */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/signer/signer_frames.h"
#include "lib/base/file.h"
#include "lib/proc/socket.h"
#include "tests/tools/hostilekeeper/keeper.h"

#define WAIT_MS  20000
#define FILE_MAX (256u << 20)

_Noreturn void
hk_die(const char *fmt, ...)
{
	va_list ap;

	fputs("hostilekeeper: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

struct buf *
hk_buffer(size_t max)
{
	struct buf *b;

	if (buf_new(&b, max) != 0)
		hk_die("out of memory");
	return b;
}

void
hk_must(int r)
{
	if (r != 0)
		hk_die("%s", err_text(r));
}

static struct chan *
chan_to(int fd)
{
	struct chan *c = NULL;
	struct err e = {0};

	if (chan_new(fd, &c, &e) != 0)
		hk_die("%s", e.msg);
	return c;
}

static struct chan *
connect_to(const char *path)
{
	struct err e = {0};
	int fd;

	if (socket_connect(path, &fd, &e) != 0)
		hk_die("%s", e.msg);
	return chan_to(fd);
}

static int
type_of(const char *name)
{
#define X(word, value, from, to, most, words) \
	if (strcmp(name, #word) == 0)         \
		return value;
	MSG_LIST(X)
#undef X
	hk_die("no type %s", name);
}

static void
note_frame(struct buf *all, const struct frame *f)
{
	hk_must(buf_put_u32(all, (uint32_t)f->payload.n));
	hk_must(buf_put_u16(all, f->type));
	hk_must(buf_put_slice(all, f->payload));
}

static bool
asks_for_certificates(const struct frame *f)
{
	struct sign_frame *s = NULL;
	bool any;

	if (f->type != MSG_SIGN || sign_frame_parse(f->payload, &s, NULL) != 0)
		return true;
	any = s->b.n_jobs > 0;
	sign_frame_free(s);
	return any;
}

struct held {
	int type;
	size_t left;
	struct buf *all;
};

/* false: this is the one that does not arrive. */
static bool
pass(struct chan *from, struct chan *to, struct held *h)
{
	struct frame f;
	struct err e = {0};
	int closed = chan_read(from, &e), r;

	while ((r = chan_next(from, &f, &e)) == 0) {
		if (h != NULL)
			note_frame(h->all, &f);
		if (h != NULL && f.type == h->type &&
		    asks_for_certificates(&f) && --h->left == 0)
			return false;
		if (chan_send(to, f.type, f.id, f.payload, &e) != 0)
			hk_die("%s", e.msg);
	}
	if (closed != 0 || r < 0)
		hk_die("%s",
		    h != NULL ? "the keeper is gone" : "the signer is gone");
	return true;
}

static int
accept_one(const char *path)
{
	struct err e = {0};
	struct pollfd p = {.events = POLLIN};
	int fd;

	if (socket_listen(path, &p.fd, &e) != 0)
		hk_die("%s", e.msg);
	puts("ready");
	fflush(stdout);
	if (poll(&p, 1, WAIT_MS) != 1 || socket_accept(p.fd, &fd, &e) != 0)
		hk_die("no keeper came");
	close(p.fd);
	return fd;
}

static int
hold(char **argv)
{
	struct held h = {.type = type_of(argv[5]), .left = 1};
	struct chan *keeper, *signer;
	struct pollfd p[2];
	struct err e = {0};
	bool goes_on = true;

	if (argv[6] != NULL)
		h.left = (size_t)strtoul(argv[6], NULL, 10);
	h.all = hk_buffer(FILE_MAX);
	keeper = chan_to(accept_one(argv[2]));
	(void)unlink(argv[2]);
	signer = connect_to(argv[3]);
	while (goes_on) {
		p[0] = (struct pollfd){chan_fd(keeper), POLLIN, 0};
		p[1] = (struct pollfd){chan_fd(signer), POLLIN, 0};
		if (chan_wants_write(keeper))
			p[0].events |= POLLOUT;
		if (chan_wants_write(signer))
			p[1].events |= POLLOUT;
		if (poll(p, 2, 6 * WAIT_MS) < 1)
			hk_die("nobody says anything");
		if (chan_flush(keeper, &e) != 0 || chan_flush(signer, &e) != 0)
			hk_die("%s", e.msg);
		if (p[1].revents & (POLLIN | POLLHUP))
			(void)pass(signer, keeper, NULL);
		if (p[0].revents & (POLLIN | POLLHUP))
			goes_on = pass(keeper, signer, &h);
	}
	chan_free(keeper);
	chan_free(signer);
	if (file_write(argv[4], buf_slice(h.all).p, buf_len(h.all), 0600, 0,
		&e) != 0)
		hk_die("%s", e.msg);
	buf_free(h.all);
	return 0;
}

/* --- the session again ---------------------------------------------------- */

static void
said_read(const char *path, struct said *out)
{
	struct err e = {0};
	struct view v;
	size_t len;
	uint32_t n;

	if (file_read(path, FILE_MAX, &out->bytes, &len, &e) != 0)
		hk_die("%s", e.msg);
	v = view_of(out->bytes, len);
	while (view_end(&v) != 0) {
		struct frame *f = &out->v[out->n];

		if (out->n++ == SAID_MAX)
			hk_die("more than %d frames", SAID_MAX);
		hk_must(view_get_u32(&v, &n));
		hk_must(view_get_u16(&v, &f->type));
		hk_must(view_get(&v, n, &f->payload));
	}
	if (out->n == 0)
		hk_die("nothing was said");
}

bool
hk_answer(struct chan *signer)
{
	struct frame f;
	struct err e = {0}, why = {0};

	do {
		if (chan_wait(signer, WAIT_MS, &f, &e) != 0) {
			if (strstr(e.msg, "closed") == NULL)
				hk_die("%s", e.msg);
			puts("cut off");
			return false;
		}
	} while (f.type == MSG_SEEN);
	if (f.type == MSG_REFUSED) {
		hk_must(refused_frame_parse(f.payload, &why, &e));
		printf("refused: %s\n", why.msg);
		return false;
	}
	return true;
}

void
hk_say(struct chan *signer, uint16_t type, struct slice payload)
{
	struct err e = {0};
	int r = chan_send(signer, type, 1, payload, &e);

	if (r != 0 && r != ERR_NET)
		hk_die("%s", e.msg);
}

/* Policy and acts as they were said; false: that was refused, and printed. */
static bool
say_again(struct chan *signer, const struct said *s, const char *attack)
{
	bool acts = strcmp(attack, "without-acts") != 0;

	for (size_t i = 0; i + 1 < s->n; i++) {
		const struct frame *f = &s->v[i];

		if (f->type == MSG_POLICY) {
			hk_say(signer, f->type, f->payload);
			if (!hk_answer(signer))
				return false;
		} else if (f->type == MSG_ACT && acts) {
			hk_say(signer, f->type, f->payload);
		}
	}
	return true;
}

static int
attack(const char *name, const char *path, const char *file)
{
	static struct said s;
	const struct attack *a;
	struct chan *signer;

	said_read(file, &s);
	signer = connect_to(path);
	a = hk_attack_of(name);
	if (a != NULL && (!a->again || say_again(signer, &s, name)))
		a->run(signer, &s);
	if (a == NULL && say_again(signer, &s, name) &&
	    !hk_attack_sign(signer, &s, name))
		hk_die("no attack %s", name);
	chan_free(signer);
	free(s.bytes);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc >= 6 && argc <= 7 && strcmp(argv[1], "hold") == 0)
		return hold(argv);
	if (argc == 4)
		return attack(argv[1], argv[2], argv[3]);
	hk_die("usage: hostilekeeper hold SOCKET SIGNER FILE TYPE [N] | "
	       "ATTACK SIGNER FILE");
}
