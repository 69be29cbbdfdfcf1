/* SPDX-License-Identifier: ISC */
/*
 * A signer that somebody has taken over, in front of a real keeper.
 *
 *	hostilesigner SOCKET SIGNER ATTACK
 *		stand at SOCKET between the keeper, who connects there as often
 *		as he likes, and the signer at SIGNER, and pass on what they
 *		say; what the signer answers is changed by ATTACK, and `attack`
 *		printed each time
 *
 * Ends when it is told to.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ca/common/messages.h"
#include "lib/base/buf.h"
#include "lib/proc/frame.h"
#include "lib/proc/socket.h"

static void __attribute__((noreturn)) PRINTF_LIKE(1, 2)
    die(const char *fmt, ...)
{
	va_list ap;

	fputs("hostilesigner: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void
must(int r)
{
	if (r != 0)
		die("%s", err_text(r));
}

/* --- attacks -------------------------------------------------------------- */

/* An answer on its way: a copy of its payload, to be changed. */
struct answer {
	int fd; /* of the keeper, for what is no frame */
	uint16_t type;
	uint32_t id;
	uint8_t *p;
	size_t n;
	bool drop;
};

static uint64_t
get_u64(const uint8_t *p)
{
	uint64_t v = 0;

	for (size_t i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static void
put_u64(uint8_t *p, uint64_t v)
{
	for (size_t i = 8; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
}

/* Where the first certificate of a SIGNED lies; NULL: there is none. */
static uint8_t *
certificate(const struct answer *a, size_t *n)
{
	struct view v = view_of(a->p, a->n);
	struct slice note, blob;
	uint32_t count;

	if (view_get_string(&v, &note) != 0 || view_get_u32(&v, &count) != 0 ||
	    count == 0 || view_get_string(&v, &blob) != 0)
		return NULL;
	*n = blob.n;
	return (uint8_t *)(uintptr_t)blob.p;
}

static bool
wrong_signature(struct answer *a)
{
	size_t n;
	uint8_t *p = certificate(a, &n);

	if (p == NULL)
		return false;
	p[n - 1] ^= 1;
	return true;
}

static bool
other_certificate(struct answer *a)
{
	static const uint8_t other[] = {'r', 'o', 'o', 't', '0', '0'};
	size_t n;
	uint8_t *p = certificate(a, &n), *at;

	if (p == NULL)
		return false;
	if ((at = memmem(p, n, "deploy", sizeof(other))) == NULL)
		die("there is no 'deploy' in the certificate");
	memcpy(at, other, sizeof(other));
	return true;
}

static bool
no_certificate(struct answer *a)
{
	struct view v = view_of(a->p, a->n);
	struct slice note;
	size_t n;

	if (certificate(a, &n) == NULL)
		return false;
	must(view_get_string(&v, &note));
	a->n = 4 + note.n + 4;
	memset(a->p + 4 + note.n, 0, 4);
	return true;
}

/* A count that the bytes do not bear out. */
static bool
huge_count(struct answer *a)
{
	struct view v = view_of(a->p, a->n);
	struct slice note;
	size_t n;

	if (certificate(a, &n) == NULL)
		return false;
	must(view_get_string(&v, &note));
	memset(a->p + 4 + note.n, 0xff, 4);
	return true;
}

/* The third line is the root; the second, its size, is one digit more. */
static uint8_t *
note_line(const struct answer *a, int line)
{
	uint8_t *p = a->p + 4;

	while (line-- > 0)
		p = (uint8_t *)memchr(p, '\n', a->n - (size_t)(p - a->p)) + 1;
	return p;
}

static bool
forged_note(struct answer *a)
{
	uint8_t *root = note_line(a, 2);

	*root = *root == 'A' ? 'B' : 'A';
	return true;
}

static bool
resized_note(struct answer *a)
{
	uint8_t *size = note_line(a, 1);

	*size = *size == '1' ? '2' : '1';
	return true;
}

/* What was signed before, for the same question. */
static bool
stale_note(struct answer *a)
{
	static uint8_t *first;
	static size_t n_first;

	if (first == NULL) {
		if ((first = malloc(a->n)) == NULL)
			die("out of memory");
		memcpy(first, a->p, a->n);
		n_first = a->n;
		return false;
	}
	if (n_first > a->n)
		return false;
	memcpy(a->p, first, n_first);
	a->n = n_first;
	return true;
}

static bool
krl_signature(struct answer *a)
{
	static const char armor[] = "-----BEGIN SSH SIGNATURE-----\n";
	uint8_t *at = memmem(a->p, a->n, armor, sizeof(armor) - 1);

	if (at == NULL)
		return false;
	/* In the armor of the signature itself, and still base64. */
	at = a->p + a->n - 60;
	*at = *at == 'A' ? 'B' : 'A';
	return true;
}

/* SEEN: uint64 size, string of 32 bytes, uint64 root, policy and list version. */
enum { AT_SIZE = 0, AT_ROOT = 12, AT_POLICY = 52, AT_KRL = 60 };

static bool
seen_fork(struct answer *a)
{
	a->p[AT_ROOT] ^= 1;
	return get_u64(a->p) > 0;
}

static bool
seen_ahead(struct answer *a)
{
	put_u64(a->p + AT_SIZE, get_u64(a->p) + 1000);
	return true;
}

static bool
seen_behind(struct answer *a)
{
	put_u64(a->p + AT_SIZE, 0);
	return true;
}

static bool
seen_policy(struct answer *a)
{
	put_u64(a->p + AT_POLICY, UINT64_MAX);
	return true;
}

static bool
seen_krl(struct answer *a)
{
	put_u64(a->p + AT_KRL, UINT64_MAX);
	return true;
}

static bool
longer(struct answer *a)
{
	a->p[a->n++] = 0;
	return true;
}

static bool
shorter(struct answer *a)
{
	a->n--;
	return true;
}

static bool
forbidden(struct answer *a)
{
	a->type = MSG_CALL;
	return true;
}

static bool
unlisted(struct answer *a)
{
	a->type = 99;
	return true;
}

static bool
unasked(struct answer *a)
{
	a->id++;
	return true;
}

static bool
silent(struct answer *a)
{
	return a->drop = true;
}

/* Longer than a frame may be, and then all of it. */
static bool
giant(struct answer *a)
{
	static const uint8_t head[] = {0x7f, 0xff, 0xff, 0xff, 0, 21};

	if (send(a->fd, head, sizeof(head), MSG_NOSIGNAL) < 0)
		die("the keeper is gone");
	return a->drop = true;
}

/* A SEEN that is longer than any. */
static bool
long_seen(struct answer *a)
{
	if (a->n > 9000)
		return false;
	a->type = MSG_SEEN;
	memset(a->p + a->n, 0, 9000 - a->n);
	a->n = 9000;
	return true;
}

#define EXTRA 16384 /* bytes an attack may add */

static const struct {
	const char *name;
	uint16_t of;                      /* 0: any but SEEN */
	bool (*change)(struct answer *a); /* false: not this one */
} attacks[] = {
    {"wrong-signature", MSG_SIGNED, wrong_signature},
    {"other-certificate", MSG_SIGNED, other_certificate},
    {"no-certificate", MSG_SIGNED, no_certificate},
    {"huge-count", MSG_SIGNED, huge_count},
    {"forged-note", MSG_SIGNED, forged_note},
    {"resized-note", MSG_SIGNED, resized_note},
    {"stale-note", MSG_SIGNED, stale_note},
    {"krl-signature", MSG_SIGNED, krl_signature},
    {"longer", MSG_SIGNED, longer},
    {"shorter", MSG_SIGNED, shorter},
    {"forbidden", MSG_SIGNED, forbidden},
    {"unlisted", MSG_SIGNED, unlisted},
    {"unasked", MSG_SIGNED, unasked},
    {"silent", MSG_SIGNED, silent},
    {"giant", MSG_SIGNED, giant},
    {"long-seen", MSG_SIGNED, long_seen},
    {"mute", 0, silent},
    {"seen-fork", MSG_SEEN, seen_fork},
    {"seen-ahead", MSG_SEEN, seen_ahead},
    {"seen-behind", MSG_SEEN, seen_behind},
    {"seen-policy", MSG_SEEN, seen_policy},
    {"seen-krl", MSG_SEEN, seen_krl},
    {"honest", 99, NULL},
};

static size_t attack;

static void
choose(const char *name)
{
	for (attack = 0; attack < sizeof(attacks) / sizeof(attacks[0]);
	     attack++)
		if (strcmp(attacks[attack].name, name) == 0)
			return;
	die("no attack %s", name);
}

static void
pass_answer(const struct frame *f, struct chan *keeper)
{
	uint16_t of = attacks[attack].of;
	struct answer a = {.fd = chan_fd(keeper),
	    .type = f->type,
	    .id = f->id,
	    .n = f->payload.n};
	struct err e = {0};

	if ((a.p = malloc(a.n + EXTRA)) == NULL)
		die("out of memory");
	memcpy(a.p, f->payload.p, a.n);
	if ((of == f->type || (of == 0 && f->type != MSG_SEEN)) &&
	    attacks[attack].change(&a)) {
		puts("attack");
		fflush(stdout);
	}
	/* A keeper that has had enough is what is looked for. */
	if (!a.drop)
		(void)!chan_send(keeper, a.type, a.id, slice_of(a.p, a.n), &e);
	free(a.p);
}

/* --- between -------------------------------------------------------------- */

static struct chan *
chan_to(int fd)
{
	struct chan *c = NULL;
	struct err e = {0};

	if (chan_new(fd, &c, &e) != 0)
		die("%s", e.msg);
	return c;
}

/* false: one of them is gone. */
static bool
pass(struct chan *from, struct chan *to, bool answers)
{
	struct frame f;
	struct err e = {0};
	int closed = chan_read(from, &e), r;

	while ((r = chan_next(from, &f, &e)) == 0)
		if (answers)
			pass_answer(&f, to);
		else if (chan_send(to, f.type, f.id, f.payload, &e) != 0)
			return false;
	return closed == 0 && r >= 0;
}

static void
stand_between(struct chan *keeper, struct chan *signer)
{
	struct err e = {0};
	bool goes_on = true;

	while (goes_on) {
		struct pollfd p[2] = {
		    {chan_fd(keeper), POLLIN, 0}, {chan_fd(signer), POLLIN, 0}};

		if (chan_wants_write(keeper))
			p[0].events |= POLLOUT;
		if (chan_wants_write(signer))
			p[1].events |= POLLOUT;
		if (poll(p, 2, -1) < 1)
			die("cannot wait");
		if (chan_flush(keeper, &e) != 0 || chan_flush(signer, &e) != 0)
			return;
		if (p[1].revents & (POLLIN | POLLHUP))
			goes_on = pass(signer, keeper, true);
		if (goes_on && p[0].revents & (POLLIN | POLLHUP))
			goes_on = pass(keeper, signer, false);
	}
}

int
main(int argc, char **argv)
{
	struct chan *keeper, *signer;
	struct err e = {0};
	int listener, fd, r;

	if (argc != 4)
		die("usage: hostilesigner SOCKET SIGNER ATTACK");
	choose(argv[3]);
	if (socket_listen(argv[1], &listener, &e) != 0)
		die("%s", e.msg);
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct pollfd p = {listener, POLLIN, 0};

		if (poll(&p, 1, -1) != 1 ||
		    (r = socket_accept(listener, &fd, &e)) < 0)
			die("cannot accept");
		if (r != 0)
			continue;
		keeper = chan_to(fd);
		if (socket_connect(argv[2], &fd, &e) != 0)
			die("%s", e.msg);
		signer = chan_to(fd);
		stand_between(keeper, signer);
		chan_free(keeper);
		chan_free(signer);
	}
}
