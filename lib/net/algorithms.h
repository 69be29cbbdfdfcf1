/* SPDX-License-Identifier: ISC */
/*
 * What is spoken by both ends of ours, as libssh spells lists.
 *
 * No Diffie-Hellman groups: the largest costs a server 250 times as much, at the
 * wish of whoever knocks, and group exchange reads a file.
 */
#ifndef LIB_NET_ALGORITHMS_H
#define LIB_NET_ALGORITHMS_H

#define NET_KEX \
	"curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256"
#define NET_CIPHERS "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com"
#define NET_MACS                                                       \
	"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com," \
	"hmac-sha2-256"

#endif
