/* SPDX-License-Identifier: ISC */
#include "lib/key/agent.h"

#include <string.h>
#include <unistd.h>

#include "lib/key/key_impl.h"
#include "lib/ssh/cert.h"

#define CONSTRAIN_LIFETIME 1

bool
agent_there(const char *sock)
{
	int fd = -1;

	if (agent_dial(sock, AGENT_LIST_MS, &fd, NULL) != 0)
		return false;
	close(fd);
	return true;
}

/* One question on a connection of its own. */
static int
ask_once(const char *sock, const struct buf *body, uint8_t want, int ms,
    struct buf *answer_buf, struct view *answer, struct err *e)
{
	struct buf *frame = NULL;
	int fd = -1, r;

	if ((r = buf_new(&frame, AGENT_FRAME_MAX + 4)) != 0 ||
	    (r = buf_put_buf(frame, body)) != 0)
		(void)err_set(e, r, "ask the ssh-agent: %s", err_text(r));
	else if ((r = agent_dial(sock, ms, &fd, e)) == 0)
		r = agent_call(&fd, frame, want, ms, answer_buf, answer, e);
	if (fd != -1)
		close(fd);
	buf_free(frame);
	return r;
}

/* --- adding --------------------------------------------------------------- */

static int
put_lifetime(struct buf *b, uint32_t secs)
{
	int r = buf_put_u8(b, CONSTRAIN_LIFETIME);

	return r != 0 ? r : buf_put_u32(b, secs);
}

/*
 * The fields of the private key, from its type string on.  A certificate has
 * its own type and its blob in front, and leaves the type out; for Ed25519 the
 * rest is the same.
 */
static int
put_identity(struct buf *b, struct slice secret, struct slice cert,
    const char *comment, uint32_t secs)
{
	struct view v = view_slice(secret);
	struct slice type;
	int r;

	if ((r = buf_put_u8(b, AGENT_ADD_ID_CONSTRAINED)) != 0 ||
	    (r = view_get_string(&v, &type)) != 0)
		return r;
	if (cert.n == 0)
		r = buf_put_slice(b, secret);
	else if ((r = buf_put_cstring(b, cert_type_name(PUBKEY_ED25519))) ==
		0 &&
	    (r = buf_put_string(b, cert.p, cert.n)) == 0)
		r = buf_put_slice(b, slice_of(v.p, v.n));
	if (r != 0 || (r = buf_put_cstring(b, comment)) != 0)
		return r;
	return put_lifetime(b, secs);
}

static int
add_one(const char *sock, struct slice secret, struct slice cert,
    const char *comment, uint32_t secs, struct err *e)
{
	struct buf *ask = NULL, *b = NULL;
	struct view answer;
	int r;

	if ((r = buf_new(&ask, AGENT_FRAME_MAX)) != 0 ||
	    (r = buf_new(&b, AGENT_FRAME_MAX)) != 0 ||
	    (r = put_identity(ask, secret, cert, comment, secs)) != 0)
		(void)err_set(e, r, "add to the ssh-agent: %s", err_text(r));
	else
		r = ask_once(sock, ask, AGENT_SUCCESS, AGENT_SIGN_MS, b,
		    &answer, e);
	buf_free(ask);
	buf_free(b);
	return r;
}

int
agent_add(const char *sock, const struct key *key, struct slice cert,
    const char *comment, uint32_t secs, struct err *e)
{
	struct buf *secret = NULL;
	int r;

	if (key->ops->private_put == NULL ||
	    pubkey_type(key->pub) != PUBKEY_ED25519)
		return err_set(e, ERR_DENIED,
		    "only an Ed25519 key of one's own goes into the ssh-agent");
	if ((r = buf_new(&secret, 4096)) != 0)
		return err_nomem(e);
	if ((r = key->ops->private_put(key, secret, e)) == 0 &&
	    (r = add_one(sock, buf_slice(secret), (struct slice){0}, comment,
		 secs, e)) == 0)
		r = add_one(sock, buf_slice(secret), cert, comment, secs, e);
	buf_free(secret);
	return r;
}

/* --- listing, forgetting -------------------------------------------------- */

static int
walk(struct view list,
    int (*each)(void *ctx, struct slice blob, struct slice comment), void *ctx,
    struct err *e)
{
	struct slice blob, comment;
	uint32_t n;
	int r;

	if (view_get_u32(&list, &n) != 0 || n > AGENT_KEYS_MAX)
		return agent_malformed(e);
	while (n-- > 0) {
		if (view_get_string(&list, &blob) != 0 ||
		    view_get_string(&list, &comment) != 0)
			return agent_malformed(e);
		if ((r = each(ctx, blob, comment)) != 0)
			return r;
	}
	return view_end(&list) == 0 ? 0 : agent_malformed(e);
}

int
agent_each(const char *sock,
    int (*each)(void *ctx, struct slice blob, struct slice comment), void *ctx,
    struct err *e)
{
	struct buf *ask = NULL, *b = NULL;
	struct view list;
	int r;

	if (buf_new(&ask, 16) != 0 || buf_new(&b, AGENT_FRAME_MAX) != 0 ||
	    buf_put_u8(ask, AGENT_REQUEST_IDENTITIES) != 0)
		r = err_nomem(e);
	else if ((r = ask_once(sock, ask, AGENT_IDENTITIES_ANSWER,
		      AGENT_LIST_MS, b, &list, e)) == 0)
		r = walk(list, each, ctx, e);
	buf_free(ask);
	buf_free(b);
	return r;
}

int
agent_remove(const char *sock, struct slice blob, struct err *e)
{
	struct buf *ask = NULL, *b = NULL;
	struct view answer;
	int r;

	if (buf_new(&ask, AGENT_FRAME_MAX) != 0 ||
	    buf_new(&b, AGENT_FRAME_MAX) != 0 ||
	    buf_put_u8(ask, AGENT_REMOVE_IDENTITY) != 0 ||
	    buf_put_string(ask, blob.p, blob.n) != 0)
		r = err_nomem(e);
	else
		r = ask_once(sock, ask, AGENT_SUCCESS, AGENT_LIST_MS, b,
		    &answer, e);
	buf_free(ask);
	buf_free(b);
	return r;
}
