/* SPDX-License-Identifier: ISC */
/* What a master tells: of hosts that are and that would be, and how they are;
 * and where masters are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/client/hosts.h"
#include "agent/client/master.h"
#include "agent/client/states.h"
#include "lib/base/json.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/fleetcase.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define HOST   60 /* seeds of a host's keys */
#define LINK   61

static struct err err;

/* --- keys ----------------------------------------------------------------- */

/* An enrol as a host says it; by: the id it would like. */
static void
make_enrol(struct statement *s, const char *by, const char *hostname,
    const uint8_t *seeds)
{
	struct enrol_statement *x = &s->u.enrol;

	fixture_statement(s, ST_ENROL, by);
	x->hostname = str_dup(hostname);
	assert_int_equal(pubkey_dup(fixture_key(HOST), &x->host_key), 0);
	assert_int_equal(pubkey_dup(fixture_key(LINK), &x->transport_key), 0);
	x->grains = calloc(1, sizeof(*x->grains));
	assert_non_null(x->grains);
	x->grains[0].name = str_dup("os");
	x->grains[0].value = str_dup("debian");
	x->n_grains = 1;
	fixture_sign(s, seeds);
}

static void
add_waiting(struct str *out, const struct statement *s, const struct hash *name)
{
	struct slice text = statement_bytes(s);
	struct jw w;

	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_hex(&w, "enrol", name->b, HASH_LEN);
	jw_str(&w, "from", "192.0.2.7");
	jw_time(&w, "since", FIXTURE_NOW);
	jw_strn(&w, "statement", (const char *)text.p, text.n);
	jw_end(&w, '}');
}

static int
parse(const char *text, struct host_keys *out)
{
	json_t *o = NULL;
	int r;

	assert_int_equal(json_read(slice_str(text), 1 << 20, &o, &err), 0);
	r = host_keys_parse(o, fixture_realm(), out, NULL, &err);
	json_decref(o);
	return r;
}

#define ACCEPT                             \
	"0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef"
#define KNOWN                                                              \
	"{\"host\":\"web-1\",\"accept\":\"" ACCEPT "\",\"names\":[\"w\"]," \
	"\"roles\":[\"web\"],\"since\":\"2026-03-02T10:00:00Z\","          \
	"\"renew_until\":\"2027-03-02T10:00:00Z\"}"
#define TOKEN                                                           \
	"{\"token\":\"" ACCEPT "\",\"hosts\":\"db-*\",\"count\":\"5\"," \
	"\"left\":\"3\",\"expires\":\"2026-03-03T10:00:00Z\"}"

/* The caller frees. */
static char *
whole_answer(void)
{
	struct str s = STR_INIT;
	struct statement e;
	char *out;

	make_enrol(&e, "db-1", "db-1", FIXTURE_BY(HOST, LINK));
	str_add(&s, "{\"hosts\":[" KNOWN "],\"waiting\":[");
	add_waiting(&s, &e, &e.hash);
	str_add(&s, "],\"rejected\":[],\"tokens\":[" TOKEN "]}");
	statement_clear(&e);
	assert_int_equal(str_take(&s, &out), 0);
	return out;
}

static void
hosts_and_those_that_ask_are_read(void **state)
{
	struct host_keys k = {0};
	struct str s = STR_INIT;
	char *text = whole_answer();
	const struct host_known *h;
	const struct host_asks *a = NULL;

	(void)state;
	assert_int_equal(parse(text, &k), 0);
	assert_int_equal(k.n_waiting + k.n_hosts + k.n_tokens, 3);
	h = host_known_find(&k, "web-1");
	assert_non_null(h);
	assert_string_equal(h->roles.v[0], "web");
	assert_null(host_known_find(&k, "web-2"));
	assert_int_equal(k.tokens[0].left, 3);
	assert_int_equal(host_asks_find(&k, "db-1", &a, &err), 0);
	host_asks_describe(a, &s);
	assert_non_null(strstr(s.p, "  from         192.0.2.7\n"));
	assert_non_null(strstr(s.p, "  says         os=debian\n"));
	assert_non_null(strstr(s.p, "  would be     db-1\n"));
	str_clear(&s);
	host_keys_clear(&k);
	free(text);
}

static void
one_is_found_by_hash_id_or_hostname(void **state)
{
	struct host_keys k = {0};
	struct str s = STR_INIT;
	struct statement a, b;
	const struct host_asks *found = NULL;
	char hex[HASH_HEX];

	(void)state;
	make_enrol(&a, "db-1", "localhost", FIXTURE_BY(HOST, LINK));
	make_enrol(&b, "db-2", "localhost", FIXTURE_BY(HOST, LINK));
	str_add(&s, "{\"waiting\":[");
	add_waiting(&s, &a, &a.hash);
	str_addc(&s, ',');
	add_waiting(&s, &b, &b.hash);
	str_add(&s, "]}");
	assert_int_equal(parse(s.p, &k), 0);
	hash_hex(&b.hash, hex);
	assert_int_equal(host_asks_find(&k, hex, &found, &err), 0);
	assert_string_equal(found->enrol.by, "db-2");
	hex[8] = '\0';
	found = NULL;
	assert_int_equal(host_asks_find(&k, hex, &found, &err), 0);
	assert_string_equal(found->enrol.by, "db-2");
	hex[7] = '\0';
	assert_int_equal(host_asks_find(&k, hex, &found, &err), ERR_NOTFOUND);
	assert_int_equal(host_asks_find(&k, "db-1", &found, &err), 0);
	assert_int_equal(host_asks_find(&k, "localhost", &found, &err),
	    ERR_USAGE);
	assert_non_null(strstr(err.msg, "several"));
	assert_int_equal(host_asks_find(&k, "db-3", &found, &err),
	    ERR_NOTFOUND);
	host_keys_clear(&k);
	str_clear(&s);
	statement_clear(&a);
	statement_clear(&b);
}

/* As a master tells them: a page at a time. */
static void
those_that_wait_come_in_pages(void **state)
{
	struct host_keys k = {0};
	struct str s = STR_INIT;
	struct statement a, b;
	uint64_t next = 9;
	json_t *o = NULL;

	(void)state;
	make_enrol(&a, "db-1", "db-1", FIXTURE_BY(HOST, LINK));
	make_enrol(&b, "db-2", "db-2", FIXTURE_BY(HOST, LINK));
	str_add(&s, "{\"hosts\":[" KNOWN "],\"next\":\"1\",\"waiting\":[");
	add_waiting(&s, &a, &a.hash);
	str_add(&s,
	    "],\"rejected\":[{\"enrol\":\"" ACCEPT
	    "\",\"hostname\":\"x\",\"reason\":\"no\"}]}");
	assert_int_equal(json_read(slice_str(s.p), 1 << 20, &o, &err), 0);
	assert_int_equal(host_keys_parse(o, fixture_realm(), &k, &next, &err),
	    0);
	json_decref(o);
	assert_int_equal(next, 1);
	str_reset(&s);
	str_add(&s, "{\"hosts\":[],\"waiting\":[");
	add_waiting(&s, &b, &b.hash);
	str_add(&s, "]}");
	assert_int_equal(json_read(slice_str(s.p), 1 << 20, &o, &err), 0);
	assert_int_equal(host_keys_parse(o, fixture_realm(), &k, &next, &err),
	    0);
	json_decref(o);
	assert_int_equal(next, 0);
	assert_int_equal(k.n_hosts, 1);
	assert_int_equal(k.n_waiting, 2);
	assert_int_equal(k.n_refused, 1);
	assert_string_equal(k.refused[0].reason, "no");
	assert_string_equal(k.waiting[1].enrol.by, "db-2");
	host_keys_clear(&k);
	str_clear(&s);
	statement_clear(&a);
	statement_clear(&b);
}

static int
parse_enrol(const struct statement *e, const struct hash *name)
{
	struct host_keys k = {0};
	struct str s = STR_INIT;
	int r;

	str_add(&s, "{\"waiting\":[");
	add_waiting(&s, e, name);
	str_add(&s, "]}");
	r = parse(s.p, &k);
	print_message("%s\n", err.msg);
	host_keys_clear(&k);
	str_clear(&s);
	return r;
}

/* What an operator is shown is what the host said, or nothing. */
static void
an_enrol_is_not_believed_but_checked(void **state)
{
	struct hash other = fixture_hash(3), realm = fixture_hash(4);
	struct statement e;

	(void)state;
	make_enrol(&e, "db-1", "db-1", FIXTURE_BY(HOST, LINK));
	assert_int_equal(parse_enrol(&e, &other), ERR_DENIED);
	assert_int_equal(host_enrol_check(&e, &realm, &err), ERR_DENIED);
	e.bytes[e.message_len - 4] ^= 1; /* the last digit of boot_id */
	assert_int_equal(parse_enrol(&e, &e.hash), ERR_BADSIG);
	statement_clear(&e);
	make_enrol(&e, "db-1", "db-1", FIXTURE_BY(HOST));
	assert_int_equal(parse_enrol(&e, &e.hash), ERR_BADSIG);
	assert_non_null(strstr(err.msg, "waiting, entry 1"));
	statement_clear(&e);
	make_enrol(&e, "db-1", "db-1", FIXTURE_BY(LINK, SEED_MALLORY));
	assert_int_equal(parse_enrol(&e, &e.hash), ERR_BADSIG);
	statement_clear(&e);
	fixture_request(&e, ALICE);
	fixture_sign(&e, FIXTURE_BY(SEED_ALICE));
	assert_int_equal(parse_enrol(&e, &e.hash), ERR_PARSE);
	statement_clear(&e);
}

static void
lists_are_read_strictly(void **state)
{
	static const struct {
		const char *text, *word;
	} cases[] = {
	    {"{\"hosts\":1}", "'hosts'"},
	    {"{\"hosts\":[1]}", "hosts, entry 1"},
	    {"{\"hosts\":[{\"accept\":\"" ACCEPT "\"}]}", "'host'"},
	    {"{\"hosts\":[{\"host\":\"A b\",\"accept\":\"" ACCEPT "\"}]}",
		"no id"},
	    {"{\"hosts\":[{\"host\":\"a\",\"accept\":\"12\"}]}", "'accept'"},
	    {"{\"hosts\":[" KNOWN ",{\"host\":\"a\",\"accept\":\"" ACCEPT
	     "\",\"reason\":\"\\u001b\"}]}",
		"hosts, entry 2"},
	    {"{\"tokens\":[{\"token\":\"" ACCEPT "\"}]}", "tokens, entry 1"},
	    {"{\"waiting\":[{\"enrol\":\"" ACCEPT "\"}]}", "'statement'"},
	};
	struct host_keys k = {0};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		assert_int_not_equal(parse(cases[i].text, &k), 0);
		print_message("%s\n", err.msg);
		assert_non_null(strstr(err.msg, cases[i].word));
		assert_null(k.hosts);
	}
	assert_int_equal(parse("{}", &k), 0);
	assert_int_equal(k.n_hosts + k.n_waiting, 0);
}

static int
try_keys(void *arg)
{
	struct host_keys k = {0};
	int r = host_keys_parse(arg, fixture_realm(), &k, NULL, NULL);

	host_keys_clear(&k);
	return r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	char *text = whole_answer();
	json_t *o = NULL;

	(void)state;
	assert_int_equal(json_read(slice_str(text), 1 << 20, &o, &err), 0);
	assert_true(alloc_each(try_keys, o) > 20);
	json_decref(o);
	free(text);
}

/* --- how hosts are -------------------------------------------------------- */

static int
states_of(const char *text, struct host_states *s)
{
	json_t *o = NULL;
	int r;

	assert_int_equal(json_read(slice_str(text), 1 << 20, &o, &err), 0);
	r = host_states_parse(o, s, NULL, &err);
	json_decref(o);
	return r;
}

static void
who_needs_somebody_comes_first(void **state)
{
	static const char text[] =
	    "{\"hosts\":["
	    "{\"host\":\"a\",\"connected\":true,\"fleet_version\":\"3\","
	    "\"target\":\"3\",\"outcome\":\"unchanged\",\"drift\":false},"
	    "{\"host\":\"b\",\"fleet_version\":\"3\",\"target\":\"3\","
	    "\"alarms\":[{\"at\":\"2026-03-02T10:00:00Z\",\"what\":"
	    "\"silent\"}]},"
	    "{\"host\":\"c\",\"outcome\":\"changed\",\"drift\":true},"
	    "{\"host\":\"d\",\"fleet_version\":\"2\",\"target\":\"3\"},"
	    "{\"host\":\"e\",\"outcome\":\"undone\",\"drift\":\"sshd\"}]}";
	static const char *const want[] = {"b", "d", "e", "a", "c"};
	struct host_states s = {0};
	struct str line = STR_INIT;

	(void)state;
	assert_int_equal(states_of(text, &s), 0);
	assert_string_equal(host_state_find(&s, "c")->drift, "yes");
	assert_string_equal(host_state_find(&s, "e")->drift, "sshd");
	assert_string_equal(host_state_find(&s, "a")->drift, "");
	assert_null(host_state_find(&s, "f"));
	host_states_sort(&s);
	for (size_t i = 0; i < LEN(want); i++)
		assert_string_equal(s.v[i].host, want[i]);
	host_states_summary(&s, &line);
	assert_string_equal(line.p,
	    "5 hosts, 1 connected, 3 behind, 1 with alarms");
	str_clear(&line);
	host_states_clear(&s);
	assert_int_equal(states_of("{\"hosts\":[{\"host\":\"a\",\"target\":3}]"
				   "}",
			     &s),
	    ERR_PARSE);
	assert_non_null(strstr(err.msg, "'target'"));
	assert_int_equal(states_of("{}", &s), ERR_PARSE);
}

static void
how_long_ago_is_one_number(void **state)
{
	static const struct {
		int64_t secs;
		const char *want;
	} cases[] = {{-5, "now"}, {0, "now"}, {1, "1 s"}, {59, "59 s"},
	    {60, "1 m"}, {3599, "59 m"}, {3600, "1 h"}, {86399, "23 h"},
	    {86400, "1 d"}, {864000, "10 d"}};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct str s = STR_INIT;

		host_state_ago(FIXTURE_NOW, FIXTURE_NOW + cases[i].secs, &s);
		assert_string_equal(s.p, cases[i].want);
		str_clear(&s);
	}
}

/* --- where masters are ---------------------------------------------------- */

/* The emergency's keys are masters', instead. */
static struct policy *
policy_with_masters(void)
{
	const char *from = strstr(FIXTURE_CA_YAML, "  user: "),
		   *to = strstr(FIXTURE_CA_YAML, "grants:\n");
	struct str ca = STR_INIT;
	struct policy *p;

	assert_true(from != NULL && to != NULL);
	str_addn(&ca, FIXTURE_CA_YAML, (size_t)(from - FIXTURE_CA_YAML));
	str_addf(&ca,
	    "  user: [user_ca]\n  host: [host_ca]\n  log: [ca_log]\n"
	    "  master: [emergency_ca, emergency_log]\n%s",
	    to);
	p = fixture_policy(NULL, ca.p);
	str_clear(&ca);
	return p;
}

static struct fleet *
fleet_with_masters(void)
{
	return fleetcase_parse(
	    "==> fleet.yaml\n"
	    "masters:\n"
	    "  - {address: m1.example.com, key: emergency_log}\n"
	    "  - {address: \"[2001:db8::1]:24\", key: user_ca}\n"
	    "==> top.yaml\n"
	    "states: []\n");
}

static void
a_master_has_the_key_that_is_signed(void **state)
{
	struct policy *p = policy_with_masters();
	struct fleet *f = fleet_with_masters();
	struct master_places m = {0};
	struct str s = STR_INIT, want = STR_INIT;

	(void)state;
	assert_int_equal(master_places(f, p, NULL, &m, &err), 0);
	assert_int_equal(m.n, 2);
	assert_string_equal(m.v[0].address, "m1.example.com:2023");
	assert_int_equal(master_known_hosts(&m.v[0], p, &s, &err), 0);
	str_addf(&want, "writ-master %s\n", fixture_line(SEED_EMERGENCY_LOG));
	assert_string_equal(s.p, want.p);
	/* user_ca is an authority, and no master's. */
	assert_int_equal(master_known_hosts(&m.v[1], p, &s, &err),
	    ERR_NOTFOUND);
	master_places_clear(&m);
	/* One that is chosen has its own key, however it is written. */
	assert_int_equal(master_places(f, p, "root@m1.example.com:2023", &m,
			     &err),
	    0);
	assert_int_equal(m.n, 1);
	assert_int_equal(m.v[0].keys.n, 1);
	assert_string_equal(m.v[0].keys.v[0], "emergency_log");
	master_places_clear(&m);
	/* Another one may have any of the masters'. */
	assert_int_equal(master_places(f, p, "10.0.0.1", &m, &err), 0);
	assert_int_equal(m.v[0].keys.n, 2);
	master_places_clear(&m);
	assert_int_equal(master_places(NULL, p, "10.0.0.1", &m, &err), 0);
	master_places_clear(&m);
	str_clear(&s);
	str_clear(&want);
	fleet_free(f);
	policy_free(p);
}

static void
where_none_is_named_it_is_said(void **state)
{
	struct policy *p = fixture_policy(NULL, NULL);
	struct master_places m = {0};

	(void)state;
	assert_int_equal(master_places(NULL, p, NULL, &m, &err), ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "no fleet is published"));
	assert_int_equal(master_places(NULL, p, "m", &m, &err), ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "authorities: master"));
	assert_int_equal(master_places(NULL, p, "-oProxyCommand=x", &m, &err),
	    ERR_USAGE);
	assert_null(m.v);
	policy_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hosts_and_those_that_ask_are_read),
	    cmocka_unit_test(one_is_found_by_hash_id_or_hostname),
	    cmocka_unit_test(those_that_wait_come_in_pages),
	    cmocka_unit_test(an_enrol_is_not_believed_but_checked),
	    cmocka_unit_test(lists_are_read_strictly),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	    cmocka_unit_test(who_needs_somebody_comes_first),
	    cmocka_unit_test(how_long_ago_is_one_number),
	    cmocka_unit_test(a_master_has_the_key_that_is_signed),
	    cmocka_unit_test(where_none_is_named_it_is_said),
	};

	return cmocka_run_group_tests_name("master_told", tests, NULL, NULL);
}
