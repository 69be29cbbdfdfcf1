/* SPDX-License-Identifier: ISC */
/*
 * Keys that stay in an ssh-agent (RFC 9987): a security token, an HSM behind
 * PKCS#11, or just a key that was unlocked once.
 *
 * The agent is not trusted to be right: its frames are bounded, its time is
 * bounded, and every signature is verified before anybody sees it.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/key/key_impl.h"

#define FLAG_RSA_SHA2_512 4U

struct state {
	char *sock; /* NULL: $SSH_AUTH_SOCK */
	int fd;     /* -1: lost, or given up after an error in the protocol */
	int sign_ms;
};

static int
ask_sign(const struct key *k, struct slice msg, struct buf *b)
{
	struct slice blob = pubkey_blob(k->pub);
	size_t body = 1 + 4 + blob.n + 4 + msg.n + 4;
	int r;

	if (msg.n > AGENT_FRAME_MAX || body > AGENT_FRAME_MAX)
		return ERR_LIMIT;
	if ((r = buf_put_u32(b, (uint32_t)body)) != 0 ||
	    (r = buf_put_u8(b, AGENT_SIGN_REQUEST)) != 0 ||
	    (r = buf_put_string(b, blob.p, blob.n)) != 0 ||
	    (r = buf_put_string(b, msg.p, msg.n)) != 0)
		return r;
	/* Without the flag an agent signs by SHA-1, which nobody accepts. */
	return buf_put_u32(b,
	    pubkey_type(k->pub) == PUBKEY_RSA ? FLAG_RSA_SHA2_512 : 0);
}

static int
take_signature(const struct key *k, struct slice msg, struct view answer,
    struct buf *out, struct err *e)
{
	struct slice sig;
	int r;

	if (view_get_string(&answer, &sig) != 0 || view_end(&answer) != 0)
		return agent_malformed(e);
	r = pubkey_verify(k->pub, k->alg, sig, msg, NULL, e);
	if (r == ERR_NOMEM)
		return r;
	if (r != 0)
		return err_set(e, ERR_CRYPTO,
		    "the ssh-agent's signature is not %s by the key asked for",
		    k->alg);
	if ((r = buf_put_slice(out, sig)) != 0)
		return err_set(e, r, "write a signature: %s", err_text(r));
	return 0;
}

/*
 * A process that stays outlives its agent: one that hung up, and one that was
 * given up, is called anew.  An agent says nothing unasked, so what can be read
 * before we ask is the end, or the late answer to a question that is over.
 */
static int
have_agent(struct state *s, struct err *e)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};

	if (s->fd != -1 && poll(&p, 1, 0) > 0) {
		(void)close(s->fd);
		s->fd = -1;
	}
	return s->fd != -1 ? 0 : agent_dial(s->sock, s->sign_ms, &s->fd, e);
}

static int
sign(struct key *k, struct slice msg, struct buf *out, struct err *e)
{
	struct state *s = k->state;
	struct buf *ask = NULL, *b = NULL;
	struct view answer;
	int r;

	if ((r = buf_new(&ask, AGENT_FRAME_MAX + 4)) != 0 ||
	    (r = buf_new(&b, AGENT_FRAME_MAX)) != 0 ||
	    (r = ask_sign(k, msg, ask)) != 0) {
		(void)err_set(e, r, "ask the ssh-agent to sign %zu bytes: %s",
		    msg.n, err_text(r));
		goto out;
	}
	if ((r = have_agent(s, e)) != 0)
		goto out;
	r = agent_call(&s->fd, ask, AGENT_SIGN_RESPONSE, s->sign_ms, b, &answer,
	    e);
	if (r == 0)
		r = take_signature(k, msg, answer, out, e);
out:
	buf_free(ask);
	buf_free(b);
	return r;
}

static void
state_free(struct state *s)
{
	if (s == NULL)
		return;
	if (s->fd != -1)
		(void)close(s->fd);
	free(s->sock);
	free(s);
}

static void
release(struct key *k)
{
	state_free(k->state);
}

static const struct key_ops agent_ops = {
    .sign = sign,
    .private_put = NULL,
    .free = release,
};

/* 0 when the list has which, ERR_NOTFOUND when not. */
static int
find_key(struct view list, const struct pubkey *which, struct err *e)
{
	struct slice blob, comment;
	uint32_t n;
	char fp[FINGERPRINT_MAX];
	bool found = false;

	if (view_get_u32(&list, &n) != 0 || n > AGENT_KEYS_MAX)
		return agent_malformed(e);
	while (n-- > 0) {
		if (view_get_string(&list, &blob) != 0 ||
		    view_get_string(&list, &comment) != 0)
			return agent_malformed(e);
		if (slice_equal(blob, pubkey_blob(which)))
			found = true;
	}
	if (view_end(&list) != 0)
		return agent_malformed(e);
	if (found)
		return 0;
	pubkey_fingerprint(which, fp);
	return err_set(e, ERR_NOTFOUND, "the ssh-agent has no key %s", fp);
}

static int
check_has(struct state *s, const struct pubkey *which, int ms, struct err *e)
{
	struct buf *ask = NULL, *b = NULL;
	struct view list;
	int r;

	if ((r = buf_new(&ask, 16)) != 0 ||
	    (r = buf_new(&b, AGENT_FRAME_MAX)) != 0 ||
	    (r = buf_put_u32(ask, 1)) != 0 ||
	    (r = buf_put_u8(ask, AGENT_REQUEST_IDENTITIES)) != 0)
		(void)err_nomem(e);
	else if ((r = agent_call(&s->fd, ask, AGENT_IDENTITIES_ANSWER, ms, b,
		      &list, e)) == 0)
		r = find_key(list, which, e);
	buf_free(ask);
	buf_free(b);
	return r;
}

int
key_agent_open(const char *sock, const struct pubkey *which, int list_ms,
    int sign_ms, struct key **out, struct err *e)
{
	struct pubkey *pub = NULL;
	struct state *s = NULL;
	int r;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return err_nomem(e);
	s->fd = -1;
	s->sign_ms = sign_ms;
	if (sock != NULL && (s->sock = str_dup(sock)) == NULL)
		r = err_nomem(e);
	else
		r = agent_dial(sock, list_ms, &s->fd, e);
	if (r != 0) {
		state_free(s);
		return r;
	}
	if ((r = check_has(s, which, list_ms, e)) == 0 &&
	    (r = pubkey_dup(which, &pub)) != 0)
		(void)err_set(e, r, "%s", err_text(r));
	if (r != 0) {
		state_free(s);
		return r;
	}
	return key_new(&agent_ops, pub, s, out, e);
}

int
key_from_agent(const char *sock, const struct pubkey *which, struct key **out,
    struct err *e)
{
	return key_agent_open(sock, which, AGENT_LIST_MS, AGENT_SIGN_MS, out,
	    e);
}
