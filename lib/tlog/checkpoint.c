/* SPDX-License-Identifier: ISC */
#include "lib/tlog/checkpoint.h"

#include <stdio.h>
#include <string.h>

#include "lib/tlog/note.h"

#define LOG_NAME_MAX 100

int
log_origin(const struct hash *realm, const char *name, char out[ORIGIN_MAX])
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._@-";
	size_t n = strlen(name);
	char hex[HASH_HEX];

	if (n == 0 || strspn(name, allowed) != n)
		return ERR_PARSE;
	if (n > LOG_NAME_MAX)
		return ERR_LIMIT;
	hash_hex(realm, hex);
	(void)snprintf(out, ORIGIN_MAX, "writ.invalid/%.16s/%s", hex, name);
	return 0;
}

int
checkpoint_encode(const struct checkpoint *c, struct str *out)
{
	if (!note_name_ok(slice_str(c->origin)))
		return ERR_PARSE;
	str_addf(out, "%s\n%llu\n", c->origin, (unsigned long long)c->size);
	str_add_base64(out, c->root.b, sizeof(c->root.b));
	str_addc(out, '\n');
	return str_check(out);
}

int
checkpoint_note(const struct checkpoint *c, const uint8_t pk[32],
    const uint8_t sig[64], struct str *out)
{
	int r = checkpoint_encode(c, out);

	if (r != 0)
		return r;
	str_addc(out, '\n');
	return note_add_signature(c->origin, pk, sig, out);
}

int
checkpoint_open(struct slice note, const char *origin, const uint8_t pk[32],
    struct checkpoint *out, struct err *e)
{
	struct slice text, who, size, root;
	struct checkpoint c;
	struct view v;
	int r;

	if (strlen(origin) >= sizeof(c.origin))
		return err_set(e, ERR_LIMIT, "the origin is too long");
	if ((r = note_open(note, origin, pk, &text, e)) != 0) {
		err_prefix(e, "checkpoint");
		return r;
	}
	v = view_slice(text);
	if (note_line(&v, &who) != 0 || note_line(&v, &size) != 0 ||
	    note_line(&v, &root) != 0 || v.n != 0)
		return err_set(e, ERR_PARSE,
		    "checkpoint: expected three lines, origin, size and root");
	if (!slice_is(who, origin))
		return err_set(e, ERR_BADSIG,
		    "checkpoint: it is of '%.*s', expected '%s'", (int)who.n,
		    (const char *)who.p, origin);
	if (note_number(size, &c.size) != 0)
		return err_set(e, ERR_PARSE,
		    "checkpoint: '%.*s' is not a size, expected digits",
		    (int)size.n, (const char *)size.p);
	if ((r = note_hash(root, &c.root)) != 0)
		return r == ERR_NOMEM ? err_nomem(e)
				      : err_set(e, r,
					    "checkpoint: the root is not the "
					    "base64 of 32 bytes");
	memset(c.origin, 0, sizeof(c.origin));
	memcpy(c.origin, origin, strlen(origin));
	*out = c;
	return 0;
}
