/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/ssh/lint.h"
#include "tests/unit/sshdata.h"

/* n times c; one at a time. */
static const char *
repeat(char c, size_t n)
{
	static char text[8192];

	memset(text, c, n);
	text[n] = '\0';
	return text;
}

/* Rows of text and whether a rule lets it pass. */
struct row {
	const char *text;
	bool ok;
};

static void
check_rows(const struct row *rows, size_t n,
    int (*rule)(const char *s, struct err *e))
{
	struct err e;
	int r;

	for (size_t i = 0; i < n; i++) {
		e = (struct err){0};
		r = rule(rows[i].text, &e);
		if ((r == 0) != rows[i].ok)
			fail_msg("'%s': %d %s", rows[i].text, r, e.msg);
		if (r == 0)
			continue;
		assert_int_equal(r, ERR_DENIED);
		assert_int_not_equal(e.msg[0], '\0');
		assert_null(strchr(e.msg, '\n'));
	}
}
#define ROWS(rows, rule) check_rows(rows, sizeof(rows) / sizeof(*rows), rule)

static void
key_id_keeps_out_what_spoils_a_log(void **state)
{
	static const struct row rows[] = {
	    {"alice/0123456789abcdef0123456789abcdef", true},
	    {"A-z.0_9@b:+=,/", true},
	    {"a", true},
	    {"", false},
	    {"a b", false},
	    {"bob (serial 1) CA ED25519 SHA256:fake", false},
	    {"a\nb", false},
	    {"a\"", false},
	    {"a#", false},
	    {"Z\xc3\xbcrich", false},
	};

	(void)state;
	ROWS(rows, lint_key_id);
	assert_int_equal(lint_key_id(repeat('a', LINT_KEY_ID_MAX), NULL), 0);
	assert_int_equal(lint_key_id(repeat('a', LINT_KEY_ID_MAX + 1), NULL),
	    ERR_DENIED);
}

static int
user_principal(const char *p, struct err *e)
{
	return lint_principal(CERT_USER, p, e);
}

static int
host_principal(const char *p, struct err *e)
{
	return lint_principal(CERT_HOST, p, e);
}

static void
user_principal_is_one_plain_name(void **state)
{
	static const struct row rows[] = {
	    {"deploy", true},
	    {"deploy@web1.example.com", true},
	    {"~$%&'()+-./:;<=>@[]^_`{|}\"\\", true},
	    {"", false},
	    {"a,b", false},
	    {"a b", false},
	    {"a\tb", false},
	    {"a#b", false},
	    {"*", false},
	    {"web?", false},
	    {"!root", false},
	    {"a\x7f", false},
	    {"a\x1b", false},
	    {"Z\xc3\xbcrich", false},
	};

	(void)state;
	ROWS(rows, user_principal);
	assert_int_equal(user_principal(repeat('a', LINT_PRINCIPAL_MAX), NULL),
	    0);
	assert_int_equal(user_principal(repeat('a', LINT_PRINCIPAL_MAX + 1),
			     NULL),
	    ERR_DENIED);
}

static void
host_principal_is_a_name_or_an_address(void **state)
{
	static const struct row rows[] = {
	    {"web1", true},
	    {"web1.example.com", true},
	    {"db_1.example.com", true},
	    {"192.0.2.1", true},
	    {"2001:db8::1", true},
	    {"", false},
	    {"Web1", false},
	    {"2001:DB8::1", false},
	    {"*.example.com", false},
	    {"web?", false},
	    {"web1.example.com.", false},
	    {".example.com", false},
	    {"web1..com", false},
	    {"-web1", false},
	    {"web1-", false},
	    {"web1-.example.com", false},
	    {"192.0.2.0/24", false},
	    {"[web1]:2222", false},
	    {"web1,web2", false},
	    {"web 1", false},
	};

	(void)state;
	ROWS(rows, host_principal);
	assert_int_equal(host_principal(repeat('a', 63), NULL), 0);
	assert_int_equal(host_principal(repeat('a', 64), NULL), ERR_DENIED);
}

static void
source_is_what_sshd_accepts(void **state)
{
	static const struct row rows[] = {
	    {"10.0.0.0/8", true},
	    {"192.0.2.1", true},
	    {"192.0.2.1/32", true},
	    {"2001:db8::/32", true},
	    {"0.0.0.0/0", true},
	    {"127.0.0.1/8", false},
	    {"2001:db8::1/64", false},
	    {"10.0.0.0/8,10.0.0.0/8", false},
	    {"10.0.0.0/8 ", false},
	    {"!10.0.0.0/8", false},
	    {"::ffff:10.0.0.1", false},
	    {"", false},
	    {"host.example.com", false},
	};

	(void)state;
	ROWS(rows, lint_source);
}

static void
force_command_is_one_line_of_clean_text(void **state)
{
	static const struct row rows[] = {
	    {"/usr/bin/rsync --server \"$SSH_ORIGINAL_COMMAND\"", true},
	    {"echo Z\xc3\xbcrich", true},
	    {"", false},
	    {"a\nb", false},
	    {"a\tb", false},
	    {"a\x1b", false},
	    {"a\xe2\x80\xae", false},
	    {"a\xff", false},
	};

	(void)state;
	ROWS(rows, lint_force_command);
	assert_int_equal(lint_force_command(repeat('a', 4096), NULL), 0);
	assert_int_equal(lint_force_command(repeat('a', 4097), NULL),
	    ERR_DENIED);
}

static void
extensions_are_the_known_ones(void **state)
{
	static const struct row rows[] = {
	    {"permit-pty", true},
	    {"permit-user-rc", true},
	    {"permit-agent-forwarding", true},
	    {"permit-port-forwarding", true},
	    {"permit-X11-forwarding", true},
	    {"no-touch-required", true},
	    {"permit-x11-forwarding", false},
	    {"reason@example.com", false},
	    {"verify-required", false},
	    {"", false},
	};

	(void)state;
	ROWS(rows, lint_extension);
}

static void
keys_are_long_enough_and_a_ca_is_no_token(void **state)
{
	static const struct {
		const char *file;
		bool subject, ca;
	} rows[] = {
	    {"ed25519", true, true},
	    {"ecdsa256", true, true},
	    {"ecdsa384", true, true},
	    {"ecdsa521", true, true},
	    {"rsa3072", true, true},
	    {"rsa2048", false, false},
	    {"sk-ed25519", true, false},
	    {"sk-ecdsa256", true, false},
	};
	struct pubkey *k;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		k = data_pubkey(rows[i].file);
		assert_int_equal(lint_subject(k, NULL),
		    rows[i].subject ? 0 : ERR_DENIED);
		assert_int_equal(lint_ca(k, NULL), rows[i].ca ? 0 : ERR_DENIED);
		pubkey_free(k);
	}
}

/* --- whole certificates ---------------------------------------------------*/

static void
make(struct cert *c, enum cert_kind kind, const char *subject)
{
	cert_init(c);
	c->key = data_pubkey(subject);
	c->ca = data_pubkey("ed25519");
	c->nonce = (uint8_t *)str_dup("0123456789abcdef0123456789abcdef");
	c->nonce_len = 32;
	c->serial = 1;
	c->kind = kind;
	c->key_id = str_dup("alice/1");
	assert_int_equal(strs_add(&c->principals, "web1"), 0);
	c->valid_after = 1000;
	c->valid_before = 1001;
}

static int
add(struct cert_options *o, const char *name, const char *value)
{
	return cert_option_add(o, name, value);
}

static void
set_text(char **field, const char *text)
{
	free(*field);
	*field = str_dup(text);
}

static void
set_key(struct pubkey **k, const char *file)
{
	pubkey_free(*k);
	*k = data_pubkey(file);
}

/* Each changes a good certificate by one step. */
static void
nothing(struct cert *c)
{
	(void)c;
}
static void
serial_0(struct cert *c)
{
	c->serial = 0;
}
static void
largest_serial(struct cert *c)
{
	c->serial = UINT64_MAX;
}
static void
short_nonce(struct cert *c)
{
	c->nonce_len = 31;
}
static void
no_nonce(struct cert *c)
{
	free(c->nonce);
	c->nonce = NULL;
}
static void
other_kind(struct cert *c)
{
	c->kind = 3;
}
static void
bad_key_id(struct cert *c)
{
	set_text(&c->key_id, "a b");
}
static void
no_principals(struct cert *c)
{
	strs_clear(&c->principals);
}
static void
bad_principal(struct cert *c)
{
	assert_int_equal(strs_add(&c->principals, "web*"), 0);
}
static void
principal_twice(struct cert *c)
{
	assert_int_equal(strs_add(&c->principals, "a"), 0);
	assert_int_equal(strs_add(&c->principals, "web1"), 0);
}
static void
add_principals(struct cert *c, size_t until)
{
	char name[32];

	while (c->principals.n < until) {
		snprintf(name, sizeof(name), "p%zu", c->principals.n);
		assert_int_equal(strs_add(&c->principals, name), 0);
	}
}
static void
principals_256(struct cert *c)
{
	add_principals(c, 256);
}
static void
principals_257(struct cert *c)
{
	add_principals(c, 257);
}
static void
forever(struct cert *c)
{
	c->valid_before = UINT64_MAX;
}
static void
to_the_last_second(struct cert *c)
{
	c->valid_before = (uint64_t)CLOCK_MAX;
}
static void
past_the_last_second(struct cert *c)
{
	c->valid_before = (uint64_t)CLOCK_MAX + 1;
}
static void
no_time_at_all(struct cert *c)
{
	c->valid_before = c->valid_after;
}
static void
short_subject(struct cert *c)
{
	set_key(&c->key, "rsa2048");
}
static void
short_ca(struct cert *c)
{
	set_key(&c->ca, "rsa2048");
}
static void
token_ca(struct cert *c)
{
	set_key(&c->ca, "sk-ecdsa256");
}
static void
its_own_ca(struct cert *c)
{
	set_key(&c->ca, "ecdsa256");
	set_key(&c->key, "ecdsa256");
}
static void
no_subject(struct cert *c)
{
	pubkey_free(c->key);
	c->key = NULL;
}
static void
source(struct cert *c)
{
	assert_int_equal(add(&c->critical, "source-address",
			     "10.0.0.0/8,2001:db8::/32,192.0.2.1"),
	    0);
}
static void
source_with_blank(struct cert *c)
{
	assert_int_equal(add(&c->critical, "source-address",
			     "10.0.0.0/8, 192.0.2.1"),
	    0);
}
static void
source_with_host_bits(struct cert *c)
{
	assert_int_equal(add(&c->critical, "source-address",
			     "10.0.0.0/8,192.0.2.1/31"),
	    0);
}
static void
source_empty(struct cert *c)
{
	assert_int_equal(add(&c->critical, "source-address", ""), 0);
}
static void
source_empty_at_the_end(struct cert *c)
{
	assert_int_equal(add(&c->critical, "source-address", "10.0.0.0/8,"), 0);
}
static void
source_too_long(struct cert *c)
{
	assert_int_equal(add(&c->critical, "source-address", repeat('1', 200)),
	    0);
}
static void
source_flag(struct cert *c)
{
	assert_int_equal(add(&c->critical, "source-address", NULL), 0);
}
static void
force(struct cert *c)
{
	assert_int_equal(add(&c->critical, "force-command", "id"), 0);
}
static void
force_two_lines(struct cert *c)
{
	assert_int_equal(add(&c->critical, "force-command", "id\nid"), 0);
}
static void
force_flag(struct cert *c)
{
	assert_int_equal(add(&c->critical, "force-command", NULL), 0);
}
static void
unknown_critical(struct cert *c)
{
	assert_int_equal(add(&c->critical, "x@example.com", NULL), 0);
}
static void
pin(struct cert *c)
{
	assert_int_equal(add(&c->critical, "verify-required", NULL), 0);
}
static void
pin_with_value(struct cert *c)
{
	set_key(&c->key, "sk-ed25519");
	assert_int_equal(add(&c->critical, "verify-required", "yes"), 0);
}
static void
pty(struct cert *c)
{
	assert_int_equal(add(&c->extensions, "permit-pty", NULL), 0);
}
static void
pty_with_value(struct cert *c)
{
	assert_int_equal(add(&c->extensions, "permit-pty", ""), 0);
}
static void
unknown_extension(struct cert *c)
{
	assert_int_equal(add(&c->extensions, "x@example.com", NULL), 0);
}
static void
no_touch(struct cert *c)
{
	assert_int_equal(add(&c->extensions, "no-touch-required", NULL), 0);
}
static void
unsorted(struct cert *c)
{
	struct cert_option o;

	pty(c);
	assert_int_equal(add(&c->extensions, "permit-user-rc", NULL), 0);
	o = c->extensions.v[0];
	c->extensions.v[0] = c->extensions.v[1];
	c->extensions.v[1] = o;
}
static void
flag_twice(struct cert *c)
{
	pty(c);
	assert_int_equal(add(&c->extensions, "permit-user-rc", NULL), 0);
	set_text(&c->extensions.v[1].name, "permit-pty");
}

#define ROW(what, user, host, token)           \
	{                                      \
#what, what, user, host, token \
	}
/* Whether it passes in a user's, a host's and a token's certificate. */
static const struct {
	const char *name;
	void (*change)(struct cert *c);
	bool user, host, token;
} rows[] = {
    ROW(nothing, true, true, true),
    ROW(serial_0, false, false, false),
    ROW(largest_serial, true, true, true),
    ROW(short_nonce, false, false, false),
    ROW(no_nonce, false, false, false),
    ROW(other_kind, false, false, false),
    ROW(bad_key_id, false, false, false),
    ROW(no_principals, false, false, false),
    ROW(bad_principal, false, false, false),
    ROW(principal_twice, false, false, false),
    ROW(principals_256, true, true, true),
    ROW(principals_257, false, false, false),
    ROW(forever, false, false, false),
    ROW(to_the_last_second, true, true, true),
    ROW(past_the_last_second, false, false, false),
    ROW(no_time_at_all, false, false, false),
    ROW(short_subject, false, false, false),
    ROW(short_ca, false, false, false),
    ROW(token_ca, false, false, false),
    ROW(its_own_ca, false, false, false),
    ROW(no_subject, false, false, false),
    ROW(source, true, false, true),
    ROW(source_with_blank, false, false, false),
    ROW(source_with_host_bits, false, false, false),
    ROW(source_empty, false, false, false),
    ROW(source_empty_at_the_end, false, false, false),
    ROW(source_too_long, false, false, false),
    ROW(source_flag, false, false, false),
    ROW(force, true, false, true),
    ROW(force_two_lines, false, false, false),
    ROW(force_flag, false, false, false),
    ROW(unknown_critical, false, false, false),
    ROW(pin, false, false, true),
    ROW(pin_with_value, false, false, false),
    ROW(pty, true, false, true),
    ROW(pty_with_value, false, false, false),
    ROW(unknown_extension, false, false, false),
    ROW(no_touch, false, false, true),
    ROW(unsorted, false, false, false),
    ROW(flag_twice, false, false, false),
};

static void
check_row(size_t i, enum cert_kind kind, const char *subject, bool want)
{
	struct err e = {0};
	struct cert c;
	int r;

	make(&c, kind, subject);
	rows[i].change(&c);
	r = lint_cert(&c, &e);
	if (r != (want ? 0 : ERR_DENIED))
		fail_msg("%s, kind %d, %s: %d %s", rows[i].name, kind, subject,
		    r, e.msg);
	if (r != 0)
		assert_int_not_equal(e.msg[0], '\0');
	cert_clear(&c);
}

static void
certificate_passes_or_is_refused_by_one_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		check_row(i, CERT_USER, "ecdsa256", rows[i].user);
		check_row(i, CERT_HOST, "ecdsa256", rows[i].host);
		check_row(i, CERT_USER, "sk-ed25519", rows[i].token);
	}
}

static void
one_subject_may_be_certified_by_each_ca(void **state)
{
	struct cert c;

	(void)state;
	for (size_t i = 1; i < 5; i++) {
		make(&c, CERT_USER, "ed25519-2");
		set_key(&c.ca, data_types[i]);
		assert_int_equal(lint_cert(&c, NULL), 0);
		cert_clear(&c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(key_id_keeps_out_what_spoils_a_log),
	    cmocka_unit_test(user_principal_is_one_plain_name),
	    cmocka_unit_test(host_principal_is_a_name_or_an_address),
	    cmocka_unit_test(source_is_what_sshd_accepts),
	    cmocka_unit_test(force_command_is_one_line_of_clean_text),
	    cmocka_unit_test(extensions_are_the_known_ones),
	    cmocka_unit_test(keys_are_long_enough_and_a_ca_is_no_token),
	    cmocka_unit_test(certificate_passes_or_is_refused_by_one_rule),
	    cmocka_unit_test(one_subject_may_be_certified_by_each_ca),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
