/* SPDX-License-Identifier: ISC */
/*
 * DIR/signer/trust: the realm and the root that the signer last began with.
 *
 * The keeper writes DIR/bundle, and a bundle is judged from its own root 1 on: one
 * of another realm, made for the purpose, is good in itself.  So what the signer
 * has once begun with it begins with again, or with what follows it.  JSON; who
 * may write it is who may write the signer's journal.
 */
#ifndef CA_DAEMON_PIN_H
#define CA_DAEMON_PIN_H

#include "lib/bundle/bundles.h"

/*
 * c is the chain that t came from, whole.  At the first start t is written down.
 * ERR_DENIED: another realm; ERR_ROLLBACK: an older root, or not a line of roots
 * that has the one written down; ERR_CORRUPT, ERR_SYS, ERR_NOMEM.
 */
int pin_check(const char *signer_dir, const struct bundle_chain *c,
    const struct trust *t, struct err *e) MUST_CHECK;

#endif
