/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "ca/audit/page.h"
#include "lib/base/json.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"

#define SINCE INT64_C(1772442000) /* 2026-03-02T09:00:00Z */
#define HOUR  3600

/* --- gaps ----------------------------------------------------------------- */

static void
hosts_that_say_nothing_are_gaps(void **state)
{
	static const struct {
		const char *name, *row, *kind;
		int64_t at;
	} cases[] = {
	    {"at hand",
		"{\"host\":\"a\",\"connected\":\"yes\",\"last_contact\":"
		"\"2026-01-01T00:00:00Z\"}",
		NULL, 0},
	    {"heard of just now",
		"{\"host\":\"a\",\"connected\":\"no\",\"last_contact\":"
		"\"2026-03-02T07:00:00Z\"}",
		NULL, 0},
	    {"a second more",
		"{\"host\":\"a\",\"connected\":\"no\",\"last_contact\":"
		"\"2026-03-02T06:59:59Z\"}",
		"silent", SINCE - 2 * HOUR - 1},
	    {"never heard of", "{\"host\":\"a\",\"connected\":\"no\"}",
		"silent", 0},
	    {"reports that are not there",
		"{\"host\":\"a\",\"connected\":\"yes\",\"alarms\":\"x; reports "
		"before the last one are missing\"}",
		"reports missing", 0},
	    {"lines that a host could not keep",
		"{\"host\":\"a\",\"connected\":\"yes\",\"alarms\":\"7 lines "
		"about logins could not be kept\"}",
		"reports missing", 0},
	    {"another alarm",
		"{\"host\":\"a\",\"connected\":\"yes\",\"alarms\":\"x\"}", NULL,
		0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gaps g = {0};
		struct str text = STR_INIT;
		json_t *rows = NULL;

		str_addf(&text, "[%s]", cases[i].row);
		assert_int_equal(json_read_list(slice_str(text.p), 999, &rows,
				     NULL),
		    0);
		assert_int_equal(gaps_of_hosts(&g, rows, SINCE, NULL), 0);
		if (g.n != (cases[i].kind != NULL) || g.n_alarms != g.n ||
		    (g.n == 1 &&
			(strcmp(g.v[0].kind, cases[i].kind) != 0 ||
			    g.v[0].at != cases[i].at)))
			fail_msg("%s", cases[i].name);
		gaps_clear(&g);
		json_decref(rows);
		str_clear(&text);
	}
}

static void
a_host_without_a_name_is_none(void **state)
{
	struct gaps g = {0};
	struct err e = {0};
	json_t *rows = NULL;

	(void)state;
	assert_int_equal(json_read_list(slice_str("[{\"host\":\"a\"},{}]"), 99,
			     &rows, NULL),
	    0);
	assert_int_equal(gaps_of_hosts(&g, rows, SINCE, &e), ERR_PARSE);
	assert_non_null(strstr(e.msg, "host 2: 'host' is missing"));
	gaps_clear(&g);
	json_decref(rows);
}

static void
what_nobody_used_is_one_once_it_is_over(void **state)
{
	static const struct {
		const char *name;
		bool used;
		int64_t after, before;
		size_t n;
	} cases[] = {
	    {"over, and not used", false, SINCE, SINCE + HOUR, 1},
	    {"used", true, SINCE, SINCE + HOUR, 0},
	    {"good for a second more", false, SINCE, SINCE + HOUR + 1, 0},
	    {"of before", false, SINCE - 1, SINCE + HOUR, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct grant_use v = {.serial = 7,
		    .person = (char *)(uintptr_t)ALICE,
		    .reason = (char *)(uintptr_t) "why",
		    .used = cases[i].used,
		    .valid_after = cases[i].after,
		    .valid_before = cases[i].before};
		const struct issued s = {.v = &v, .n = 1};
		struct gaps g = {0};

		assert_int_equal(gaps_of_unused(&g, &s, SINCE, SINCE + HOUR),
		    0);
		if (g.n != cases[i].n || g.n_alarms != 0)
			fail_msg("%s: %zu", cases[i].name, g.n);
		if (g.n > 0)
			assert_string_equal(g.v[0].what, "serial 7: why");
		gaps_clear(&g);
	}
}

/* --- the page ------------------------------------------------------------- */

static void
what_html_would_take_for_more_is_written_otherwise(void **state)
{
	static const struct {
		const char *text, *html;
	} cases[] = {
	    {NULL, ""},
	    {"", ""},
	    {"deploy 4711", "deploy 4711"},
	    {"<script>alert(1)</script>",
		"&lt;script&gt;alert(1)&lt;/script&gt;"},
	    {"\" onload='x'&", "&quot; onload=&#39;x&#39;&amp;"},
	    {"&lt;", "&amp;lt;"},
	    {"Grüße", "Grüße"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str s = STR_INIT;

		page_text(&s, cases[i].text);
		assert_string_equal(s.p, cases[i].html);
		str_clear(&s);
	}
}

/* Two logins by one certificate, one ended; one with a password. */
struct story {
	struct uses uses;
	struct issued issued;
	struct gaps gaps;
	struct policy *policy;
	struct page page;
	struct grant_use grant;
};

static void
add_use(struct story *s, enum login_what what, const char *host, int64_t at,
    const char *session, bool with_certificate)
{
	static struct use v[8];
	struct use *u = &v[s->uses.n++];

	*u = (struct use){.host = (char *)(uintptr_t)host,
	    .event = {.what = what,
		.at = at,
		.session = (char *)(uintptr_t)session,
		.account = (char *)(uintptr_t) "<b>",
		.has_cert = with_certificate,
		.serial = 7}};
	pubkey_hash(fixture_key(SEED_USER_CA), &u->event.ca);
	s->uses.v = v;
}

/* After all of it. */
static const struct revocation taken_away = {.at = SINCE + 3 * HOUR,
    .by = (char *)(uintptr_t)OLGA,
    .reason = (char *)(uintptr_t) "lost & found"};

static void
story_init(struct story *s)
{
	memset(s, 0, sizeof(*s));
	add_use(s, LOGIN_IN, "web-2", SINCE + HOUR, NULL, false);
	add_use(s, LOGIN_IN, "web-1", SINCE + 1800, "b.2.1", true);
	s->uses.v[s->uses.n - 1].clock = 7200;
	add_use(s, LOGIN_IN, "web-1", SINCE + 60, "b.1.1", true);
	add_use(s, LOGIN_OUT, "web-2", SINCE + 120, "b.2.1", false);
	add_use(s, LOGIN_OUT, "web-1", SINCE + 660, "b.1.1", false);
	s->grant = (struct grant_use){.serial = 7,
	    .person = (char *)(uintptr_t)ALICE,
	    .grant = (char *)(uintptr_t) "deploy",
	    .reason = (char *)(uintptr_t) "a < b & c",
	    .approved_by = (char *)(uintptr_t)OLGA,
	    .log = (char *)(uintptr_t) "ca_log",
	    .index = 17,
	    .valid_after = SINCE,
	    .valid_before = SINCE + HOUR,
	    .revoked = &taken_away,
	    .revoked_what = "the certificate"};
	pubkey_hash(fixture_key(SEED_USER_CA), &s->grant.ca);
	assert_int_equal(strs_add(&s->grant.principals, "deploy"), 0);
	s->issued = (struct issued){.v = &s->grant, .n = 1};
	s->policy = fixture_policy(NULL, NULL);
	assert_int_equal(gaps_of_logins(&s->gaps, &s->uses, &s->issued,
			     s->policy, SINCE),
	    0);
	s->page = (struct page){.title = "dir:<log>",
	    .realm = "SHA256:x",
	    .made = SINCE + 2 * HOUR,
	    .since = SINCE,
	    .until = SINCE + 2 * HOUR,
	    .uses = &s->uses,
	    .issued = &s->issued,
	    .policy = s->policy,
	    .gaps = &s->gaps};
}

static void
story_clear(struct story *s)
{
	strs_clear(&s->grant.principals);
	gaps_clear(&s->gaps);
	policy_free(s->policy);
}

#define REVOKED                                                \
	"the certificate was revoked at 2026-03-02T12:00:00Z " \
	"by " OLGA ": lost &amp; found"

static void
a_page_has_every_login_with_its_reason(void **state)
{
	static const char *const has[] = {
	    "<title>Logins: dir:&lt;log&gt;</title>",
	    "<dt>Logins</dt><dd>3</dd>",
	    "<dt>Hosts</dt><dd>2</dd>",
	    "<dt>Persons</dt><dd>1</dd>",
	    "<dt>Certificates issued</dt><dd>1</dd>",
	    "<dt>Alarms</dt><dd>1</dd>",
	    "<td class=bad>no certificate</td>",
	    /* The first of two, which began and ended. */
	    "<tr><td class=t><time "
	    "datetime=\"2026-03-02T09:01:00Z\">2026-03-02 "
	    "09:01:00</time></td><td class=t><time "
	    "datetime=\"2026-03-02T09:11:00Z\">2026-03-02 09:11:00</time></td>"
	    "<td>web-1</td><td>&lt;b&gt;</td><td>" ALICE "</td><td></td>"
	    "<td>a &lt; b &amp; c</td><td></td><td>" OLGA "</td>"
	    "<td class=p>issued, serial 7, ca_log:17; " REVOKED "</td></tr>",
	    /* The other one's end is another host's session. */
	    "09:30:00</time> <small class=bad>its clock is 2h ahead</small>"
	    "</td><td class=t></td><td>web-1</td>",
	    "<th scope=row>web-1</th><td>2</td>",
	    "<th scope=row>(nobody known)</th><td>1</td>",
	    "<rect class=bar x=8 width=83 height=10 />", /* 60 s, for 600 s */
	    "<td>7</td><td>yes</td><td>" REVOKED "</td></tr>",
	};
	static const char *const has_not[] = {
	    "<b>", "http:", "https:", "src=", "<link", "@import", "url("};
	struct str out = STR_INIT;
	struct story s;

	(void)state;
	story_init(&s);
	assert_int_equal(page_write(&s.page, &out), 0);
	for (size_t i = 0; i < sizeof(has) / sizeof(has[0]); i++)
		if (strstr(out.p, has[i]) == NULL)
			fail_msg("it lacks: %s\n%s", has[i], out.p);
	for (size_t i = 0; i < sizeof(has_not) / sizeof(has_not[0]); i++)
		if (strstr(out.p, has_not[i]) != NULL)
			fail_msg("it has: %s", has_not[i]);
	str_clear(&out);
	story_clear(&s);
}

/* As its hosts told them: qsort() need not keep what it takes for equal. */
static void
logins_of_one_second_stay_in_their_order(void **state)
{
	enum { N = 300 };
	static char names[N][8];
	static struct use v[N];
	const struct uses uses = {.v = v, .n = N};
	struct str out = STR_INIT, cell = STR_INIT;
	const char *at;
	struct story s;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "a%03zu",
		    (i * 7) % N);
		v[i].host = (char *)(uintptr_t) "web-1";
		v[i].event.what = LOGIN_IN;
		v[i].event.at = SINCE;
		v[i].event.account = names[i];
	}
	story_init(&s);
	s.page.uses = &uses;
	assert_int_equal(page_write(&s.page, &out), 0);
	at = strstr(out.p, "id=logins");
	for (size_t i = 0; i < N; i++) {
		str_reset(&cell);
		str_addf(&cell, "<td>%s</td>", names[i]);
		assert_non_null(at);
		at = strstr(at, cell.p);
	}
	assert_non_null(at);
	str_clear(&cell);
	str_clear(&out);
	story_clear(&s);
}

static void
a_page_of_nothing_is_one(void **state)
{
	struct str out = STR_INIT;
	const struct uses none = {0};
	struct story s;

	(void)state;
	story_init(&s);
	gaps_clear(&s.gaps);
	s.page.uses = &none;
	s.page.until = s.page.since;
	assert_int_equal(page_write(&s.page, &out), 0);
	assert_non_null(strstr(out.p, "<dt>Logins</dt><dd>0</dd>"));
	assert_non_null(strstr(out.p, "None: every login is explained"));
	assert_null(strstr(out.p, "<rect"));
	str_clear(&out);
	story_clear(&s);
}

static int
write_once(void *arg)
{
	struct story *s = arg;
	struct str out = STR_INIT;
	struct gaps g = {0};
	int r;

	if ((r = gaps_of_logins(&g, &s->uses, &s->issued, s->policy, SINCE)) ==
	    0)
		r = page_write(&s->page, &out);
	gaps_clear(&g);
	str_clear(&out);
	return r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	struct story s;

	(void)state;
	story_init(&s);
	assert_true(alloc_each(write_once, &s) > 10);
	story_clear(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hosts_that_say_nothing_are_gaps),
	    cmocka_unit_test(a_host_without_a_name_is_none),
	    cmocka_unit_test(what_nobody_used_is_one_once_it_is_over),
	    cmocka_unit_test(
		what_html_would_take_for_more_is_written_otherwise),
	    cmocka_unit_test(a_page_has_every_login_with_its_reason),
	    cmocka_unit_test(logins_of_one_second_stay_in_their_order),
	    cmocka_unit_test(a_page_of_nothing_is_one),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
