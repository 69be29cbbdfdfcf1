/* SPDX-License-Identifier: ISC */
/* The XML reader for S3's answers, and the page of versions read with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/blob/s3.h"
#include "lib/blob/s3_xml.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"

/* The events of doc as text: "<a" opens, "a>" closes with its text. */
static int
events(const char *doc, size_t n, struct str *out)
{
	enum s3_xml_event ev = S3_XML_OPEN;
	struct s3_xml x;
	int r = 0;

	s3_xml_init(&x, slice_of(doc, n));
	while (r == 0 && ev != S3_XML_END) {
		if ((r = s3_xml_next(&x, &ev)) != 0 || ev == S3_XML_END)
			break;
		if (ev == S3_XML_OPEN)
			str_addc(out, '<');
		str_addn(out, (const char *)x.name.p, x.name.n);
		if (ev == S3_XML_CLOSE) {
			str_addc(out, '=');
			str_addn(out, x.text, x.text_len);
			str_addc(out, '>');
		}
	}
	return r;
}

static void
documents_are_read_as_elements_and_text(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
	    {"<a/>", "<aa=>"},
	    {"<a />", "<aa=>"},
	    {"<a></a>", "<aa=>"},
	    {" \n<a>x</a>\n ", "<aa=x>"},
	    {"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>x</a>", "<aa=x>"},
	    {"<a xmlns=\"http://x/y>\" b='c'>x</a>", "<aa=x>"},
	    {"<a> <b>1</b>\n<c/> </a>", "<a<bb=1><cc=>a=>"},
	    {"<a> x </a>", "<aa= x >"},
	    {"<a>&lt;&amp;&gt;&quot;&apos;</a>", "<aa=<&>\"'>"},
	    {"<a>&#65;&#x42;&#xe9;&#x20AC;&#x1F600;</a>",
		"<aa=AB\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80>"},
	    {"<a>\xff\x01</a>", "<aa=\xff\x01>"},
	    {"<ns:a-b.c_d>x</ns:a-b.c_d >", "<ns:a-b.c_dns:a-b.c_d=x>"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct str s = STR_INIT;

		if (events(cases[i].in, strlen(cases[i].in), &s) != 0)
			fail_msg("refused: %s", cases[i].in);
		assert_string_equal(s.p, cases[i].want);
		str_clear(&s);
	}
}

static void
what_is_not_the_little_xml_of_s3_is_refused(void **state)
{
	static const char *const cases[] = {"", " ", "x", "<", "<a", "<a>",
	    "<a>x", "<a></b>", "</a>", "<a></a><b></b>", "<a></a>x",
	    "<a><b></a></b>", "<a>x<b/></a>", "<a><b/>x</a>",
	    "<!DOCTYPE a><a/>", "<a><!-- c --></a>", "<a><![CDATA[x]]></a>",
	    "<a><?pi?></a>", "<?xml", "<a b></a>", "<a b=c></a>",
	    "<a b=\"c></a>", "<a b=\"c\"d=\"e\"/>", "<a>&x;</a>", "<a>&</a>",
	    "<a>&;</a>", "<a>&#;</a>", "<a>&#x;</a>", "<a>&#0;</a>",
	    "<a>&#xd800;</a>", "<a>&#x110000;</a>", "<a>&#12a;</a>",
	    "<a>&#99999999999;</a>", "<a>&amp</a>", "< a/>", "<a/ >",
	    "<a></ a>", "<?xml?><?xml?><a/>"};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct str s = STR_INIT;

		if (events(cases[i], strlen(cases[i]), &s) != ERR_PARSE)
			fail_msg("taken: %s", cases[i]);
		str_clear(&s);
	}
	struct str s = STR_INIT;
	assert_int_equal(events("<a>\0</a>", 8, &s), ERR_PARSE);
	str_clear(&s);
}

static void
nested(struct str *doc, int depth)
{
	for (int i = 0; i < depth; i++)
		str_add(doc, "<a>");
	for (int i = 0; i < depth; i++)
		str_add(doc, "</a>");
}

static void
depth_and_text_have_limits(void **state)
{
	struct str doc = STR_INIT, out = STR_INIT;

	(void)state;
	nested(&doc, S3_XML_DEPTH);
	assert_int_equal(events(doc.p, doc.n, &out), 0);
	str_reset(&doc);
	nested(&doc, S3_XML_DEPTH + 1);
	assert_int_equal(events(doc.p, doc.n, &out), ERR_LIMIT);
	for (int extra = 0; extra < 2; extra++) {
		str_reset(&doc);
		str_add(&doc, "<a>");
		for (int i = 0; i < S3_XML_TEXT_MAX + extra; i++)
			str_addc(&doc, 'x');
		str_add(&doc, "</a>");
		assert_int_equal(events(doc.p, doc.n, &out),
		    extra == 0 ? 0 : ERR_LIMIT);
	}
	str_clear(&doc);
	str_clear(&out);
}

static void
a_leaf_is_found_by_name(void **state)
{
	struct slice doc = slice_str("<Error><Code>SlowDown</Code><D><Code>2"
				     "</Code></D></Error>");
	char out[9];

	(void)state;
	assert_int_equal(s3_xml_find(doc, "Code", out, sizeof(out)), 0);
	assert_string_equal(out, "SlowDown");
	assert_int_equal(s3_xml_find(doc, "Code", out, 8), ERR_LIMIT);
	assert_int_equal(s3_xml_find(doc, "D", out, sizeof(out)), ERR_NOTFOUND);
	assert_int_equal(s3_xml_find(slice_str("<a><Code>x</Code>"), "Code",
			     out, sizeof(out)),
	    ERR_PARSE);
}

static const char page[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
    "<ListVersionsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
    "<Name>b</Name><Prefix></Prefix><IsTruncated>true</IsTruncated>"
    "<KeyMarker/><NextKeyMarker>p/c&amp;d</NextKeyMarker>"
    "<NextVersionIdMarker>v9</NextVersionIdMarker>"
    "<Version><Key>p/a</Key><VersionId>v2</VersionId>"
    "<IsLatest>true</IsLatest><ETag>&quot;e&quot;</ETag><Size>6</Size>"
    "<Owner><ID>x</ID><Key>not this</Key></Owner></Version>"
    "<Version><Key>p/a</Key><VersionId>v1</VersionId>"
    "<IsLatest>false</IsLatest><Size>7</Size></Version>"
    "<DeleteMarker><Key>p/c&amp;d</Key><VersionId>v9</VersionId>"
    "<IsLatest>true</IsLatest></DeleteMarker></ListVersionsResult>";

static int
append(void *ctx, const struct blob_info *i)
{
	str_addf(ctx, "%s %s %d%s%s\n", i->key, i->version, (int)i->size,
	    i->latest ? " latest" : "", i->deleted ? " deleted" : "");
	return 0;
}

static void
a_document_is_known_by_its_root(void **state)
{
	(void)state;
	assert_true(s3_xml_is(
	    slice_str("<?xml version=\"1.0\"?>\n<Retention xmlns=\"x\">"),
	    "Retention"));
	assert_true(s3_xml_is(slice_str("<Retention/>"), "Retention"));
	assert_false(s3_xml_is(slice_str("<Retention2/>"), "Retention"));
	assert_false(s3_xml_is(slice_str("<L><Retention/></L>"), "Retention"));
	assert_false(s3_xml_is(slice_str("{\"a\":1}"), "Retention"));
	assert_false(s3_xml_is(slice_str(""), "Retention"));
}

static void
a_page_of_versions_is_read(void **state)
{
	struct s3_page p = {0};
	struct str s = STR_INIT;

	(void)state;
	assert_int_equal(s3_page_read(slice_str(page), append, &s, &p, NULL),
	    0);
	assert_string_equal(s.p,
	    "p/a v2 6 latest\np/a v1 7\np/c&d v9 0 latest deleted\n");
	assert_true(p.truncated);
	assert_string_equal(p.key_marker, "p/c&d");
	assert_string_equal(p.version_marker, "v9");
	s3_page_clear(&p);
	str_clear(&s);
}

/* "null" where the next page begins, after a last entry of p/b that has VERSION. */
static void
expect_marker(const char *key, const char *version, const char *want)
{
	struct s3_page p = {0};
	struct str s = STR_INIT, doc = STR_INIT;

	str_addf(&doc,
	    "<ListVersionsResult><NextKeyMarker>%s</NextKeyMarker>"
	    "<NextVersionIdMarker>null</NextVersionIdMarker>"
	    "<IsTruncated>true</IsTruncated><Version><Key>p/b</Key>"
	    "<VersionId>%s</VersionId></Version></ListVersionsResult>",
	    key, version);
	assert_int_equal(s3_page_read(slice_str(doc.p), append, &s, &p, NULL),
	    0);
	assert_string_equal(p.key_marker, key);
	assert_string_equal(p.version_marker, want);
	s3_page_clear(&p);
	str_clear(&doc);
	str_clear(&s);
}

static void
a_page_goes_on_after_its_last_version(void **state)
{
	(void)state;
	expect_marker("p/b", "v1", "v1");
	expect_marker("p/b", "null", "null");
	expect_marker("p/b", "", "null");
	expect_marker("p/c", "v1", "null");
}

static void
a_page_that_says_half_is_refused(void **state)
{
	static const char *const cases[] = {
	    "<ListVersionsResult></ListVersionsResult>",
	    "<Error><Code>x</Code></Error>",
	    "<ListVersionsResult><IsTruncated>true</IsTruncated>"
	    "</ListVersionsResult>",
	    "<ListVersionsResult><IsTruncated>1</IsTruncated>"
	    "</ListVersionsResult>",
	    "<ListVersionsResult><Version><Size>1</Size></Version>"
	    "<IsTruncated>false</IsTruncated></ListVersionsResult>",
	    "<ListVersionsResult><Version><Key>k</Key><Size>-1</Size>"
	    "</Version><IsTruncated>false</IsTruncated></ListVersionsResult>",
	    "<html><p>welcome<br></html>",
	};
	struct str s = STR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct s3_page p = {0};
		struct err e = {0};

		if (s3_page_read(slice_str(cases[i]), append, &s, &p, &e) !=
		    ERR_PARSE)
			fail_msg("taken: %s", cases[i]);
		assert_true(e.msg[0] != '\0');
	}
	str_clear(&s);
}

static int
count_to_two(void *ctx, const struct blob_info *i)
{
	(void)i;
	return ++*(int *)ctx == 2 ? 42 : 0;
}

static void
the_callback_ends_a_page(void **state)
{
	struct s3_page p = {0};
	int n = 0;

	(void)state;
	assert_int_equal(s3_page_read(slice_str(page), count_to_two, &n, &p,
			     NULL),
	    42);
	assert_int_equal(n, 2);
}

static int
ignore(void *ctx, const struct blob_info *i)
{
	*(size_t *)ctx += strlen(i->key) + strlen(i->version);
	return 0;
}

static void
survive(const uint8_t *p, size_t n, void *arg)
{
	struct s3_page out = {0};

	if (s3_page_read(slice_of(p, n), ignore, arg, &out, NULL) == 0)
		s3_page_clear(&out);
	else
		assert_null(out.key_marker);
}

static void
a_cut_page_is_refused(const uint8_t *p, size_t n, void *arg)
{
	struct s3_page out = {0};

	if (s3_page_read(slice_of(p, n), ignore, arg, &out, NULL) == 0)
		fail_msg("%s: taken", mutate_what());
}

static void
every_near_miss_of_a_page_is_survived(void **state)
{
	size_t sum = 0;

	(void)state;
	assert_true(mutate_bits(page, sizeof(page) - 1, survive, &sum) > 0);
	assert_true(mutate_cuts(page, sizeof(page) - 1, a_cut_page_is_refused,
			&sum) > 0);
}

static int
read_page_once(void *arg)
{
	struct s3_page p = {0};
	int r = s3_page_read(slice_str(page), ignore, arg, &p, NULL);

	s3_page_clear(&p);
	return r;
}

static void
memory_that_runs_out_is_told(void **state)
{
	size_t sum = 0;

	(void)state;
	assert_true(alloc_each(read_page_once, &sum) >= 3);
}

static void
dates_of_both_forms_are_read(void **state)
{
	static const char *const bad[] = {"", "2026-12-03T03:12:12", "now",
	    "2026-12-03T03:12:12x00Z", "2026-13-03T03:12:12Z",
	    "2026-12-03T03:12:12.0000000000Z"};
	int64_t t = 0;

	(void)state;
	assert_int_equal(s3_date(NULL, "2026-12-03T03:12:12Z", &t), 0);
	assert_int_equal(t, 1796267532);
	t = 0;
	assert_int_equal(s3_date(NULL, "2026-12-03T03:12:12.000000000Z", &t),
	    0);
	assert_int_equal(t, 1796267532);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(s3_date(NULL, bad[i], &t), ERR_PARSE);
}

static void
paths_and_queries_are_escaped_as_the_signature_wants(void **state)
{
	struct str s = STR_INIT;

	(void)state;
	s3_escape(&s, "a/B-9._~ +%&=\xc3\xa9", true);
	assert_string_equal(s.p, "a/B-9._~%20%2B%25%26%3D%C3%A9");
	str_reset(&s);
	s3_escape(&s, "a/b", false);
	assert_string_equal(s.p, "a%2Fb");
	str_clear(&s);
}

static void
places_and_endpoints_are_checked_before_anything_is_sent(void **state)
{
	static const struct {
		const char *url, *endpoint, *region;
	} bad[] = {
	    {"s3://", NULL, NULL},
	    {"s3://ab", NULL, NULL},
	    {"s3://Bucket", NULL, NULL},
	    {"s3://bucket/a//b", NULL, NULL},
	    {"s3://bucket/../b", NULL, NULL},
	    {"s3://bucket/a b", NULL, NULL},
	    {"s3://bucket", "ftp://h", NULL},
	    {"s3://bucket", "https://", NULL},
	    {"s3://bucket", "https://user@h", NULL},
	    {"s3://bucket", "https://h/path", NULL},
	    {"s3://bucket", "h:80", NULL},
	    {"s3://bucket", NULL, "us:east"},
	    {"s3://bucket", NULL, "evil.example/"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct blob_config c = {
		    .endpoint = bad[i].endpoint, .region = bad[i].region};
		struct blob_store *s = NULL;
		struct err e = {0};

		if (blob_open(bad[i].url, &c, &s, &e) != ERR_PARSE)
			fail_msg("taken: %s %s", bad[i].url,
			    bad[i].endpoint ? bad[i].endpoint : "");
		assert_true(e.msg[0] != '\0');
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(documents_are_read_as_elements_and_text),
	    cmocka_unit_test(what_is_not_the_little_xml_of_s3_is_refused),
	    cmocka_unit_test(depth_and_text_have_limits),
	    cmocka_unit_test(a_leaf_is_found_by_name),
	    cmocka_unit_test(a_document_is_known_by_its_root),
	    cmocka_unit_test(a_page_of_versions_is_read),
	    cmocka_unit_test(a_page_goes_on_after_its_last_version),
	    cmocka_unit_test(a_page_that_says_half_is_refused),
	    cmocka_unit_test(the_callback_ends_a_page),
	    cmocka_unit_test(every_near_miss_of_a_page_is_survived),
	    cmocka_unit_test(memory_that_runs_out_is_told),
	    cmocka_unit_test(dates_of_both_forms_are_read),
	    cmocka_unit_test(
		paths_and_queries_are_escaped_as_the_signature_wants),
	    cmocka_unit_test(
		places_and_endpoints_are_checked_before_anything_is_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
