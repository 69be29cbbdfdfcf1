/* SPDX-License-Identifier: ISC */
/* Certificates built by hand, wrong by one thing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ssh/cert.h"
#include "tests/unit/sshdata.h"

/* --- blobs built by hand, wrong by one thing ------------------------------*/

struct parts {
	const char *type;
	uint32_t kind;
	const char *key_id;
	size_t key_id_len;
	const char *principals, *critical, *extensions;
	size_t principals_len, critical_len, extensions_len;
	const char *reserved;
	const char *ca;
};

static const struct parts plain = {
    .type = "ssh-ed25519-cert-v01@openssh.com",
    .kind = 1,
    .key_id = "id",
    .key_id_len = 2,
    .reserved = "",
    .ca = "ed25519",
};

static int
parse_parts(const struct parts *p, struct cert *c, struct err *e)
{
	struct pubkey *key = data_pubkey("ed25519-2"), *ca = data_pubkey(p->ca);
	struct slice part = pubkey_public_part(key), blob = pubkey_blob(ca);
	struct buf *b;
	int r = 0;

	assert_int_equal(buf_new(&b, 1 << 20), 0);
	r |= buf_put_cstring(b, p->type);
	r |= buf_put_string(b, "nonce", 5);
	r |= buf_put_slice(b, part);
	r |= buf_put_u64(b, 7);
	r |= buf_put_u32(b, p->kind);
	r |= buf_put_string(b, p->key_id, p->key_id_len);
	r |= buf_put_string(b, p->principals, p->principals_len);
	r |= buf_put_u64(b, 1);
	r |= buf_put_u64(b, 2);
	r |= buf_put_string(b, p->critical, p->critical_len);
	r |= buf_put_string(b, p->extensions, p->extensions_len);
	r |= buf_put_cstring(b, p->reserved);
	r |= buf_put_string(b, blob.p, blob.n);
	assert_int_equal(r, 0);
	*e = (struct err){0};
	r = cert_parse_tbs(buf_slice(b), c, e);
	buf_free(b);
	pubkey_free(key);
	pubkey_free(ca);
	return r;
}

#define BYTES(s) s, sizeof(s) - 1
#define S1(c)    "\0\0\0\1" c
#define FLAG(c)  S1(c) "\0\0\0\0"
#define ONE(c)   S1(c) "\0\0\0\5\0\0\0\1v"

static const struct {
	const char *name;
	const char *bytes;
	size_t n;
	int want;
} option_cases[] = {
    {"none", BYTES(""), 0},
    {"two flags", BYTES(FLAG("a") FLAG("b")), 0},
    {"flag and value", BYTES(FLAG("a") ONE("b")), 0},
    {"empty value", BYTES(S1("a") "\0\0\0\4\0\0\0\0"), 0},
    {"twice", BYTES(FLAG("a") FLAG("a")), ERR_PARSE},
    {"out of order", BYTES(FLAG("b") FLAG("a")), ERR_PARSE},
    {"no data", BYTES(S1("a")), ERR_PARSE},
    {"cut name", BYTES("\0\0\0\2a"), ERR_PARSE},
    {"cut data", BYTES(S1("a") "\0\0\0\1"), ERR_PARSE},
    {"data is no string", BYTES(S1("a") "\0\0\0\1x"), ERR_PARSE},
    {"more behind the value", BYTES(S1("a") "\0\0\0\6\0\0\0\1vx"), ERR_PARSE},
    {"NUL in a name", BYTES(FLAG("\0")), ERR_PARSE},
    {"NUL in a value", BYTES(S1("a") "\0\0\0\5\0\0\0\1\0"), ERR_PARSE},
};

static void
options_are_read_strictly(void **state)
{
	struct parts p;
	struct cert c;
	struct err e;
	int r;

	(void)state;
	for (size_t i = 0; i < sizeof(option_cases) / sizeof(*option_cases);
	     i++) {
		for (int critical = 0; critical < 2; critical++) {
			p = plain;
			if (critical) {
				p.critical = option_cases[i].bytes;
				p.critical_len = option_cases[i].n;
			} else {
				p.extensions = option_cases[i].bytes;
				p.extensions_len = option_cases[i].n;
			}
			cert_init(&c);
			if ((r = parse_parts(&p, &c, &e)) !=
			    option_cases[i].want)
				fail_msg("%s: %d %s", option_cases[i].name, r,
				    e.msg);
			if (r != 0)
				assert_non_null(strstr(e.msg,
				    critical ? "critical" : "extensions"));
			cert_clear(&c);
		}
	}
}

static void
empty_value_is_no_flag(void **state)
{
	struct parts p = plain;
	struct cert c;
	struct err e;

	(void)state;
	p.critical = S1("a") "\0\0\0\4\0\0\0\0";
	p.critical_len = 13;
	cert_init(&c);
	assert_int_equal(parse_parts(&p, &c, &e), 0);
	assert_string_equal(c.critical.v[0].value, "");
	cert_clear(&c);
}

static void
other_fields_are_read_strictly(void **state)
{
	static const struct {
		const char *name, *type; /* NULL: as it should be */
		uint32_t kind;
		const char *key_id;
		size_t key_id_len;
		const char *principals;
		size_t principals_len;
		const char *reserved;
		int want;
	} cases[] = {
	    {"as it should be", NULL, 2, BYTES("i"), BYTES("\0\0\0\1a"), "", 0},
	    {"kind 0", NULL, 0, BYTES("i"), BYTES(""), "", ERR_PARSE},
	    {"kind 3", NULL, 3, BYTES("i"), BYTES(""), "", ERR_PARSE},
	    {"plain type", "ssh-ed25519", 1, BYTES("i"), BYTES(""), "",
		ERR_PARSE},
	    {"name of an algorithm", "rsa-sha2-512-cert-v01@openssh.com", 1,
		BYTES("i"), BYTES(""), "", ERR_PARSE},
	    {"DSA", "ssh-dss-cert-v01@openssh.com", 1, BYTES("i"), BYTES(""),
		"", ERR_PARSE},
	    {"NUL in the key id", NULL, 1, BYTES("i\0"), BYTES(""), "",
		ERR_PARSE},
	    {"empty key id", NULL, 1, BYTES(""), BYTES(""), "", 0},
	    {"reserved", NULL, 1, BYTES("i"), BYTES(""), "x", ERR_PARSE},
	    {"NUL in a principal", NULL, 1, BYTES("i"), BYTES("\0\0\0\2a\0"),
		"", ERR_PARSE},
	    {"cut principal", NULL, 1, BYTES("i"), BYTES("\0\0\0\2a"), "",
		ERR_PARSE},
	    {"empty principal", NULL, 1, BYTES("i"), BYTES("\0\0\0\0"), "", 0},
	};
	struct parts p;
	struct cert c;
	struct err e;
	int r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		p = plain;
		if (cases[i].type != NULL)
			p.type = cases[i].type;
		p.kind = cases[i].kind;
		p.key_id = cases[i].key_id;
		p.key_id_len = cases[i].key_id_len;
		p.principals = cases[i].principals;
		p.principals_len = cases[i].principals_len;
		p.reserved = cases[i].reserved;
		cert_init(&c);
		if ((r = parse_parts(&p, &c, &e)) != cases[i].want)
			fail_msg("%s: %d %s", cases[i].name, r, e.msg);
		cert_clear(&c);
	}
}

static void
chained_certificate_is_refused(void **state)
{
	struct buf *b = data_cert("forever"), *chained;
	const struct slice whole = buf_slice(b);
	struct err e = {0};
	struct cert c;
	size_t head;

	(void)state;
	cert_init(&c);
	assert_int_equal(cert_parse(whole, &c, NULL), 0);
	/* in place of the CA key, the last of the signed bytes: a certificate
	 */
	head = c.tbs_len - 4 - pubkey_blob(c.ca).n;
	assert_int_equal(buf_new(&chained, CERT_MAX), 0);
	assert_int_equal(buf_put(chained, whole.p, head), 0);
	assert_int_equal(buf_put_string(chained, whole.p, whole.n), 0);
	assert_int_equal(cert_parse_tbs(buf_slice(chained), &c, &e), ERR_PARSE);
	assert_non_null(strstr(e.msg, "plain public key"));
	cert_clear(&c);
	buf_free(b);
	buf_free(chained);
}

static void
principals_end_at_256(void **state)
{
	struct parts p = plain;
	struct cert c;
	struct buf *b;
	struct err e;

	(void)state;
	assert_int_equal(buf_new(&b, 4096), 0);
	for (int i = 0; i < CERT_PRINCIPALS_MAX; i++)
		assert_int_equal(buf_put_cstring(b, "p"), 0);
	p.principals = (const char *)buf_slice(b).p;
	p.principals_len = buf_len(b);
	cert_init(&c);
	assert_int_equal(parse_parts(&p, &c, &e), 0);
	assert_int_equal(c.principals.n, CERT_PRINCIPALS_MAX);
	/* one more can neither be read nor written */
	assert_int_equal(strs_add(&c.principals, "p"), 0);
	buf_reset(b);
	assert_int_equal(cert_encode_tbs(&c, b), ERR_LIMIT);
	assert_int_equal(buf_len(b), 0);
	for (int i = 0; i <= CERT_PRINCIPALS_MAX; i++)
		assert_int_equal(buf_put_cstring(b, "p"), 0);
	p.principals = (const char *)buf_slice(b).p;
	p.principals_len = buf_len(b);
	assert_int_equal(parse_parts(&p, &c, &e), ERR_LIMIT);
	cert_clear(&c);
	buf_free(b);
}

static void
options_end_at_their_limits(void **state)
{
	struct cert_options o = {0};
	struct str s = STR_INIT;
	struct parts p = plain;
	struct cert c;
	struct buf *b;
	struct err e;
	char name[16];

	(void)state;
	for (int i = 0; i < CERT_OPTIONS_MAX; i++) {
		snprintf(name, sizeof(name), "%02d", CERT_OPTIONS_MAX - i);
		assert_int_equal(cert_option_add(&o, name, NULL), 0);
	}
	for (size_t i = 1; i < o.n; i++)
		assert_true(strcmp(o.v[i - 1].name, o.v[i].name) < 0);
	assert_int_equal(cert_option_add(&o, "x", NULL), ERR_LIMIT);
	cert_options_clear(&o);

	while (s.n < CERT_OPTION_MAX)
		str_addc(&s, 'v');
	assert_int_equal(cert_option_add(&o, "a", s.p), 0);
	str_addc(&s, 'v');
	assert_int_equal(cert_option_add(&o, "b", s.p), ERR_LIMIT);
	assert_int_equal(o.n, 1);
	cert_options_clear(&o);

	/* and so when they are read */
	assert_int_equal(buf_new(&b, 20000), 0);
	assert_int_equal(buf_put_cstring(b, "a"), 0);
	assert_int_equal(buf_put_u32(b, (uint32_t)s.n + 4), 0);
	assert_int_equal(buf_put_cstring(b, s.p), 0);
	p.critical = (const char *)buf_slice(b).p;
	p.critical_len = buf_len(b);
	cert_init(&c);
	assert_int_equal(parse_parts(&p, &c, &e), ERR_LIMIT);
	buf_reset(b);
	for (int i = 0; i <= CERT_OPTIONS_MAX; i++) {
		snprintf(name, sizeof(name), "%02d", i);
		assert_int_equal(buf_put_cstring(b, name), 0);
		assert_int_equal(buf_put_u32(b, 0), 0);
	}
	p.critical = (const char *)buf_slice(b).p;
	p.critical_len = buf_len(b);
	assert_int_equal(parse_parts(&p, &c, &e), ERR_LIMIT);
	buf_free(b);
	str_clear(&s);
}

static void
option_twice_is_refused_and_changes_nothing(void **state)
{
	struct cert_options o = {0};

	(void)state;
	assert_int_equal(cert_option_add(&o, "a", "1"), 0);
	assert_int_equal(cert_option_add(&o, "a", "2"), ERR_EXISTS);
	assert_int_equal(cert_option_add(&o, "a", NULL), ERR_EXISTS);
	assert_int_equal(o.n, 1);
	assert_string_equal(o.v[0].value, "1");
	cert_options_clear(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_are_read_strictly),
	    cmocka_unit_test(empty_value_is_no_flag),
	    cmocka_unit_test(other_fields_are_read_strictly),
	    cmocka_unit_test(chained_certificate_is_refused),
	    cmocka_unit_test(principals_end_at_256),
	    cmocka_unit_test(options_end_at_their_limits),
	    cmocka_unit_test(option_twice_is_refused_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
