/* SPDX-License-Identifier: ISC */
/* Among signer_link*.c and signer_conn.c: the keeper's connection to the signer. */
#ifndef CA_SIGNER_SIGNER_LINK_IMPL_H
#define CA_SIGNER_SIGNER_LINK_IMPL_H

#include "ca/common/messages.h"
#include "ca/signer/signer_link.h"
#include "lib/proc/frame.h"

#define SIGNER_ANSWER_MS 30000 /* keys may be in a slow token */

struct signer_link {
	struct signer_link_config c;
	char	   *path;
	struct chan *chan;	/* NULL: not connected */
	bool	    told;	/* the past, over this connection */
	bool	    down;	/* nobody was there the last time */
	uint32_t    last_id;
	struct signer_seen seen;
	uint8_t	    log_key[PUBKEY_BLOB_MAX];
	size_t	    log_key_len;
	/* A batch that the signer works on: how many of its jobs it has. */
	bool	    begun;
	uint32_t    begun_id;
	size_t	    begun_jobs;
};

/* Connected, with some patience where somebody was there before.  ERR_NET. */
int  signer_conn_up(struct signer_link *k, struct err *e) MUST_CHECK;
/* The same, and it was told the past. */
int  signer_conn_ready(struct signer_link *k, struct err *e) MUST_CHECK;
void signer_conn_drop(struct signer_link *k);
/*
 * A sibling that says what it may not, or answers another question: a bug or a
 * break-in, and in any case the end of this connection.  ERR_NET.
 */
int  signer_conn_cut_off(struct signer_link *k, struct err *e);
/* A failure ends the connection. */
int  signer_conn_send(struct signer_link *k, uint16_t type,
    struct slice payload, uint32_t *id, struct err *e) MUST_CHECK;
/*
 * The answer to a question; SEEN may come before it.  What is wrong with it ends
 * the connection, so that it is one of the net; a REFUSED is what it says.
 */
int  signer_conn_wait(struct signer_link *k, uint32_t id, uint16_t type,
    int timeout_ms, struct frame *f, struct err *e) MUST_CHECK;
/* Both, for an answer of the type `want`. */
int  signer_conn_ask(struct signer_link *k, uint16_t type, const struct buf *b,
    uint16_t want, struct frame *f, struct err *e) MUST_CHECK;

#endif
