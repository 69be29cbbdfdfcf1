/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/states/kinds.h"
#include "agent/states/ssh_ca_impl.h"
#include "lib/ssh/cert.h"
#include "lib/ssh/krl.h"
#include "tests/unit/fakesshd.h"
#include "tests/unit/fixture.h"
#include "tests/unit/statecase.h"

#define OPS  (&state_ssh_ca)
#define MARK "# Written by writ-agent; changes made here are undone.\n"

static const char policy_yaml[] = "accounts:\n"
				  "  alice: [deploy, \"deploy@h1\"]\n"
				  "  retired: []\n";

static struct policy *policy;
static struct state_env env;

static int
setup(void **state)
{
	struct fakehost *f = fakehost_new();

	policy = fixture_policy(NULL, NULL);
	env = (struct state_env){.policy = policy};
	fakesshd_install(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	policy_free(policy);
	fakehost_free(*state);
	return 0;
}

static void
bad_parameters_are_named_with_their_place(void **state)
{
	static const struct {
		const char *yaml, *want;
	} cases[] = {
	    {"ensure: present\n",
		"1:1: ssh_ca has no 'accounts', expected some or 'ensure: "
		"absent'"},
	    {"accounts: {}\n",
		"1:11: 'accounts' has 0 entries, expected 1 to 1000"},
	    {"accounts: {../x: [a]}\n",
		"1:12: '../x' is no name of an account, expected letters, "
		"digits and _ . @ -"},
	    {"accounts: {.x: [a]}\n",
		"1:12: '.x' is no name of an account, expected letters, "
		"digits and _ . @ -"},
	    {"accounts: {a/b: [a]}\n",
		"1:12: 'a/b' is no name of an account, expected letters, "
		"digits and _ . @ -"},
	    {"accounts: {a: b}\n",
		"1:15: 'a' is text, expected a list of principals; [] lets "
		"nobody in"},
	    {"accounts: {a: [b, b]}\n",
		"1:19: 'b' is in 'a' twice, expected once"},
	    {"accounts: {a: [\"b c\"]}\n", "1:16: principal"},
	    {"accounts: {a: [\"*\"]}\n", "1:16: principal"},
	    {"accounts: {a: [\"b,c\"]}\n", "1:16: principal"},
	    {"accounts: {a: [\"b#c\"]}\n", "1:16: principal"},
	    {"acounts: {a: [b]}\n", "1:1: "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got = statecase_faults(OPS, cases[i].yaml);

		if (strncmp(got, cases[i].want, strlen(cases[i].want)) != 0)
			fail_msg("%s: %s", cases[i].yaml, got);
		free(got);
	}
}

static void
stock_gets_keys_principals_and_a_drop_in(void **state)
{
	struct fakehost *f = *state;
	struct str keys = STR_INIT;

	statecase_is(f, OPS, &env, policy_yaml,
	    "ok\n"
	    "file " CA_KEYS " 0644 the policy's user CAs\n"
	    "file " CA_PRINCIPALS "/alice 0644 alice: deploy deploy@h1\n"
	    "file " CA_PRINCIPALS "/retired 0644 retired: nobody\n"
	    "file " SSHD_OURS_CA
	    " 0644 AuthorizedPrincipalsFile none -> " CA_PRINCIPALS
	    "/%u (sshd's default), TrustedUserCAKeys none -> " CA_KEYS
	    " (sshd's default)\n"
	    "proof account retired is not on this host\n");
	statecase_apply(f, OPS, &env, policy_yaml);
	assert_string_equal(fakehost_text(f, SSHD_OURS_CA),
	    MARK "TrustedUserCAKeys " CA_KEYS "\n"
		 "AuthorizedPrincipalsFile " CA_PRINCIPALS "/%u\n"
		 "AuthorizedPrincipalsCommand none\n"
		 "Match all\n"
		 "\tTrustedUserCAKeys " CA_KEYS "\n"
		 "\tAuthorizedPrincipalsFile " CA_PRINCIPALS "/%u\n"
		 "\tAuthorizedPrincipalsCommand none\n");
	str_addf(&keys, "%s user_ca\n%s emergency_ca\n",
	    fixture_line(SEED_USER_CA), fixture_line(SEED_EMERGENCY_CA));
	assert_string_equal(fakehost_text(f, CA_KEYS), keys.p);
	str_clear(&keys);
	assert_string_equal(fakehost_text(f, CA_PRINCIPALS "/alice"),
	    MARK "deploy\ndeploy@h1\n");
	/* Nobody, never everybody. */
	assert_string_equal(fakehost_text(f, CA_PRINCIPALS "/retired"), MARK);
	statecase_is(f, OPS, &env, policy_yaml,
	    "ok\n"
	    "proof AuthorizedPrincipalsCommand none (all 2 classes)\n"
	    "proof AuthorizedPrincipalsFile " CA_PRINCIPALS
	    "/%u (all 2 classes)\n"
	    "proof TrustedUserCAKeys " CA_KEYS " (all 2 classes)\n"
	    "proof account retired is not on this host\n");
}

/* Which changes only take access away, "1" each. */
static void
takes_away(struct fakehost *f, const char *yaml, const char *want)
{
	struct conf_diags diags = {0};
	struct conf_in in = {.diags = &diags};
	struct yaml_doc doc = {0};
	struct plan plan = {0};
	struct str got = STR_INIT;
	struct err e = {0};
	void *p = calloc(1, OPS->params_size);
	void *o = calloc(1, OPS->observed_size);

	assert_int_equal(yaml_parse("", slice_str(yaml), &doc, &diags), 0);
	OPS->parse(&in, doc.root, p);
	assert_int_equal(OPS->observe(fakehost_host(f), &env, p, o, &e), 0);
	assert_int_equal(OPS->plan(&env, p, o, &plan, &e), 0);
	for (size_t i = 0; i < plan.n; i++) {
		assert_true(plan.v[i].way_in);
		str_addc(&got, plan.v[i].takes_away ? '1' : '0');
	}
	assert_string_equal(got.p, want);
	str_clear(&got);
	plan_clear(&plan);
	OPS->observed_clear(o);
	OPS->params_clear(p);
	yaml_doc_clear(&doc);
	free(o);
	free(p);
}

static void
what_takes_access_away_is_told_from_what_gives_it(void **state)
{
	struct fakehost *f = *state;

	statecase_apply(f, OPS, &env, policy_yaml);
	/* A principal less; one more; another; an account less, one new. */
	takes_away(f, "accounts: {alice: [deploy], retired: []}\n", "1");
	takes_away(f,
	    "accounts: {alice: [deploy, \"deploy@h1\", x], retired: []}\n",
	    "0");
	takes_away(f, "accounts: {alice: [x], retired: []}\n", "0");
	takes_away(f, "accounts: {alice: [deploy, \"deploy@h1\"]}\n", "1");
	takes_away(f,
	    "accounts: {alice: [deploy, \"deploy@h1\"], retired: [], bob: "
	    "[x]}\n",
	    "0");
	/* A CA that is not the policy's any more. */
	fakehost_file(f, CA_KEYS, 0644, "");
	takes_away(f, policy_yaml, "0");
}

static void
an_account_that_is_named_no_more_loses_its_file(void **state)
{
	struct fakehost *f = *state;

	statecase_apply(f, OPS, &env, policy_yaml);
	statecase_apply(f, OPS, &env, "accounts: {alice: [deploy]}\n");
	assert_null(fakehost_text(f, CA_PRINCIPALS "/retired"));
	assert_string_equal(fakehost_text(f, CA_PRINCIPALS "/alice"),
	    MARK "deploy\n");
}

static void
all_of_it_goes_with_the_state(void **state)
{
	struct fakehost *f = *state;
	char *before = fakehost_dump(f), *after;

	statecase_apply(f, OPS, &env, policy_yaml);
	statecase_apply(f, OPS, &env, "ensure: absent\n");
	/* What the run keeps beside a file is nobody's. */
	fakehost_file(f, CA_PRINCIPALS "/.writ-old-0123456789abcdef", 0644,
	    MARK "deploy\n");
	statecase_is(f, OPS, &env, "ensure: absent\n", "ok\n");
	fakehost_file(f, CA_PRINCIPALS "/.writ-old-0123456789abcdeg", 0644,
	    MARK "deploy\n");
	statecase_apply(f, OPS, &env, "ensure: absent\n");
	assert_null(fakehost_text(f,
	    CA_PRINCIPALS "/.writ-old-0123456789abcdeg"));
	fakehost_remove(f, CA_PRINCIPALS "/.writ-old-0123456789abcdef");
	/* Directories are the driver's. */
	fakehost_remove(f, CA_DIR);
	after = fakehost_dump(f);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void
without_a_policy_nothing_is_trusted(void **state)
{
	const struct state_env bare = {0};

	statecase_is(*state, OPS, &bare, policy_yaml,
	    "impossible [no user CA is known, expected a policy bundle]\n");
}

/* --- revocation --------------------------------------------------------- */
static struct buf *
make_krl(uint64_t version)
{
	struct buf *b = NULL;
	struct krl *k = NULL;

	assert_int_equal(krl_new(&k), 0);
	assert_int_equal(krl_set(k, version, FIXTURE_NOW, ""), 0);
	assert_int_equal(krl_add_serials(k, fixture_key(SEED_USER_CA), 5, 7),
	    0);
	assert_int_equal(buf_new(&b, 65536), 0);
	assert_int_equal(krl_encode(k, b), 0);
	krl_free(k);
	return b;
}

static const struct {
	const char *name;
	uint64_t offered, there; /* versions; 0: none */
	const char *recorded;    /* NULL: no file */
	int r;
	enum ca_krl want;
	uint64_t had;
} krls[] = {
    {"never one", 0, 0, NULL, 0, CA_KRL_NONE, 0},
    {"the first", 3, 0, NULL, 0, CA_KRL_WRITE, 0},
    {"a newer one", 4, 3, "3\n", 0, CA_KRL_WRITE, 3},
    {"the same", 3, 3, "3\n", 0, CA_KRL_WRITE, 3},
    {"an older one", 2, 3, "3\n", 0, CA_KRL_KEEP, 3},
    {"an older one, no record", 2, 3, NULL, 0, CA_KRL_KEEP, 3},
    {"none offered", 0, 3, "3\n", 0, CA_KRL_KEEP, 3},
    {"gone, none offered", 0, 0, "3\n", 0, CA_KRL_STUCK, 3},
    {"gone, older offered", 2, 0, "3\n", 0, CA_KRL_STUCK, 3},
    {"gone, same offered", 3, 0, "3\n", 0, CA_KRL_WRITE, 3},
    {"put back by hand", 0, 2, "3\n", 0, CA_KRL_STUCK, 3},
    {"a damaged record", 2, 3, "three\n", 0, CA_KRL_KEEP, 3},
    {"a record without end", 4, 0, "3", 0, CA_KRL_WRITE, 0},
};

static void
a_revocation_list_never_goes_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(krls) / sizeof(krls[0]); i++) {
		struct buf *offered =
		    krls[i].offered != 0 ? make_krl(krls[i].offered) : NULL;
		struct buf *there =
		    krls[i].there != 0 ? make_krl(krls[i].there) : NULL;
		struct sshd_file krl = {0}, version = {0};
		struct state_env with = {.krl_version = krls[i].offered};
		enum ca_krl got = 0;
		uint64_t had = 99;
		int r;

		if (offered != NULL)
			with.krl = buf_slice(offered);
		if (there != NULL) {
			krl.n = buf_len(there);
			krl.text = str_dupn(buf_slice(there).p, krl.n);
		}
		if (krls[i].recorded != NULL) {
			version.n = strlen(krls[i].recorded);
			version.text = str_dup(krls[i].recorded);
		}
		r = ca_krl_choose(&with, &krl, &version, &got, &had, NULL);
		if (r != krls[i].r || got != krls[i].want || had != krls[i].had)
			fail_msg("%s: %d, %d of %llu", krls[i].name, r,
			    (int)got, (unsigned long long)had);
		sshd_file_clear(&krl);
		sshd_file_clear(&version);
		buf_free(offered);
		buf_free(there);
	}
}

static void
a_list_is_written_with_its_version_and_then_named(void **state)
{
	struct fakehost *f = *state;
	struct buf *krl = make_krl(7);

	env.krl = buf_slice(krl);
	env.krl_version = 7;
	statecase_is(f, OPS, &env, "accounts: {alice: [deploy]}\n",
	    "ok\n"
	    "file " CA_KEYS " 0644 the policy's user CAs\n"
	    "file " CA_PRINCIPALS "/alice 0644 alice: deploy\n"
	    "file " CA_KRL_VERSION " 0644 revocation list, version 7\n"
	    "file " CA_KRL " 0644 revocation list, version 7\n"
	    "file " SSHD_OURS_CA
	    " 0644 AuthorizedPrincipalsFile none -> " CA_PRINCIPALS
	    "/%u (sshd's default), RevokedKeys none -> " CA_KRL
	    " (sshd's default), TrustedUserCAKeys none -> " CA_KEYS
	    " (sshd's default)\n");
	/* One that says another version than its statement. */
	env.krl_version = 8;
	statecase_is(f, OPS, &env, "accounts: {alice: [deploy]}\n",
	    "impossible [the KRL is of version 7, expected 8 as its statement "
	    "says]\n");
	env.krl = slice_str("SSHKRL");
	{
		char *got;

		assert_int_equal(statecase_plan(f, OPS, &env,
				     "accounts: {alice: [deploy]}\n", &got),
		    0);
		assert_int_equal(strncmp(got, "impossible [", 12), 0);
		free(got);
	}
	/* What is gone is not gone on without. */
	env.krl = slice_str("");
	fakehost_file(f, CA_KRL_VERSION, 0644, "7\n");
	{
		char *got;

		assert_int_equal(statecase_plan(f, OPS, &env,
				     "accounts: {alice: [deploy]}\n", &got),
		    0);
		assert_non_null(strstr(got,
		    "impossible [the KRL of version 7 that this host had is "
		    "gone, and none is offered]"));
		free(got);
	}
	buf_free(krl);
}

/* --- the host's own certificate ------------------------------------------- */
static char *
make_cert(enum cert_kind kind, uint8_t seed)
{
	struct buf *blob = NULL, *sig = NULL;
	struct str line = STR_INIT;
	uint8_t nonce[CERT_NONCE_LEN] = {1};
	struct cert c;
	char *text;

	cert_init(&c);
	assert_int_equal(pubkey_dup(fixture_key(seed), &c.key), 0);
	assert_int_equal(pubkey_dup(fixture_key(SEED_HOST_CA), &c.ca), 0);
	c.nonce = (uint8_t *)str_dupn(nonce, sizeof(nonce));
	c.nonce_len = sizeof(nonce);
	c.serial = 1;
	c.kind = kind;
	c.key_id = str_dup("h1");
	assert_int_equal(strs_add(&c.principals, "h1.example.com"), 0);
	c.valid_after = FIXTURE_NOW;
	c.valid_before = FIXTURE_NOW + 3600;
	assert_int_equal(buf_new(&blob, CERT_MAX), 0);
	assert_int_equal(buf_new(&sig, CERT_MAX), 0);
	assert_int_equal(cert_encode_tbs(&c, blob), 0);
	fixture_raw_sign(SEED_HOST_CA, buf_slice(blob), sig);
	assert_int_equal(buf_put_buf(blob, sig), 0);
	assert_int_equal(cert_add_line(&line, buf_slice(blob), "h1"), 0);
	assert_int_equal(str_take(&line, &text), 0);
	cert_clear(&c);
	buf_free(blob);
	buf_free(sig);
	return text;
}

static void
a_certificate_is_taken_for_a_key_of_this_host_alone(void **state)
{
	static const char yaml[] = "accounts: {alice: [deploy]}\n";
	struct fakehost *f = *state;
	char *ours = make_cert(CERT_HOST, SEED_SUBJECT);
	char *other = make_cert(CERT_HOST, SEED_MALLORY);
	char *user = make_cert(CERT_USER, SEED_SUBJECT);
	struct str text = STR_INIT;
	char *got;

	fakehost_file(f, "/etc/ssh/ssh_host_ed25519_key.pub", 0644,
	    fixture_line(SEED_SUBJECT));
	env.host_cert = slice_str(ours);
	statecase_apply(f, OPS, &env, yaml);
	str_addf(&text, "%s\n", ours);
	assert_string_equal(fakehost_text(f, CA_HOST_CERT), text.p);
	assert_non_null(strstr(fakehost_text(f, SSHD_OURS_CA),
	    "HostCertificate " CA_HOST_CERT "\nMatch all\n"));
	/* The one that is there stays while none is offered. */
	env.host_cert = slice_str("");
	assert_int_equal(statecase_plan(f, OPS, &env, yaml, &got), 0);
	assert_int_equal(strncmp(got, "ok\nproof ", 9), 0);
	assert_non_null(strstr(got,
	    "proof HostCertificate " CA_HOST_CERT " (all 2 classes)\n"));
	free(got);
	env.host_cert = slice_str(other);
	assert_int_equal(statecase_plan(f, OPS, &env, yaml, &got), 0);
	assert_int_equal(strncmp(got,
			     "impossible [the host certificate is of key "
			     "SHA256:",
			     50),
	    0);
	free(got);
	env.host_cert = slice_str(user);
	statecase_is(f, OPS, &env, yaml,
	    "impossible [the host certificate is one for users]\n");
	env.host_cert = slice_str("ssh-ed25519 AAAA");
	assert_int_equal(statecase_plan(f, OPS, &env, yaml, &got), 0);
	assert_int_equal(strncmp(got, "impossible [the host certificate: ", 34),
	    0);
	free(got);
	str_clear(&text);
	free(ours);
	free(other);
	free(user);
}

/* --- the proof ----------------------------------------------------------- */
static int
prove(struct fakehost *f, const char *yaml, struct err *e)
{
	struct conf_diags diags = {0};
	struct conf_in in = {.diags = &diags};
	struct yaml_doc doc = {0};
	void *p = calloc(1, OPS->params_size);
	int r;

	*e = (struct err){0};
	assert_int_equal(yaml_parse("", slice_str(yaml), &doc, &diags), 0);
	OPS->parse(&in, doc.root, p);
	r = OPS->proof(fakehost_host(f), &env, p, e);
	OPS->params_clear(p);
	free(p);
	yaml_doc_clear(&doc);
	return r;
}

static void
denied(struct fakehost *f, const char *want)
{
	struct err e;

	assert_int_equal(prove(f, policy_yaml, &e), ERR_DENIED);
	assert_string_equal(e.msg, want);
}

#define WEAK "/etc/ssh/sshd_config.d/50-weak.conf"
static void
who_comes_with_a_certificate_must_still_get_in(void **state)
{
	struct fakehost *f = *state;
	struct err e;

	env.operator_account = "alice";
	env.operator_principal = "deploy";
	denied(f,
	    "'alice' would be locked out: TrustedUserCAKeys is none, and it "
	    "comes with a certificate");
	statecase_apply(f, OPS, &env, policy_yaml);
	assert_int_equal(prove(f, policy_yaml, &e), 0);
	fakehost_file(f, WEAK, 0644, "PubkeyAcceptedAlgorithms ssh-ed25519\n");
	denied(f,
	    "'alice' would be locked out: PubkeyAcceptedAlgorithms "
	    "ssh-ed25519, and it comes with a certificate");
	fakehost_file(f, WEAK, 0644,
	    "PubkeyAcceptedAlgorithms "
	    "ssh-ed25519,ssh-ed25519-cert-v01@openssh.com\n"
	    "CASignatureAlgorithms rsa-sha2-512\n");
	denied(f,
	    "'alice' would be locked out: CASignatureAlgorithms rsa-sha2-512, "
	    "which is none of a user CA's in " CA_KEYS);
	fakehost_file(f, WEAK, 0644,
	    "CASignatureAlgorithms rsa-sha2-512,ssh-ed25519\n");
	assert_int_equal(prove(f, policy_yaml, &e), 0);
	fakehost_remove(f, WEAK);
	env.operator_principal = "deploy@h2";
	denied(f,
	    "'alice' would be locked out: " CA_PRINCIPALS
	    "/alice does not name principal 'deploy@h2'");
	env.operator_principal = "eploy";
	denied(f,
	    "'alice' would be locked out: " CA_PRINCIPALS
	    "/alice does not name principal 'eploy'");
	env.operator_principal = "deploy";
	fakehost_file(f, CA_PRINCIPALS "/alice", 0666, "deploy\n");
	denied(f,
	    "'alice' would be locked out: " CA_PRINCIPALS
	    "/alice is writable by others, so sshd refuses it");
	fakehost_remove(f, CA_PRINCIPALS "/alice");
	denied(f,
	    "'alice' would be locked out: " CA_PRINCIPALS
	    "/alice, which names its principals, cannot be read");
	fakehost_file(f, CA_PRINCIPALS "/alice", 0644,
	    "# deploy\ncert-authority deploy # x\n");
	assert_int_equal(prove(f, policy_yaml, &e), 0);
	fakehost_file(f, CA_KEYS, 0644, fixture_line(SEED_MALLORY));
	denied(f,
	    "'alice' would be locked out: no key in " CA_KEYS
	    " is a user CA of the policy");
	/* A host CA is none for users. */
	fakehost_file(f, CA_KEYS, 0644, fixture_line(SEED_HOST_CA));
	denied(f,
	    "'alice' would be locked out: no key in " CA_KEYS
	    " is a user CA of the policy");
}

static void
the_fingerprint_sees_what_is_offered(void **state)
{
	struct fakehost *f = *state;
	struct buf *krl = make_krl(7);
	struct ssh_ca_params p = {0};
	struct str a = STR_INIT, b = STR_INIT;
	struct err e = {0};

	assert_int_equal(OPS->fingerprint(fakehost_host(f), &env, &p, &a, &e),
	    0);
	env.krl = buf_slice(krl);
	assert_int_equal(OPS->fingerprint(fakehost_host(f), &env, &p, &b, &e),
	    0);
	assert_string_not_equal(a.p, b.p);
	str_reset(&a);
	env.host_cert = slice_str("x");
	assert_int_equal(OPS->fingerprint(fakehost_host(f), &env, &p, &a, &e),
	    0);
	assert_string_not_equal(a.p, b.p);
	assert_int_equal(fakehost_ran(f)->n, 0);
	str_clear(&a);
	str_clear(&b);
	buf_free(krl);
}

static void
what_a_host_has_is_shown_as_a_state(void **state)
{
	struct fakehost *f = *state;
	struct str out = STR_INIT;
	struct err e = {0};
	char *faults;

	fakehost_file(f, "/etc/ssh/sshd_config.d/a.conf", 0644,
	    "AuthorizedPrincipalsFile /etc/ssh/auth_principals/%u\n");
	fakehost_file(f, "/etc/ssh/auth_principals/alice", 0644,
	    "# x\ndeploy\nno-pty admin\n");
	fakehost_file(f, "/etc/ssh/auth_principals/bob", 0644, "");
	assert_int_equal(OPS->show(fakehost_host(f), &out, &e), 0);
	assert_string_equal(out.p,
	    "ssh_ca:\n"
	    "  accounts:\n"
	    "    alice: [\"deploy\", \"admin\"]\n"
	    "    bob: []\n");
	faults = statecase_faults(OPS, strchr(out.p, '\n') + 1);
	assert_string_equal(faults, "");
	free(faults);
	str_clear(&out);
}

static void
a_host_or_memory_that_fails_is_an_error(void **state)
{
	statecase_faulty_host(*state, OPS, &env, policy_yaml);
	statecase_alloc(*state, OPS, &env, policy_yaml);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(bad_parameters_are_named_with_their_place),
	    T(stock_gets_keys_principals_and_a_drop_in),
	    T(what_takes_access_away_is_told_from_what_gives_it),
	    T(an_account_that_is_named_no_more_loses_its_file),
	    T(all_of_it_goes_with_the_state),
	    T(without_a_policy_nothing_is_trusted),
	    T(a_revocation_list_never_goes_back),
	    T(a_list_is_written_with_its_version_and_then_named),
	    T(a_certificate_is_taken_for_a_key_of_this_host_alone),
	    T(who_comes_with_a_certificate_must_still_get_in),
	    T(the_fingerprint_sees_what_is_offered),
	    T(what_a_host_has_is_shown_as_a_state),
	    T(a_host_or_memory_that_fails_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
