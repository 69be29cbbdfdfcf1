/* SPDX-License-Identifier: ISC */
/*
 * Who a peer is: one of the keys that the caller knows, and nothing else.
 *
 * A key that nobody has is refused like any other, so that a client with
 * several goes on to the next; what to do about it is said when a client that
 * has run out of keys asks for keyboard-interactive, as ssh(1) does, in a banner
 * that it shows.  No question is ever asked that way.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/net/server_impl.h"

#define METHODS  (SSH_AUTH_METHOD_PUBLICKEY | SSH_AUTH_METHOD_INTERACTIVE)
#define BLOB_MAX 65536

/* Names are the peer's: what is not plain in one is not shown. */
static void
set_type(struct net_key *k, struct slice name)
{
	size_t n = 0;

	for (; n < name.n && n < sizeof(k->type) - 1; n++)
		k->type[n] =
		    name.p[n] > ' ' && name.p[n] < 0x7f ? (char)name.p[n] : '?';
	k->type[n] = '\0';
}

static int
read_key(ssh_key key, struct net_key *out)
{
	char *base64 = NULL;
	struct buf *blob = NULL;
	struct slice name;
	struct view v;
	int r = ERR_PARSE;

	if (ssh_pki_export_pubkey_base64(key, &base64) != SSH_OK ||
	    (r = buf_new(&blob, BLOB_MAX)) != 0 ||
	    (r = base64_decode(base64, strlen(base64), blob)) != 0)
		goto out;
	v = view_slice(buf_slice(blob));
	if ((r = view_get_string(&v, &name)) != 0)
		goto out;
	hash_sha256(buf_slice(blob).p, buf_len(blob), &out->hash);
	hash_fingerprint(&out->hash, out->fingerprint);
	set_type(out, name);
out:
	ssh_string_free_char(base64);
	buf_free(blob);
	return r;
}

/* Keep what was offered, for the words of the refusal; a few suffice. */
static void
keep_offered(struct net_peer *p, const struct net_key *k)
{
	for (size_t i = 0; i < p->n_offered; i++)
		if (hash_equal(&p->offered[i].hash, &k->hash))
			return;
	if (p->offered == NULL)
		p->offered = calloc(OFFERED_MAX, sizeof(*p->offered));
	if (p->offered == NULL || p->n_offered == OFFERED_MAX)
		return;
	p->offered[p->n_offered++] = *k;
}

void
auth_tell(struct net_peer *p)
{
	struct net_server *s = p->server;
	struct str text = STR_INIT;
	ssh_string banner;

	if (p->told)
		return;
	p->told = true;
	s->ops.refusal(s->ctx, p->offered, p->n_offered, &text);
	if (str_check(&text) == 0 &&
	    (banner = ssh_string_from_char(text.p)) != NULL) {
		/* Whether it is read or not, the answer is no. */
		(void)ssh_send_issue_banner(p->session, banner);
		ssh_string_free(banner);
	}
	str_clear(&text);
}

/* One more attempt, refused or not; true: one too many. */
static bool
count(struct net_peer *p, bool refused)
{
	if (refused)
		p->tries++;
	p->messages++;
	p->dirty = true;
	if (p->tries <= p->server->limits.tries && p->messages <= MESSAGES_MAX)
		return false;
	auth_tell(p);
	peer_fail(p, "too many attempts to log in");
	return true;
}

static int
on_pubkey(ssh_session session, const char *user, struct ssh_key_struct *key,
    char state, void *ctx)
{
	struct net_peer *p = ctx;
	struct net_server *s = p->server;
	struct net_key k = {0};
	const char *person;
	/* The name is bound to no key, and text of the peer's: it asks for less
	   and never for more. */
	bool guest = user != NULL && strcmp(user, NET_GUEST_USER) == 0;

	(void)session;
	if (p->state != PEER_AUTH || p->person != NULL || p->why != NULL)
		return SSH_AUTH_DENIED;
	if (read_key(key, &k) != 0) {
		(void)count(p, true);
		return SSH_AUTH_DENIED;
	}
	if ((person = s->ops.whose(s->ctx, &k, guest ? &p->source : NULL,
		 false)) == NULL) {
		keep_offered(p, &k);
		(void)count(p, true);
		return SSH_AUTH_DENIED;
	}
	if (state == SSH_PUBLICKEY_STATE_NONE)
		return count(p, false) ? SSH_AUTH_DENIED : SSH_AUTH_SUCCESS;
	if (state != SSH_PUBLICKEY_STATE_VALID ||
	    (p->person = str_dup(person)) == NULL) {
		(void)count(p, true);
		return SSH_AUTH_DENIED;
	}
	p->key = k;
	/* At once: what it asks for may stand in the same bytes. */
	p->state = PEER_UP;
	p->dirty = true;
	return SSH_AUTH_SUCCESS;
}

/*
 * All that no callback is for: other ways to authenticate, other kinds of
 * channels, forwarding.  1 has libssh refuse it, and let a service begin.
 */
static int
on_message(ssh_session session, ssh_message m, void *ctx)
{
	struct net_peer *p = ctx;
	int method;

	(void)session;
	if (ssh_message_type(m) != SSH_REQUEST_AUTH || p->why != NULL)
		return 1;
	method = ssh_message_subtype(m);
	if (method == SSH_AUTH_METHOD_INTERACTIVE)
		auth_tell(p);
	/* "none" only asks which ways there are. */
	(void)count(p, method != SSH_AUTH_METHOD_NONE);
	return 1;
}

void
auth_begin(struct net_peer *p)
{
	ssh_callbacks_init(&p->server_cb);
	p->server_cb.userdata = p;
	p->server_cb.auth_pubkey_function = on_pubkey;
	p->server_cb.channel_open_request_session_function = channel_open;
	if (ssh_set_server_callbacks(p->session, &p->server_cb) != SSH_OK) {
		peer_fail(p, "libssh takes no callbacks");
		return;
	}
	ssh_set_message_callback(p->session, on_message, p);
	ssh_set_auth_methods(p->session, METHODS);
}
