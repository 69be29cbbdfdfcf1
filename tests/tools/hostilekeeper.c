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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/common/messages.h"
#include "ca/signer/signer_frames.h"
#include "lib/base/file.h"
#include "lib/proc/frame.h"
#include "lib/proc/socket.h"

#define WAIT_MS   20000
#define SAID_MAX  4096
#define KRL_DATED (8 + 4 + 8 + 8) /* magic, format, version, time */
#define FILE_MAX  (256u << 20)

struct said {
	struct frame v[SAID_MAX]; /* in bytes */
	size_t n;
	char *bytes;
};

static void __attribute__((noreturn)) PRINTF_LIKE(1, 2)
    die(const char *fmt, ...)
{
	va_list ap;

	fputs("hostilekeeper: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static struct buf *
buffer(size_t max)
{
	struct buf *b;

	if (buf_new(&b, max) != 0)
		die("out of memory");
	return b;
}

static void
must(int r)
{
	if (r != 0)
		die("%s", err_text(r));
}

static struct chan *
chan_to(int fd)
{
	struct chan *c = NULL;
	struct err e = {0};

	if (chan_new(fd, &c, &e) != 0)
		die("%s", e.msg);
	return c;
}

static struct chan *
connect_to(const char *path)
{
	struct err e = {0};
	int fd;

	if (socket_connect(path, &fd, &e) != 0)
		die("%s", e.msg);
	return chan_to(fd);
}

/* --- hold ----------------------------------------------------------------- */

static int
type_of(const char *name)
{
#define X(word, value, from, to, most, words) \
	if (strcmp(name, #word) == 0)         \
		return value;
	MSG_LIST(X)
#undef X
	die("no type %s", name);
}

static void
note_frame(struct buf *all, const struct frame *f)
{
	must(buf_put_u32(all, (uint32_t)f->payload.n));
	must(buf_put_u16(all, f->type));
	must(buf_put_slice(all, f->payload));
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
			die("%s", e.msg);
	}
	if (closed != 0 || r < 0)
		die("%s",
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
		die("%s", e.msg);
	puts("ready");
	fflush(stdout);
	if (poll(&p, 1, WAIT_MS) != 1 || socket_accept(p.fd, &fd, &e) != 0)
		die("no keeper came");
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
	h.all = buffer(FILE_MAX);
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
			die("nobody says anything");
		if (chan_flush(keeper, &e) != 0 || chan_flush(signer, &e) != 0)
			die("%s", e.msg);
		if (p[1].revents & (POLLIN | POLLHUP))
			(void)pass(signer, keeper, NULL);
		if (p[0].revents & (POLLIN | POLLHUP))
			goes_on = pass(keeper, signer, &h);
	}
	chan_free(keeper);
	chan_free(signer);
	if (file_write(argv[4], buf_slice(h.all).p, buf_len(h.all), 0600, 0,
		&e) != 0)
		die("%s", e.msg);
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
		die("%s", e.msg);
	v = view_of(out->bytes, len);
	while (view_end(&v) != 0) {
		struct frame *f = &out->v[out->n];

		if (out->n++ == SAID_MAX)
			die("more than %d frames", SAID_MAX);
		must(view_get_u32(&v, &n));
		must(view_get_u16(&v, &f->type));
		must(view_get(&v, n, &f->payload));
	}
	if (out->n == 0)
		die("nothing was said");
}

/* Prints what the answer is; SEEN is none.  true: it was OK or SIGNED. */
static bool
answer(struct chan *signer)
{
	struct frame f;
	struct err e = {0}, why = {0};

	do {
		if (chan_wait(signer, WAIT_MS, &f, &e) != 0) {
			if (strstr(e.msg, "closed") == NULL)
				die("%s", e.msg);
			puts("cut off");
			return false;
		}
	} while (f.type == MSG_SEEN);
	if (f.type == MSG_REFUSED) {
		must(refused_frame_parse(f.payload, &why, &e));
		printf("refused: %s\n", why.msg);
		return false;
	}
	return true;
}

/* Who is cut off before he has said all will hear of it in answer(). */
static void
say(struct chan *signer, uint16_t type, struct slice payload)
{
	struct err e = {0};
	int r = chan_send(signer, type, 1, payload, &e);

	if (r != 0 && r != ERR_NET)
		die("%s", e.msg);
}

/* Policy and acts as they were said; false: that was refused, and printed. */
static bool
say_again(struct chan *signer, const struct said *s, const char *attack)
{
	bool acts = strcmp(attack, "without-acts") != 0;

	for (size_t i = 0; i + 1 < s->n; i++) {
		const struct frame *f = &s->v[i];

		if (f->type == MSG_POLICY) {
			say(signer, f->type, f->payload);
			if (!answer(signer))
				return false;
		} else if (f->type == MSG_ACT && acts) {
			say(signer, f->type, f->payload);
		}
	}
	return true;
}

/* --- attacks on SIGN ------------------------------------------------------ */

/* The tail with this job's leaf as it is now, and the head that comes of it. */
static void
log_has(struct sign_frame *f, struct signer_job *j)
{
	struct merkle_edge edge = f->tail.edge;

	if (j->index < edge.size || j->index - edge.size >= f->tail.n)
		die("the leaf is not in the tail");
	merkle_leaf(j->bytes.p, j->bytes.n, &f->leaves[j->index - edge.size]);
	for (size_t i = 0; i < f->tail.n; i++)
		merkle_append(&edge, &f->leaves[i]);
	merkle_root(&edge, &f->b.head.root);
}

/* Another leaf for the job, said to be in the log. */
static void
leaf_is(struct sign_frame *f, struct signer_job *j, const struct issue_leaf *l)
{
	struct str text = STR_INIT;
	char *p;
	size_t n;

	must(issue_leaf_encode(l, &text));
	n = text.n;
	must(str_take(&text, &p));
	j->bytes = slice_of(p, n);
	log_has(f, j);
}

static void
replace(uint8_t *p, size_t n, const char *what, const char *with)
{
	size_t len = strlen(what);
	uint8_t *at = memmem(p, n, what, len);

	if (at == NULL)
		die("there is no '%s' in it", what);
	memcpy(at, with, len);
}

/* A statement that says `with` in the place of `what`, under the old signature.
 */
static const struct statement *
reworded(const struct statement *s, const char *what, const char *with)
{
	struct statement *forged = calloc(1, sizeof(*forged));
	struct slice old = statement_bytes(s);
	uint8_t *p = malloc(old.n);
	struct err e = {0};

	if (forged == NULL || p == NULL)
		die("out of memory");
	memcpy(p, old.p, old.n);
	replace(p, old.n, what, with);
	statement_init(forged, s->type);
	if (statement_parse("forged", slice_of(p, old.n), forged, &e) != 0)
		die("%s", e.msg);
	free(p);
	return forged;
}

static void
forge_request(struct sign_frame *f)
{
	struct signer_job *j = &f->b.jobs[0];
	struct issue_leaf l = *j->leaf;

	j->request = reworded(j->request, "\"deploy\"", "\"viewer\"");
	l.request = j->request->hash;
	leaf_is(f, j, &l);
}

static void
forge_approval(struct sign_frame *f)
{
	struct signer_job *j = &f->b.jobs[0];
	struct issue_leaf l = *j->leaf;

	if (j->n_decisions == 0)
		die("nobody decided");
	j->decisions = memcpy(calloc(j->n_decisions, sizeof(*j->decisions)),
	    j->decisions, j->n_decisions * sizeof(*j->decisions));
	*(const struct statement **)(uintptr_t)&j->decisions[0] =
	    reworded(j->decisions[0], "olga@", "ivan@");
	l.n_decisions = j->n_decisions;
	leaf_is(f, j, &l);
}

/* Nobody approved, and the leaf says so. */
static void
no_approval(struct sign_frame *f)
{
	struct signer_job *j = &f->b.jobs[0];
	struct issue_leaf l = *j->leaf;

	if (j->n_decisions == 0)
		die("nobody decided");
	j->n_decisions = l.n_decisions = 0;
	leaf_is(f, j, &l);
}

/* A certificate for more than was asked. */
static void
other_certificate(struct sign_frame *f)
{
	struct signer_job *j = &f->b.jobs[0];
	struct issue_leaf l = *j->leaf;

	if ((l.tbs = malloc(l.tbs_len)) == NULL)
		die("out of memory");
	memcpy(l.tbs, j->leaf->tbs, l.tbs_len);
	replace(l.tbs, l.tbs_len, "deploy", "root00");
	leaf_is(f, j, &l);
}

static void
old_time(struct sign_frame *f)
{
	struct signer_job *j = &f->b.jobs[0];
	struct issue_leaf l = *j->leaf;

	l.now -= 3600;
	leaf_is(f, j, &l);
}

/* The head does not have the leaf that it is asked to sign for. */
static void
not_in_log(struct sign_frame *f)
{
	struct signer_job *j = &f->b.jobs[0];
	struct slice leaf = j->bytes;

	j->bytes = slice_str("another leaf");
	log_has(f, j);
	j->bytes = leaf;
}

/* A tree as large that has another past. */
static void
forked_head(struct sign_frame *f)
{
	for (unsigned i = 0; i < 64; i++)
		if (f->tail.edge.size >> i & 1) {
			f->tail.edge.h[i].b[0] ^= 1;
			log_has(f, &f->b.jobs[0]);
			return;
		}
	die("the log is empty");
}

/* The tree before the tail, one leaf smaller than what was signed. */
static void
older_head(struct sign_frame *f)
{
	if (f->tail.edge.size < 2)
		die("the log is empty");
	f->b.n_jobs = 0;
	f->tail.n = 0;
	f->tail.edge = (struct merkle_edge){0};
	merkle_append(&f->tail.edge, &f->leaves[0]);
	merkle_root(&f->tail.edge, &f->b.head.root);
	f->b.head.size = 1;
	f->b.n_consistency = 0;
}

static void
as_it_was(struct sign_frame *f)
{
	(void)f;
}

static const struct {
	const char *name;
	void (*change)(struct sign_frame *f);
} sign_attacks[] = {
    {"honest", as_it_was},
    {"without-acts", as_it_was},
    {"forged-request", forge_request},
    {"forged-approval", forge_approval},
    {"no-approval", no_approval},
    {"other-certificate", other_certificate},
    {"old-time", old_time},
    {"not-in-log", not_in_log},
    {"forked-head", forked_head},
    {"older-head", older_head},
};

static bool
attack_sign(struct chan *signer, const struct said *s, const char *name)
{
	struct buf *out = buffer(FRAME_MAX);
	struct sign_frame *f = NULL;
	struct err e = {0};
	size_t i, next = 0;

	for (i = 0; i < sizeof(sign_attacks) / sizeof(sign_attacks[0]); i++)
		if (strcmp(sign_attacks[i].name, name) == 0)
			break;
	if (i == sizeof(sign_attacks) / sizeof(sign_attacks[0]))
		return false;
	if (s->v[s->n - 1].type != MSG_SIGN)
		die("what was held is not a SIGN");
	if (sign_frame_parse(s->v[s->n - 1].payload, &f, &e) != 0)
		die("%s", e.msg);
	sign_attacks[i].change(f);
	if (sign_frame_encode(&f->b, true, &next, out, &e) != 0)
		die("%s", e.msg);
	say(signer, MSG_SIGN, buf_slice(out));
	if (answer(signer))
		puts("signed");
	sign_frame_free(f);
	buf_free(out);
	return true;
}

/* --- attacks with other frames -------------------------------------------- */

/* The frame of the list before the last. */
static const struct frame *
list_before(const struct said *s)
{
	size_t i = s->n - 1;

	if (s->v[i].type != MSG_SIGN_KRL)
		die("what was held is not a SIGN_KRL");
	while (i-- > 0)
		if (s->v[i].type == MSG_SIGN_KRL)
			return &s->v[i];
	die("there was no list before");
}

static void
older_krl(struct chan *signer, const struct said *s)
{
	say(signer, MSG_SIGN_KRL, list_before(s)->payload);
	if (answer(signer))
		puts("signed");
}

static void
krl_of(const struct frame *f, struct slice *message, struct slice *list)
{
	struct view v = view_slice(f->payload);

	must(view_get_string(&v, message));
	must(view_get_string(&v, list));
	must(view_end(&v));
}

/* What comes before `mark` and after the string behind it, with another there. */
static void
put_field(struct str *out, const char *text, const char *mark, const char *v)
{
	const char *at = strstr(text, mark), *end;

	if (at == NULL || (end = strchr(at + strlen(mark), '"')) == NULL)
		die("there is no '%s' in it", mark);
	str_reset(out);
	str_addn(out, text, (size_t)(at - text) + strlen(mark));
	str_add(out, v);
	str_add(out, end);
	must(str_check(out));
}

/* As new as can be, and what was revoked last is not in it. */
static void
forgetful_krl(struct chan *signer, const struct said *s)
{
	struct slice message, list, old_message, old_list;
	struct str text = STR_INIT, filed = STR_INIT, sized = STR_INIT;
	struct buf *out = buffer(FRAME_MAX);
	char hex[HASH_HEX], size[24];
	struct hash h;
	uint8_t *p;

	krl_of(list_before(s), &old_message, &old_list);
	krl_of(&s->v[s->n - 1], &message, &list);
	if ((p = malloc(old_list.n)) == NULL || list.n < KRL_DATED)
		die("no list");
	memcpy(p, old_list.p, old_list.n);
	memcpy(p, list.p, KRL_DATED);
	hash_sha256(p, old_list.n, &h);
	hash_hex(&h, hex);
	(void)snprintf(size, sizeof(size), "%zu", old_list.n);
	str_addn(&text, (const char *)message.p, message.n);
	put_field(&filed, text.p, "\"file\":\"", hex);
	put_field(&sized, filed.p, "\"size\":\"", size);
	must(buf_put_string(out, sized.p, sized.n));
	must(buf_put_string(out, p, old_list.n));
	say(signer, MSG_SIGN_KRL, buf_slice(out));
	if (answer(signer))
		puts("signed");
	free(p);
	str_clear(&text);
	str_clear(&filed);
	str_clear(&sized);
	buf_free(out);
}

static void
honest_krl(struct chan *signer, const struct said *s)
{
	say(signer, s->v[s->n - 1].type, s->v[s->n - 1].payload);
	if (answer(signer))
		puts("signed");
}

/* A policy whose files are others than those that were signed. */
static void
forged_policy(struct chan *signer, const struct said *s)
{
	size_t i = s->n;
	uint8_t *p;

	while (i-- > 0 && s->v[i].type != MSG_POLICY)
		;
	if (i == SIZE_MAX || (p = malloc(s->v[i].payload.n)) == NULL)
		die("there was no policy");
	memcpy(p, s->v[i].payload.p, s->v[i].payload.n);
	replace(p, s->v[i].payload.n, "approve: none", "approve: NONE");
	say(signer, MSG_POLICY, slice_of(p, s->v[i].payload.n));
	if (answer(signer))
		puts("in force");
	free(p);
}

/* Somebody is said to be revoked, or not, and nobody signed that. */
static void
forged_act(struct chan *signer, const struct said *s)
{
	size_t i = s->n;
	uint8_t *p;

	while (i-- > 0 && s->v[i].type != MSG_ACT)
		;
	if (i == SIZE_MAX || (p = malloc(s->v[i].payload.n)) == NULL)
		die("there was no act");
	memcpy(p, s->v[i].payload.p, s->v[i].payload.n);
	replace(p, s->v[i].payload.n, "\"reason\":\"", "\"reason\":\"");
	p[(size_t)((uint8_t *)memmem(p, s->v[i].payload.n, "\"reason\":\"",
		       10) -
	      p) +
	    10] ^= 1;
	say(signer, MSG_ACT, slice_of(p, s->v[i].payload.n));
	say(signer, MSG_DURABLE, slice_of("\1", 1));
	if (answer(signer))
		puts("taken");
	free(p);
}

/* The policy of a session before, once a newer one is in force. */
static void
older_policy(struct chan *signer, const struct said *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].type == MSG_POLICY) {
			say(signer, MSG_POLICY, s->v[i].payload);
			if (!answer(signer))
				return;
		}
	puts("in force");
}

static const struct {
	const char *name;
	bool again; /* policy and acts come first */
	void (*run)(struct chan *signer, const struct said *s);
} attacks[] = {
    {"honest-krl", true, honest_krl},
    {"older-krl", true, older_krl},
    {"forgetful-krl", true, forgetful_krl},
    {"forged-policy", false, forged_policy},
    {"older-policy", false, older_policy},
    {"forged-act", true, forged_act},
};

static int
attack(const char *name, const char *path, const char *file)
{
	static struct said s;
	struct chan *signer;
	size_t i;

	said_read(file, &s);
	signer = connect_to(path);
	for (i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		if (strcmp(attacks[i].name, name) != 0)
			continue;
		if (!attacks[i].again || say_again(signer, &s, name))
			attacks[i].run(signer, &s);
		break;
	}
	if (i == sizeof(attacks) / sizeof(attacks[0]) &&
	    say_again(signer, &s, name) && !attack_sign(signer, &s, name))
		die("no attack %s", name);
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
	die("usage: hostilekeeper hold SOCKET SIGNER FILE TYPE [N] | "
	    "ATTACK SIGNER FILE");
}
