/* SPDX-License-Identifier: ISC */
/* Whose keys may come in: people by the policy, hosts by their acceptances. */
#include <string.h>

#include "agent/master/mk_impl.h"
#include "lib/proc/plog.h"

#define KEYS_FRAME (1024 * 1024)
#define KEYS_ROOM  256 /* that one entry needs at most */

struct keys {
	struct mk_conn *to;
	struct buf *b;
	bool first; /* no frame has gone */
	struct err *e;
};

static int
send_frame(struct keys *x, bool last)
{
	uint8_t head[2] = {x->first, last};
	struct slice s = buf_slice(x->b);
	struct buf *b = NULL;
	int r;

	if ((r = buf_new(&b, KEYS_FRAME)) == 0 &&
	    (r = buf_put(b, head, sizeof(head))) == 0 &&
	    (r = buf_put(b, s.p, s.n)) == 0)
		r = chan_send(x->to->chan, MSG_KEYS, 0, buf_slice(b), x->e);
	buf_free(b);
	buf_reset(x->b);
	x->first = false;
	return r;
}

static int
add(struct keys *x, const struct pubkey *key, const char *name)
{
	struct slice blob = pubkey_blob(key);
	struct hash h;
	int r;

	if (buf_len(x->b) > KEYS_FRAME - KEYS_ROOM - 2 &&
	    (r = send_frame(x, false)) != 0)
		return r;
	hash_sha256(blob.p, blob.n, &h);
	if ((r = buf_put_string(x->b, h.b, HASH_LEN)) != 0)
		return r;
	return buf_put_cstring(x->b, name);
}

static int
add_people(struct keys *x, const struct policy *p)
{
	int r = 0;

	for (size_t i = 0; i < p->n_people && r == 0; i++)
		for (size_t j = 0; j < p->people[i].n_keys && r == 0; j++)
			r = add(x, p->people[i].keys[j].key, p->people[i].id);
	return r;
}

static int
add_host(void *ctx, const struct fleet_host_row *row)
{
	struct keys *x = ctx;
	char name[sizeof("host/") + ID_MAX];

	if (row->rejected)
		return 0;
	(void)snprintf(name, sizeof(name), "host/%s", row->id);
	return add(x, row->transport_key, name);
}

int
mk_send_keys(struct mk *k, struct mk_conn *to, struct err *e)
{
	struct keys x = {.to = to, .first = true, .e = e};
	int r;

	if ((r = buf_new(&x.b, KEYS_FRAME)) == 0 &&
	    (r = add_people(&x, content_trust(k->content)->policy)) == 0 &&
	    (r = fleet_hosts_each(k->hosts, add_host, &x)) == 0)
		r = send_frame(&x, true);
	buf_free(x.b);
	if (r != 0 && e != NULL && e->msg[0] == '\0')
		(void)err_set(e, r, "keys: %s", err_text(r));
	return r;
}
