/* SPDX-License-Identifier: ISC */
/*
 * An sshd for fake hosts, and the accounts it asks about: `sshd -T -C` by the
 * rules of sshd_config(5), made anew for these tests so that the code under
 * test does not answer for itself; `ssh -Q`, getent and id beside it.  How near
 * it is to the real one is what tests/system shows.
 *
 * Accounts: root, nobody, alice (groups alice, ops), sam (sam, sftponly).
 */
#ifndef TESTS_UNIT_FAKESSHD_H
#define TESTS_UNIT_FAKESSHD_H

#include "tests/unit/fakehost.h"

/* Debian's main file, and all programs.  systemd runs ssh.service. */
void fakesshd_install(struct fakehost *f);
extern const char fakesshd_main[];

#endif
