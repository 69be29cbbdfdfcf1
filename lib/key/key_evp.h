/* SPDX-License-Identifier: ISC */
/* Inside lib/key: what key_evp.c and key_evp_read.c share about OpenSSL. */
#ifndef LIB_KEY_KEY_EVP_H
#define LIB_KEY_KEY_EVP_H

#include <openssl/evp.h>

#include "lib/key/key_impl.h"

struct curve {
	enum pubkey_type type;
	const char	*ssh_type;
	const char	*ssh_name;
	const char	*group; /* OpenSSL's name */
	size_t		 field; /* bytes of a coordinate */
	const EVP_MD *(*md)(void);
};

const struct curve *curve_by_type(enum pubkey_type t);
const struct curve *curve_by_ssh_name(struct slice name);
const struct curve *curve_by_group(const char *group);

/* ERR_CRYPTO with OpenSSL's reason; its queue is empty afterwards. */
int openssl_err(struct err *e, const char *what);

#endif
