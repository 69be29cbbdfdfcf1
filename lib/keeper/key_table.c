/* SPDX-License-Identifier: ISC */
#include "lib/keeper/key_table.h"

#include "lib/base/buf.h"
#include "lib/crypto/hash.h"
#include "lib/front/messages.h"

#define KEYS_FRAME (1024 * 1024)
#define KEYS_ROOM  256 /* that one entry needs at most */

struct key_table {
	struct conn *to;
	struct buf *b;
	bool first; /* no frame has gone */
	struct err *e;
};

static int
send_frame(struct key_table *t, bool last)
{
	uint8_t head[2] = {t->first, last};
	struct slice s = buf_slice(t->b);
	struct buf *b = NULL;
	int r;

	if ((r = buf_new(&b, KEYS_FRAME)) == 0 &&
	    (r = buf_put(b, head, sizeof(head))) == 0 &&
	    (r = buf_put(b, s.p, s.n)) == 0)
		r = chan_send(t->to->chan, MSG_KEYS, 0, buf_slice(b), t->e);
	buf_free(b);
	buf_reset(t->b);
	t->first = false;
	return r;
}

int
key_table_add(struct key_table *t, const char *name, const struct pubkey *key)
{
	struct hash h;
	int r;

	if (buf_len(t->b) > KEYS_FRAME - KEYS_ROOM - 2 &&
	    (r = send_frame(t, false)) != 0)
		return r;
	pubkey_hash(key, &h);
	if ((r = buf_put_string(t->b, h.b, HASH_LEN)) != 0)
		return r;
	return buf_put_cstring(t->b, name);
}

int
key_table_send(struct conn *to, int (*each)(void *ctx, struct key_table *t),
    void *ctx, struct err *e)
{
	struct key_table t = {.to = to, .first = true, .e = e};
	int r;

	if ((r = buf_new(&t.b, KEYS_FRAME)) == 0 && (r = each(ctx, &t)) == 0)
		r = send_frame(&t, true);
	buf_free(t.b);
	if (r != 0 && e != NULL && e->msg[0] == '\0')
		(void)err_set(e, r, "keys: %s", err_text(r));
	return r;
}
