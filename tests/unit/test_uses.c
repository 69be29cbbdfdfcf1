/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/uses.h"
#include "lib/base/json.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"

#define AT     INT64_C(1764000000)
#define HOST   "web-1.example.com"
#define SERIAL 41

/* --- rows ----------------------------------------------------------------- */

static int
read_rows(const char *text, struct uses *u, struct err *e)
{
	json_t *rows = NULL;
	int r;

	*u = (struct uses){0};
	assert_int_equal(json_read_list(slice_str(text), 100000, &rows, NULL),
	    0);
	r = uses_read(rows, u, e);
	json_decref(rows);
	return r;
}

#define GOOD                                                                 \
	"{\"at\":\"2026-03-02T09:10:00Z\",\"host\":\"" HOST "\","            \
	"\"what\":\"login\",\"account\":\"deploy\",\"from\":\"10.0.0.7\","   \
	"\"port\":\"22\",\"method\":\"publickey\",\"key\":\"\",\"count\":"   \
	"\"\","                                                              \
	"\"ca\":\"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\","     \
	"\"serial\":\"41\",\"key_id\":\"alice\",\"signatures\":\"2\","       \
	"\"command\":\"/bin/id\",\"as\":\"root\",\"why\":\"not allowed\","   \
	"\"session\":\"b.8.1\",\"report\":\"ab\",\"index\":\"9\",\"clock\":" \
	"\"-10800\"}"

static void
a_row_is_what_the_fleet_prints(void **state)
{
	struct uses u;

	(void)state;
	assert_int_equal(read_rows("[" GOOD "," GOOD "]", &u, NULL), 0);
	assert_int_equal(u.n, 2);
	assert_string_equal(u.v[1].host, HOST);
	assert_string_equal(u.v[1].event.account, "deploy");
	assert_string_equal(u.v[1].event.from, "10.0.0.7");
	assert_string_equal(u.v[1].event.session, "b.8.1");
	assert_string_equal(u.v[1].event.key_id, "alice");
	assert_string_equal(u.v[1].report, "ab");
	assert_int_equal(u.v[1].event.what, LOGIN_IN);
	assert_int_equal(u.v[1].event.port, 22);
	assert_int_equal(u.v[1].clock, -10800);
	assert_int_equal(u.v[1].event.serial, SERIAL);
	assert_int_equal(u.v[1].event.signatures, 2);
	assert_int_equal(u.v[1].index, 9);
	assert_string_equal(u.v[1].event.command, "/bin/id");
	assert_string_equal(u.v[1].event.as, "root");
	assert_string_equal(u.v[1].event.why, "not allowed");
	assert_true(u.v[1].event.has_cert);
	assert_false(u.v[1].event.has_key);
	uses_clear(&u);
	assert_int_equal(read_rows("[]", &u, NULL), 0);
	assert_int_equal(u.n, 0);
	uses_clear(&u);
}

static void
a_row_that_is_none_is_named(void **state)
{
	static const struct {
		const char *name, *field, *value, *says;
	} cases[] = {
	    {"no host", "host", "", "'host' is missing"},
	    {"no time", "at", "", "'at' is missing, expected a time"},
	    {"a time that is none", "at", "noon", "'at' is 'noon'"},
	    {"no kind", "what", "", "'what' is missing"},
	    {"another kind", "what", "logout", "'what' is 'logout'"},
	    {"a port too high", "port", "65536", "'port' is '65536'"},
	    {"a clock in words", "clock", "3h", "'clock' is '3h'"},
	    {"a clock of nothing", "clock", "-", "'clock' is '-'"},
	    {"a clock that is off too far", "clock", "-4000000001",
		"'clock' is '-4000000001'"},
	    {"a key that is none", "key", "MD5:aa", "'key' is 'MD5:aa'"},
	    {"a whole that is none", "tbs", "x", "'tbs' is 'x'"},
	    {"a CA that is none", "ca", "x", "'ca' is 'x'"},
	    {"a serial without a CA", "ca", "", "'ca' is missing"},
	    {"a CA without a serial", "serial", "", "'serial' is missing"},
	    {"a serial that is none", "serial", "-1", "'serial' is '-1'"},
	    {"an index that is none", "index", "x", "'index' is 'x'"},
	    {"signatures that are none", "signatures", "x", "'signatures'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *rows = NULL, *bad;
		struct uses u = {0};
		struct err e = {0};

		assert_int_equal(json_read_list(slice_str("[" GOOD "," GOOD
							  "]"),
				     9999, &rows, NULL),
		    0);
		bad = json_array_get(rows, 1);
		assert_int_equal(json_object_set_new(bad, cases[i].field,
				     json_string(cases[i].value)),
		    0);
		if (uses_read(rows, &u, &e) != ERR_PARSE ||
		    strstr(e.msg, "login 2: ") == NULL ||
		    strstr(e.msg, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].name, e.msg);
		uses_clear(&u);
		json_decref(rows);
	}
}

static void
what_is_too_long_is_refused(void **state)
{
	static const char *const fields[] = {"host", "account", "from",
	    "method", "session", "key_id", "report", "command", "as", "why"};
	char text[LOGIN_COMMAND_MAX + 2];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		json_t *rows = NULL;
		struct uses u = {0};
		struct err e = {0};

		assert_int_equal(json_read_list(slice_str("[" GOOD "]"), 9999,
				     &rows, NULL),
		    0);
		assert_int_equal(json_object_set_new(json_array_get(rows, 0),
				     fields[i], json_string(text)),
		    0);
		assert_int_equal(uses_read(rows, &u, &e), ERR_LIMIT);
		assert_non_null(strstr(e.msg, fields[i]));
		uses_clear(&u);
		json_decref(rows);
	}
}

/* --- judged --------------------------------------------------------------- */

static uint8_t tbs[] = "a certificate without its signature";

/* What the log says of one certificate, and what lives as long. */
struct logged {
	struct cert cert;
	struct statement request, decision;
	const struct statement *decisions[1];
	struct issue_leaf leaf;
	struct audit_certificate c;
};

static void
logged_init(struct logged *l, const char *principal, const char *source)
{
	memset(l, 0, sizeof(*l));
	cert_init(&l->cert);
	assert_int_equal(pubkey_dup(fixture_key(SEED_SUBJECT), &l->cert.key),
	    0);
	assert_int_equal(pubkey_dup(fixture_key(SEED_USER_CA), &l->cert.ca), 0);
	l->cert.serial = SERIAL;
	l->cert.kind = CERT_USER;
	l->cert.valid_after = (uint64_t)AT;
	l->cert.valid_before = (uint64_t)AT + 3600;
	assert_int_equal(strs_add(&l->cert.principals, principal), 0);
	if (source != NULL)
		assert_int_equal(cert_option_add(&l->cert.critical,
				     "source-address", source),
		    0);
	fixture_request(&l->request, ALICE);
	fixture_request(&l->decision, OLGA);
	l->decisions[0] = &l->decision;
	l->leaf.tbs = tbs;
	l->leaf.tbs_len = sizeof(tbs);
	l->c = (struct audit_certificate){.index = 17,
	    .leaf = &l->leaf,
	    .cert = &l->cert,
	    .request = &l->request,
	    .decisions = l->decisions,
	    .n_decisions = 1};
}

static void
logged_clear(struct logged *l)
{
	cert_clear(&l->cert);
	statement_clear(&l->request);
	statement_clear(&l->decision);
}

static void
use_of(struct use *u, unsigned ca, uint64_t serial, int64_t at,
    const char *from, const char *host)
{
	*u = (struct use){.host = str_dup(host),
	    .event = {.what = LOGIN_IN,
		.at = at,
		.from = str_dup(from),
		.serial = serial,
		.has_cert = ca != 0}};
	if (ca != 0)
		pubkey_hash(fixture_key(ca), &u->event.ca);
	else
		u->event.method = str_dup("password");
}

/* Who has the CA's key writes what serial he likes. */
static void
a_serial_of_another_key_was_never_issued(void **state)
{
	static const struct {
		uint8_t key; /* seed */
		enum use_kind kind;
	} cases[] = {
	    {SEED_SUBJECT, USE_ISSUED}, {SEED_MALLORY, USE_NEVER_ISSUED}};
	struct policy *p = fixture_policy(NULL, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool is_ours = cases[i].kind == USE_ISSUED;
		const struct grant_use *of = NULL;
		struct str why = STR_INIT;
		struct issued s = {0};
		enum use_kind kind;
		struct logged l;
		struct use u;

		logged_init(&l, "deploy", NULL);
		assert_int_equal(issued_add(&s, &l.c, "ca_log"), 0);
		use_of(&u, SEED_USER_CA, SERIAL, AT, "10.0.0.7", HOST);
		u.event.has_key = true;
		pubkey_hash(fixture_key(cases[i].key), &u.event.key);
		assert_int_equal(uses_judge(&u, &s, p, &kind, &of, &why), 0);
		assert_int_equal(kind, cases[i].kind);
		assert_int_equal(of != NULL, is_ours);
		assert_int_equal(s.v[0].used, is_ours);
		assert_string_equal(why.p,
		    is_ours ? "" : "serial 41 of this CA is for another key");
		free(u.host);
		login_event_clear(&u.event);
		str_clear(&why);
		issued_clear(&s);
		logged_clear(&l);
	}
	policy_free(p);
}

static void
a_login_is_what_everything_says(void **state)
{
	static const struct {
		const char *name;
		unsigned ca; /* seed; 0: no certificate */
		uint64_t serial;
		int64_t at;
		const char *from, *host, *principal, *source;
		enum use_kind kind;
		const char *why;
	} cases[] = {
	    {"as it was meant", SEED_USER_CA, SERIAL, AT, "10.0.0.7", HOST,
		"deploy", NULL, USE_ISSUED, ""},
	    {"in its last second", SEED_USER_CA, SERIAL, AT + 3600, "10.0.0.7",
		HOST, "deploy", NULL, USE_ISSUED, ""},
	    {"a clock that is off", SEED_USER_CA, SERIAL, AT - USES_CLOCK_OFF,
		"10.0.0.7", HOST, "deploy", NULL, USE_ISSUED, ""},
	    {"a second more", SEED_USER_CA, SERIAL, AT - USES_CLOCK_OFF - 1,
		"10.0.0.7", HOST, "deploy", NULL, USE_OUTSIDE,
		"before its time began"},
	    {"late by as much", SEED_USER_CA, SERIAL,
		AT + 3600 + USES_CLOCK_OFF, "10.0.0.7", HOST, "deploy", NULL,
		USE_ISSUED, ""},
	    {"later", SEED_USER_CA, SERIAL, AT + 3601 + USES_CLOCK_OFF,
		"10.0.0.7", HOST, "deploy", NULL, USE_OUTSIDE,
		"after its time was over"},
	    {"from a range", SEED_USER_CA, SERIAL, AT, "10.0.0.7", HOST,
		"deploy", "192.0.2.1,10.0.0.0/29", USE_ISSUED, ""},
	    {"beside it", SEED_USER_CA, SERIAL, AT, "10.0.0.8", HOST, "deploy",
		"192.0.2.1,10.0.0.0/29", USE_OUTSIDE,
		"from an address that it excludes"},
	    {"of the other family", SEED_USER_CA, SERIAL, AT, "fd00::7", HOST,
		"deploy", "10.0.0.0/8", USE_OUTSIDE,
		"from an address that it excludes"},
	    {"from what is no address", SEED_USER_CA, SERIAL, AT, "UNKNOWN",
		HOST, "deploy", "10.0.0.0/8", USE_OUTSIDE,
		"from an address that it excludes"},
	    {"for this host", SEED_USER_CA, SERIAL, AT, "10.0.0.7", HOST,
		"deploy@" HOST, NULL, USE_ISSUED, ""},
	    {"for another host", SEED_USER_CA, SERIAL, AT, "10.0.0.7", HOST,
		"deploy@web-2.example.com", NULL, USE_OUTSIDE,
		"on a host that it is not for"},
	    {"all of that at once", SEED_USER_CA, SERIAL, AT - 9999, "10.0.0.8",
		HOST, "deploy@x", "10.0.0.7", USE_OUTSIDE,
		"before its time began; from an address that it excludes; on a "
		"host that it is not for"},
	    {"another serial", SEED_USER_CA, SERIAL + 1, AT, "10.0.0.7", HOST,
		"deploy", NULL, USE_NEVER_ISSUED, "no log has serial 42"},
	    {"its serial by another CA", SEED_EMERGENCY_CA, SERIAL, AT,
		"10.0.0.7", HOST, "deploy", NULL, USE_NEVER_ISSUED,
		"no log has serial 41"},
	    {"by a log's key", SEED_LOG, SERIAL, AT, "10.0.0.7", HOST, "deploy",
		NULL, USE_ELSEWHERE, "its CA is none of the policy"},
	    {"by a stranger's", SEED_MALLORY, SERIAL, AT, "10.0.0.7", HOST,
		"deploy", NULL, USE_ELSEWHERE, "its CA is none of the policy"},
	    {"with a password", 0, 0, AT, "10.0.0.7", HOST, "deploy", NULL,
		USE_BARE, "by password"},
	};
	struct policy *p = fixture_policy(NULL, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct grant_use *of = NULL;
		struct str why = STR_INIT;
		struct issued s = {0};
		enum use_kind kind;
		struct logged l;
		struct use u;
		bool is_ours =
		    cases[i].kind == USE_ISSUED || cases[i].kind == USE_OUTSIDE;

		logged_init(&l, cases[i].principal, cases[i].source);
		assert_int_equal(issued_add(&s, &l.c, "ca_log"), 0);
		use_of(&u, cases[i].ca, cases[i].serial, cases[i].at,
		    cases[i].from, cases[i].host);
		assert_int_equal(uses_judge(&u, &s, p, &kind, &of, &why), 0);
		if (kind != cases[i].kind ||
		    strncmp(why.p, cases[i].why, strlen(cases[i].why)) != 0 ||
		    (of != NULL) != is_ours || s.v[0].used != is_ours)
			fail_msg("%s: %s, %s", cases[i].name,
			    use_kind_name(kind), why.p);
		if (cases[i].kind == USE_ISSUED)
			assert_int_equal(why.n, 0);
		free(u.host);
		login_event_clear(&u.event);
		str_clear(&why);
		issued_clear(&s);
		logged_clear(&l);
	}
	policy_free(p);
}

/* Whoever logs in by what was taken away before does so outside of it. */
static void
what_was_revoked_before_is_outside(void **state)
{
	static const struct {
		const char *name;
		int64_t revoked; /* before the login */
		enum use_kind kind;
		const char *why;
	} cases[] = {
	    {"later", -60, USE_ISSUED, ""},
	    {"as the clocks may have it", USES_CLOCK_OFF, USE_ISSUED, ""},
	    {"before", USES_CLOCK_OFF + 1, USE_OUTSIDE, "after it was revoked"},
	};
	struct policy *p = fixture_policy(NULL, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct revocation v = {.at = AT + 900 - cases[i].revoked};
		const struct grant_use *of = NULL;
		struct str why = STR_INIT;
		struct issued s = {0};
		enum use_kind kind;
		struct logged l;
		struct use u;

		logged_init(&l, "deploy", NULL);
		assert_int_equal(issued_add(&s, &l.c, "ca_log"), 0);
		s.v[0].revoked = &v;
		use_of(&u, SEED_USER_CA, SERIAL, AT + 900, "10.0.0.7", HOST);
		assert_int_equal(uses_judge(&u, &s, p, &kind, &of, &why), 0);
		if (kind != cases[i].kind || strcmp(why.p, cases[i].why) != 0)
			fail_msg("%s: %s", cases[i].name, why.p);
		free(u.host);
		login_event_clear(&u.event);
		str_clear(&why);
		issued_clear(&s);
		logged_clear(&l);
	}
	policy_free(p);
}

/* A stolen CA key can give out a serial again. */
static void
a_whole_certificate_is_the_one_that_was_issued(void **state)
{
	struct policy *p = fixture_policy(NULL, NULL);
	const struct grant_use *of = NULL;
	struct str why = STR_INIT;
	struct issued s = {0};
	enum use_kind kind;
	struct logged l;
	struct use u;

	(void)state;
	logged_init(&l, "deploy", NULL);
	assert_int_equal(issued_add(&s, &l.c, "ca_log"), 0);
	use_of(&u, SEED_USER_CA, SERIAL, AT, "10.0.0.7", HOST);
	u.event.has_tbs = true;
	hash_sha256(tbs, sizeof(tbs) - 1, &u.event.tbs);
	assert_int_equal(uses_judge(&u, &s, p, &kind, &of, &why), 0);
	assert_int_equal(kind, USE_NEVER_ISSUED);
	assert_null(of);
	assert_false(s.v[0].used);
	assert_string_equal(why.p,
	    "serial 41 of this CA is another certificate");
	str_reset(&why);
	hash_sha256(tbs, sizeof(tbs), &u.event.tbs);
	assert_int_equal(uses_judge(&u, &s, p, &kind, &of, &why), 0);
	assert_int_equal(kind, USE_ISSUED);
	assert_non_null(of);
	free(u.host);
	login_event_clear(&u.event);
	str_clear(&why);
	issued_clear(&s);
	logged_clear(&l);
	policy_free(p);
}

static void
each_certificate_is_found_by_its_serial(void **state)
{
	struct policy *p = fixture_policy(NULL, NULL);
	const struct grant_use *of = NULL;
	struct str why = STR_INIT;
	struct issued s = {0};
	enum use_kind kind;
	struct logged l;

	(void)state;
	logged_init(&l, "deploy", NULL);
	for (uint64_t i = 0; i < 300; i++) {
		l.cert.serial = 1 + i * 7919 % 300; /* in no order */
		l.c.index = i;
		assert_int_equal(issued_add(&s, &l.c, "ca_log"), 0);
	}
	for (uint64_t i = 0; i < 300; i++) {
		struct use u;

		use_of(&u, SEED_USER_CA, 1 + i * 7919 % 300, AT, "10.0.0.7",
		    HOST);
		assert_int_equal(uses_judge(&u, &s, p, &kind, &of, &why), 0);
		assert_int_equal(kind, USE_ISSUED);
		assert_int_equal(of->index, i);
		assert_string_equal(of->person, ALICE);
		assert_string_equal(of->approved_by, OLGA);
		assert_string_equal(of->log, "ca_log");
		assert_string_equal(presence_name(of->presence), "none");
		free(u.host);
		login_event_clear(&u.event);
	}
	logged_clear(&l);
	issued_clear(&s);
	str_clear(&why);
	policy_free(p);
}

static void
a_host_certificate_lets_nobody_in(void **state)
{
	struct issued s = {0};
	struct logged l;

	(void)state;
	logged_init(&l, "deploy", NULL);
	l.cert.kind = CERT_HOST;
	assert_int_equal(issued_add(&s, &l.c, "ca_log"), 0);
	assert_int_equal(s.n, 0);
	logged_clear(&l);
	issued_clear(&s);
}

static int
all_once(void *arg)
{
	struct logged *l = arg;
	struct issued s = {0};
	struct uses u = {0};
	json_t *rows = NULL;
	int r;

	if ((r = json_read_list(slice_str("[" GOOD "]"), 9999, &rows, NULL)) ==
		0 &&
	    (r = uses_read(rows, &u, NULL)) == 0)
		r = issued_add(&s, &l->c, "ca_log");
	json_decref(rows);
	uses_clear(&u);
	issued_clear(&s);
	return r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	struct logged l;

	(void)state;
	logged_init(&l, "deploy", "10.0.0.0/8");
	assert_true(alloc_each(all_once, &l) > 15);
	logged_clear(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_row_is_what_the_fleet_prints),
	    cmocka_unit_test(a_row_that_is_none_is_named),
	    cmocka_unit_test(what_is_too_long_is_refused),
	    cmocka_unit_test(a_serial_of_another_key_was_never_issued),
	    cmocka_unit_test(a_login_is_what_everything_says),
	    cmocka_unit_test(what_was_revoked_before_is_outside),
	    cmocka_unit_test(a_whole_certificate_is_the_one_that_was_issued),
	    cmocka_unit_test(each_certificate_is_found_by_its_serial),
	    cmocka_unit_test(a_host_certificate_lets_nobody_in),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
