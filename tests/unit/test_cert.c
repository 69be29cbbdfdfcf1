/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/ed25519.h"
#include "lib/ssh/cert.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"
#include "tests/unit/sshdata.h"

#define N_TYPES 5
static const char *const subjects[] = {"ed25519", "ecdsa256", "ecdsa384",
    "ecdsa521", "rsa3072", "sk-ed25519", "sk-ecdsa256"};
#define N_SUBJECTS (sizeof(subjects) / sizeof(*subjects))

/* Every certificate of ssh-keygen's that verifies, by name. */
static void
each_cert(void (*check)(const char *name, struct buf *blob))
{
	static const char *const others[] = {"rsa-sha256", "forever", "before",
	    "after", "bare", "unknown", "verify", "host-ed25519",
	    "host-ecdsa256", "host-ecdsa384", "host-ecdsa521", "host-rsa3072"};
	struct buf *b;
	char name[64];

	for (size_t i = 0; i < N_TYPES * N_SUBJECTS; i++) {
		snprintf(name, sizeof(name), "user-%s-%s",
		    data_types[i / N_SUBJECTS], subjects[i % N_SUBJECTS]);
		b = data_cert(name);
		check(name, b);
		buf_free(b);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		b = data_cert(others[i]);
		check(others[i], b);
		buf_free(b);
	}
}

static void
check_verifies(const char *name, struct buf *blob)
{
	struct err e = {0};
	struct cert c;

	cert_init(&c);
	if (cert_parse(buf_slice(blob), &c, &e) != 0 ||
	    cert_verify(&c, buf_slice(blob), &e) != 0)
		fail_msg("%s: %s", name, e.msg);
	cert_clear(&c);
}

static void
certificates_of_every_subject_and_ca_verify(void **state)
{
	(void)state;
	each_cert(check_verifies);
}

static void
check_encodes_back(const char *name, struct buf *blob)
{
	struct cert c, again;
	struct err e = {0};
	struct buf *b;

	cert_init(&c);
	cert_init(&again);
	assert_int_equal(buf_new(&b, CERT_MAX), 0);
	assert_int_equal(cert_parse(buf_slice(blob), &c, &e), 0);
	assert_int_equal(cert_encode_tbs(&c, b), 0);
	if (!slice_equal(buf_slice(b), slice_of(buf_slice(blob).p, c.tbs_len)))
		fail_msg("%s encodes to other bytes", name);
	/* and those are what cert_parse_tbs() reads, alone */
	assert_int_equal(cert_parse_tbs(buf_slice(b), &again, &e), 0);
	assert_null(again.signature);
	assert_int_equal(again.tbs_len, c.tbs_len);
	assert_int_equal(cert_parse_tbs(buf_slice(blob), &again, &e),
	    ERR_PARSE);
	assert_int_equal(cert_parse(buf_slice(b), &again, &e), ERR_PARSE);
	cert_clear(&c);
	cert_clear(&again);
	buf_free(b);
}

static void
what_was_parsed_encodes_to_the_same_bytes(void **state)
{
	(void)state;
	each_cert(check_encodes_back);
}

static void
check_prints(const char *name, struct buf *blob)
{
	struct str s = STR_INIT;
	struct cert c;
	char file[80], *want;
	size_t n;

	snprintf(file, sizeof(file), "%s.show", name);
	want = data_read(file, &n);
	cert_init(&c);
	assert_int_equal(cert_parse(buf_slice(blob), &c, NULL), 0);
	cert_print(&s, &c);
	assert_string_equal(s.p, want);
	str_clear(&s);
	cert_clear(&c);
	free(want);
}

static void
certificate_prints_as_ssh_keygen_prints_it(void **state)
{
	(void)state;
	each_cert(check_prints);
}

static void
check_line(const char *name, struct buf *blob)
{
	struct str s = STR_INIT;
	char file[80], *want;
	size_t n;

	snprintf(file, sizeof(file), "%s.cert", name);
	want = data_read(file, &n);
	want[n - 1] = '\0'; /* the LF */
	assert_int_equal(cert_add_line(&s, buf_slice(blob),
			     strrchr(want, ' ') + 1),
	    0);
	assert_string_equal(s.p, want);
	str_clear(&s);
	free(want);
}

static void
certificate_line_is_written_as_it_was_read(void **state)
{
	(void)state;
	each_cert(check_line);
}

static void
fields_are_those_ssh_keygen_was_told(void **state)
{
	struct pubkey *ca = data_pubkey("rsa3072"), *key;
	struct buf *b = data_cert("user-rsa3072-sk-ed25519");
	const struct cert_option *o;
	struct cert c;

	(void)state;
	key = data_pubkey("sk-ed25519");
	cert_init(&c);
	assert_int_equal(cert_parse(buf_slice(b), &c, NULL), 0);
	assert_true(pubkey_equal(c.ca, ca));
	assert_true(pubkey_equal(c.key, key));
	assert_int_equal(c.nonce_len, CERT_NONCE_LEN);
	assert_int_equal(c.serial, 1000 + 4 * 8 + 6);
	assert_int_equal(c.kind, CERT_USER);
	assert_string_equal(c.key_id, "alice/sk-ed25519");
	assert_int_equal(c.principals.n, 2);
	assert_string_equal(c.principals.v[0], "alice");
	assert_string_equal(c.principals.v[1], "deploy");
	assert_int_equal(c.valid_after, 1767225600);
	assert_int_equal(c.valid_before, 1767225600 + 8 * 3600);
	assert_int_equal(c.critical.n, 2);
	assert_non_null(o = cert_option_find(&c.critical, "source-address"));
	assert_string_equal(o->value, "10.0.0.0/8,192.0.2.1/32");
	assert_non_null(o = cert_option_find(&c.critical, "force-command"));
	assert_string_equal(o->value, "echo \"hello, world\"");
	assert_int_equal(c.extensions.n, 5);
	assert_non_null(o = cert_option_find(&c.extensions, "permit-pty"));
	assert_null(o->value);
	assert_null(cert_option_find(&c.extensions, "permit-nothing"));
	cert_clear(&c);
	pubkey_free(ca);
	pubkey_free(key);
	buf_free(b);
}

/* --- a certificate of our own ---------------------------------------------*/

static const uint8_t seed[ED25519_SEED_LEN] = {3};

static void
make_cert(struct cert *c)
{
	const struct {
		const char *name, *value;
	} critical[] = {
	    {"source-address", "10.0.0.0/8"}, {"force-command", "id"}};

	cert_init(c);
	c->key = data_pubkey("ecdsa256");
	c->ca = data_pubkey("ed25519");
	c->nonce = (uint8_t *)str_dupn("0123456789abcdef0123456789abcdef", 32);
	c->nonce_len = 32;
	c->serial = 42;
	c->kind = CERT_USER;
	c->key_id = str_dup("alice/1");
	assert_int_equal(strs_add(&c->principals, "alice"), 0);
	assert_int_equal(strs_add(&c->principals, "bob"), 0);
	c->valid_after = 1000;
	c->valid_before = 2000;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(cert_option_add(&c->critical, critical[i].name,
				     critical[i].value),
		    0);
	assert_int_equal(cert_option_add(&c->extensions, "permit-pty", NULL),
	    0);
}

/* Signed by a CA whose key is at hand. */
static void
sign_cert(struct cert *c, struct buf *out)
{
	uint8_t sk[ED25519_SK_LEN], sig[ED25519_SIG_LEN];
	struct buf *b;

	ed25519_from_seed(seed, sk);
	assert_int_equal(buf_new(&b, 1024), 0);
	assert_int_equal(buf_put_cstring(b, "ssh-ed25519"), 0);
	assert_int_equal(buf_put_string(b, sk + 32, 32), 0);
	pubkey_free(c->ca);
	assert_int_equal(pubkey_parse(buf_slice(b), &c->ca, NULL), 0);
	assert_int_equal(cert_encode_tbs(c, out), 0);
	ed25519_sign(sk, buf_slice(out).p, buf_len(out), sig);
	buf_reset(b);
	assert_int_equal(buf_put_cstring(b, "ssh-ed25519"), 0);
	assert_int_equal(buf_put_string(b, sig, sizeof(sig)), 0);
	assert_int_equal(buf_put_buf(out, b), 0);
	buf_free(b);
}

static void
mutant_never_verifies(const uint8_t *p, size_t n, void *arg)
{
	struct cert c;

	(void)arg;
	cert_init(&c);
	if (cert_parse(slice_of(p, n), &c, NULL) == 0 &&
	    cert_verify(&c, slice_of(p, n), NULL) == 0)
		fail_msg("verifies with %s", mutate_what());
	cert_clear(&c);
}

static void
every_flip_and_cut_of_a_certificate_is_refused(void **state)
{
	static const char *const names[] = {"user-ed25519-sk-ecdsa256",
	    "user-ecdsa256-ed25519", "user-rsa3072-ed25519", "host-ecdsa521",
	    "unknown", "bare"};
	struct buf *b;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		b = data_cert(names[i]);
		mutate_each(buf_slice(b).p, buf_len(b), mutant_never_verifies,
		    NULL);
		buf_free(b);
	}
}

static void
own_certificate_verifies_and_is_read_back(void **state)
{
	struct cert c, back;
	struct buf *b;

	(void)state;
	assert_int_equal(buf_new(&b, CERT_MAX), 0);
	make_cert(&c);
	sign_cert(&c, b);
	cert_init(&back);
	assert_int_equal(cert_parse(buf_slice(b), &back, NULL), 0);
	assert_int_equal(cert_verify(&back, buf_slice(b), NULL), 0);
	assert_true(strs_equal(&c.principals, &back.principals));
	assert_true(cert_options_equal(&c.critical, &back.critical));
	assert_true(cert_options_equal(&c.extensions, &back.extensions));
	assert_false(cert_options_equal(&c.critical, &back.extensions));
	assert_string_equal(back.critical.v[0].name, "force-command");
	mutate_each(buf_slice(b).p, buf_len(b), mutant_never_verifies, NULL);
	cert_clear(&c);
	cert_clear(&back);
	buf_free(b);
}

static void
certificate_of_another_ca_is_refused(void **state)
{
	struct pubkey *right = data_pubkey("ed25519");
	struct pubkey *wrong = data_pubkey("ed25519-2");
	struct buf *b = data_cert("user-ed25519-ecdsa256");
	struct err e = {0};
	struct cert c;

	(void)state;
	cert_init(&c);
	assert_int_equal(cert_parse(buf_slice(b), &c, NULL), 0);
	assert_int_equal(cert_verify_by(&c, right, buf_slice(b), &e), 0);
	assert_int_equal(cert_verify_by(&c, wrong, buf_slice(b), &e),
	    ERR_BADSIG);
	cert_clear(&c);
	buf_free(b);
	pubkey_free(right);
	pubkey_free(wrong);
}

static void
blob_of_another_certificate_is_refused(void **state)
{
	struct buf *a = data_cert("user-ed25519-ecdsa256");
	struct buf *b = data_cert("forever");
	struct cert c;

	(void)state;
	cert_init(&c);
	assert_int_equal(cert_parse(buf_slice(a), &c, NULL), 0);
	assert_int_equal(cert_verify(&c, buf_slice(b), NULL), ERR_BADSIG);
	assert_int_equal(cert_verify(&c, slice_of(NULL, 0), NULL), ERR_BADSIG);
	cert_clear(&c);
	buf_free(a);
	buf_free(b);
}

static void
certificate_longer_than_the_limit_is_refused(void **state)
{
	static uint8_t big[CERT_MAX + 1];
	struct err e = {0};
	struct cert c;
	struct buf *b;
	char text[CERT_OPTION_MAX + 1];

	(void)state;
	cert_init(&c);
	assert_int_equal(cert_parse(slice_of(big, sizeof(big)), &c, &e),
	    ERR_LIMIT);

	/* five long values are too many, in a buffer that has room for them */
	memset(text, 'v', CERT_OPTION_MAX);
	text[CERT_OPTION_MAX] = '\0';
	make_cert(&c);
	for (int i = 0; i < 4; i++)
		assert_int_equal(cert_option_add(&c.extensions,
				     (const char[]){(char)('a' + i), '\0'},
				     text),
		    0);
	assert_int_equal(buf_new(&b, 1 << 20), 0);
	assert_int_equal(buf_put_u8(b, 1), 0);
	assert_int_equal(cert_encode_tbs(&c, b), ERR_LIMIT);
	assert_int_equal(buf_len(b), 1);
	cert_clear(&c);
	buf_free(b);
}

static void
failed_parse_leaves_the_certificate_as_it_was(void **state)
{
	struct buf *b = data_cert("forever");
	struct cert c;

	(void)state;
	cert_init(&c);
	assert_int_equal(cert_parse(buf_slice(b), &c, NULL), 0);
	assert_int_equal(cert_parse(slice_of(buf_slice(b).p, buf_len(b) - 1),
			     &c, NULL),
	    ERR_PARSE);
	assert_string_equal(c.key_id, "forever");
	assert_int_equal(cert_verify(&c, buf_slice(b), NULL), 0);
	cert_clear(&c);
	buf_free(b);
}

static void
print_escapes_what_a_terminal_would_obey(void **state)
{
	struct str s = STR_INIT;
	struct cert c;

	(void)state;
	make_cert(&c);
	free(c.key_id);
	c.key_id = str_dup("a\x1b[1m\nb");
	assert_int_equal(cert_option_add(&c.extensions, "x\r", "y"), 0);
	c.valid_before = UINT64_MAX - 1;
	cert_print(&s, &c);
	assert_int_equal(str_check(&s), 0);
	assert_non_null(strstr(s.p, "Key ID: \"a\\x1b[1m\\x0ab\"\n"));
	assert_non_null(strstr(s.p, " x\\x0d UNKNOWN OPTION: 0000000179"));
	assert_non_null(strstr(s.p, " to @18446744073709551614\n"));
	assert_null(strstr(s.p, "(using"));
	str_clear(&s);
	cert_clear(&c);
}

static void
lines_that_are_no_certificate_are_refused(void **state)
{
	static const struct {
		const char *line;
		int want;
	} cases[] = {
	    {"", ERR_PARSE},
	    {"ssh-ed25519-cert-v01@openssh.com", ERR_PARSE},
	    {"ssh-ed25519-cert-v01@openssh.com ", ERR_PARSE},
	    {"ssh-ed25519-cert-v01@openssh.com AAAA=", ERR_PARSE},
	    {"ssh-ed25519-cert-v01@openssh.com AAAA", ERR_PARSE},
	    {"ssh-x AAAABXNzaC15", ERR_PARSE}, /* says ssh-y */
	    {"ssh-y AAAABXNzaC15", 0},
	    {"ssh-y\tAAAABXNzaC15 a b c\r\n", 0},
	    {"ssh-y AAAABXNzaC15 a\nssh-y AAAABXNzaC15 a", ERR_PARSE},
	};
	struct str s = STR_INIT;
	struct buf *b;

	(void)state;
	assert_int_equal(buf_new(&b, CERT_MAX), 0);
	assert_int_equal(buf_put_u8(b, 9), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int r = cert_parse_line(cases[i].line, strlen(cases[i].line), b,
		    NULL);

		if (r != cases[i].want)
			fail_msg("%s: %d", cases[i].line, r);
		assert_int_equal(buf_len(b), r == 0 ? 10 : 1);
		buf_truncate(b, 1);
	}
	str_add(&s, "ssh-y AAAABXNzaC15 ");
	while (s.n <= CERT_LINE_MAX)
		str_addc(&s, 'x');
	assert_int_equal(cert_parse_line(s.p, s.n, b, NULL), ERR_LIMIT);
	assert_int_equal(cert_parse_line(s.p, s.n - 1, b, NULL), 0);
	str_clear(&s);
	buf_free(b);
}

/* --- memory ---------------------------------------------------------------*/

static int
all_that_allocates(void *arg)
{
	const struct slice *blob = arg;
	struct str s = STR_INIT;
	struct buf *b = NULL;
	struct cert c;
	int r;

	cert_init(&c);
	if ((r = cert_parse(*blob, &c, NULL)) != 0 ||
	    (r = buf_new(&b, CERT_MAX)) != 0 ||
	    (r = cert_encode_tbs(&c, b)) != 0 ||
	    (r = cert_verify(&c, *blob, NULL)) != 0 ||
	    (r = cert_option_add(&c.extensions, "zzz", "value")) != 0 ||
	    (r = cert_add_line(&s, *blob, "comment")) != 0)
		goto out;
	cert_print(&s, &c);
	r = str_check(&s);
out:
	cert_clear(&c);
	str_clear(&s);
	buf_free(b);
	return r;
}

static void
every_failing_allocation_is_reported(void **state)
{
	struct buf *b = data_cert("user-ed25519-ecdsa256");
	struct slice blob = buf_slice(b);

	(void)state;
	assert_true(alloc_each(all_that_allocates, &blob) > 20);
	buf_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(certificates_of_every_subject_and_ca_verify),
	    cmocka_unit_test(what_was_parsed_encodes_to_the_same_bytes),
	    cmocka_unit_test(certificate_prints_as_ssh_keygen_prints_it),
	    cmocka_unit_test(certificate_line_is_written_as_it_was_read),
	    cmocka_unit_test(fields_are_those_ssh_keygen_was_told),
	    cmocka_unit_test(every_flip_and_cut_of_a_certificate_is_refused),
	    cmocka_unit_test(own_certificate_verifies_and_is_read_back),
	    cmocka_unit_test(certificate_of_another_ca_is_refused),
	    cmocka_unit_test(blob_of_another_certificate_is_refused),
	    cmocka_unit_test(certificate_longer_than_the_limit_is_refused),
	    cmocka_unit_test(failed_parse_leaves_the_certificate_as_it_was),
	    cmocka_unit_test(print_escapes_what_a_terminal_would_obey),
	    cmocka_unit_test(lines_that_are_no_certificate_are_refused),
	    cmocka_unit_test(every_failing_allocation_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
