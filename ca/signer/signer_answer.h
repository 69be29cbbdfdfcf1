/* SPDX-License-Identifier: ISC */
/*
 * Is what a signer has answered what it was asked for?  A signer that somebody
 * else has taken over can sign with its keys whatever it likes; what it cannot
 * do is have a keeper hand that out, log it or publish it.  Pure.
 */
#ifndef CA_SIGNER_SIGNER_ANSWER_H
#define CA_SIGNER_SIGNER_ANSWER_H

#include "ca/signer/signer.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

/*
 * note is b's head, signed by the log's Ed25519 key pk, and each of n jobs has a
 * cert: the bytes of its leaf, signed by the CA that they name.  On all cores,
 * one verification a certificate.  ERR_PARSE: another head, another certificate;
 * ERR_BADSIG; ERR_NOMEM, ERR_CRYPTO.
 */
int signer_answer_check(const struct checkpoint *head, struct slice note,
    const uint8_t pk[32], const struct signer_job *jobs, size_t n,
    struct err *e) MUST_CHECK;

/* block is one signature of a krl statement's message by pk.  ERR_PARSE,
 * ERR_BADSIG, ERR_NOMEM, ERR_CRYPTO. */
int signer_answer_check_krl(struct slice message, struct slice block,
    const uint8_t pk[32], struct err *e) MUST_CHECK;

#endif
