/* SPDX-License-Identifier: ISC */
/* Notices: what notify.yaml may say, what goes out, and who is told. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/crypto/hmac.h"
#include "lib/notify/channels.h"
#include "lib/notify/format.h"
#include "lib/notify/notice.h"
#include "lib/notify/sender.h"
#include "tests/unit/alloc.h"
#include "tests/unit/tmpdir.h"

static const char good[] =
    "channels:\n"
    "  - name: chat\n"
    "    webhook: https://chat.example.com/hooks/4242\n"
    "    chat: yes\n"
    "    secret: 0123456789abcdef\n"
    "    for: {groups: [approvers], kinds: [waiting, reminder]}\n"
    "  - mail: smtps://mail.example.com\n"
    "    from: writ@example.com\n"
    "    login: {user: writ, password: \"open sesame\"}\n"
    "    to: {olga@example.com: olga.ops@corp.example}\n"
    "  - name: all\n"
    "    mail: smtp://localhost:25\n"
    "    from: writ@example.com\n"
    "    to: \"{person}\"\n"
    "  - exec: [/usr/local/bin/page, --urgent]\n"
    "    for: {persons: [paul@example.com]}\n";

static int
parse(const char *text, struct channels *out, char *first, size_t n)
{
	struct conf_diags d = {0};
	int r = channels_parse("f", slice_str(text), out, &d);

	if (first != NULL)
		(void)snprintf(first, n, "%s", d.n > 0 ? d.v[0].text : "");
	conf_diags_clear(&d);
	return r;
}

static void
a_good_file_is_read_whole(void **state)
{
	struct channels c = {0};

	(void)state;
	assert_int_equal(parse(good, &c, NULL, 0), 0);
	assert_int_equal(c.n, 4);
	assert_int_equal(c.v[0].kind, CHANNEL_WEBHOOK);
	assert_string_equal(c.v[0].name, "chat");
	assert_true(c.v[0].chat);
	assert_string_equal(c.v[0].secret, "0123456789abcdef");
	assert_true(strs_has(&c.v[0].kinds, "reminder"));
	assert_int_equal(c.v[1].kind, CHANNEL_MAIL);
	assert_string_equal(c.v[1].name, "mail");
	assert_string_equal(c.v[1].password, "open sesame");
	assert_int_equal(c.v[1].n_addresses, 1);
	assert_string_equal(c.v[2].to, "{person}");
	assert_int_equal(c.v[3].kind, CHANNEL_EXEC);
	assert_int_equal(c.v[3].argv.n, 2);
	channels_clear(&c);
}

#define WEBHOOK "channels: [{webhook: \"https://x.example/\", "
#define MAIL    "channels: [{mail: \"smtps://x.example\", "

static const struct {
	const char *text, *want; /* in the first fault */
} faults[] = {
    {"", "f:1:1: empty, expected channels:"},
    {"channel: []\n", "f:1:1: unknown key 'channel', expected channels"},
    {"channels: x\n", "f:1:11: 'channels' is text, expected a list"},
    {"channels: [{}]\n", "f:1:12: a channel of no kind, expected one of"},
    {"channels: [x]\n", "f:1:12: a channel is text, expected a mapping"},
    {WEBHOOK "exec: [/bin/true]}]\n",
	"f:1:12: one channel is webhook and exec, expected one of them"},
    {WEBHOOK "from: a@b}]\n",
	"'from' belongs to mail, and this channel is webhook"},
    {MAIL "to: \"{person}\"}]\n", "a channel of mail has no 'from'"},
    {MAIL "from: a@b}]\n", "a channel of mail has no 'to'"},
    {MAIL "from: a@b, to: x@example.com}]\n", "'to' is 'x@example.com'"},
    {MAIL "from: a@b, to: \"{person}{person}\"}]\n", "'to' is"},
    {MAIL "from: a@b, to: {olga: no address}}]\n",
	"'no address' is no mail address"},
    {MAIL "from: a@b, to: {Olga: a@b}}]\n", "not the id of a person"},
    {MAIL "from: a@b, to: {}}]\n", "'to' has 0 entries"},
    {MAIL "from: \"a@b>\\r\\nBcc: <c@d\", to: \"{person}\"}]\n", "'from' is"},
    {MAIL "from: \"a b@c\", to: \"{person}\"}]\n", "is no mail address"},
    {MAIL "from: a@b, to: \"{person}\", login: {user: x}}]\n",
	"login has no 'password'"},
    {"channels: [{webhook: \"http://chat.example.com/\"}]\n",
	"can be read on its way, expected https://"},
    {"channels: [{webhook: \"http://localhost.evil.example/\"}]\n",
	"can be read on its way, expected https://"},
    {"channels: [{webhook: \"http://localhost@evil.example/\"}]\n",
	"not an address as expected"},
    {"channels: [{webhook: \"file:///etc/passwd\"}]\n",
	"not an address as expected"},
    {"channels: [{webhook: \"https:///x\"}]\n", "not an address as expected"},
    {"channels: [{webhook: \"https://x y/\"}]\n", "not an address as expected"},
    {"channels: [{mail: \"https://x/\", from: a@b, to: \"{person}\"}]\n",
	"not an address as expected: smtps://HOST"},
    {WEBHOOK "secret: short}]\n", "'secret' has 5 characters"},
    {WEBHOOK "chat: maybe}]\n", "'chat' is 'maybe', expected yes or no"},
    {"channels: [{exec: []}]\n", "'exec' is an empty list"},
    {"channels: [{exec: [page]}]\n", "'exec' wants the absolute path"},
    {"channels: [{exec: page}]\n", "'exec' is text, expected a list"},
    {"channels: [{exec: [/bin/true], for: {groups: []}}]\n",
	"'groups' is an empty list"},
    {"channels: [{exec: [/bin/true], for: {kinds: [Waiting]}}]\n",
	"'Waiting' is no kind of notice"},
    {"channels: [{exec: [/bin/true], for: {persons: [\"a b\"]}}]\n",
	"'a b' is no name"},
    {"channels: [{exec: [/bin/true], for: {who: [a]}}]\n",
	"unknown key 'who', expected one of groups, persons, kinds"},
    {"channels: [{exec: [/bin/true]}, {exec: [/bin/false]}]\n",
	"a second channel named 'exec'"},
};

static void
every_fault_is_named_with_its_place(void **state)
{
	char got[512];

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct channels c = {0};

		assert_int_equal(parse(faults[i].text, &c, got, sizeof(got)),
		    ERR_PARSE);
		if (strncmp(got, "f:1:", 4) != 0 ||
		    strstr(got, faults[i].want) == NULL)
			fail_msg("%s\n  said: %s\n  wanted: %s", faults[i].text,
			    got, faults[i].want);
		assert_int_equal(c.n, 0);
	}
}

static int
parse_good(void *arg)
{
	struct channels c = {0};
	int r = parse(good, &c, NULL, 0);

	(void)arg;
	channels_clear(&c);
	return r;
}

static void
reading_survives_each_failed_allocation(void **state)
{
	(void)state;
	assert_true(alloc_each(parse_good, NULL) > 20);
}

static void
a_file_that_others_may_read_is_refused(void **state)
{
	char dir[TMPDIR_MAX], *path = NULL;
	struct channels c = {0};
	struct err e = {0};

	(void)state;
	tmpdir_make(dir, "notify");
	assert_int_equal(path_join(dir, "notify.yaml", &path), 0);
	assert_int_equal(channels_load(path, &c, &e), ERR_NOTFOUND);
	assert_int_equal(file_write(path, good, sizeof(good) - 1, 0640, 0, &e),
	    0);
	assert_int_equal(channels_load(path, &c, &e), ERR_DENIED);
	assert_non_null(strstr(e.msg, "(mode 0640)"));
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(channels_load(path, &c, &e), 0);
	assert_int_equal(c.n, 4);
	channels_clear(&c);
	unlink(path);
	rmdir(dir);
	free(path);
}

/* --- notices -------------------------------------------------------------- */

#define HOSTILE "x\\u0022}, {\\u0022text\\u0022: <!channel> `*&* \\u00e9"
static const char waiting[] =
    "{\"kind\": \"waiting\", \"id\": \"ab12\", "
    "\"to\": [\"olga@example.com\", \"paul@example.com\"], "
    "\"groups\": [\"approvers\"], \"person\": \"alice@example.com\", "
    "\"grant\": \"deploy\", \"principals\": [\"deploy\"], "
    "\"reason\": \"" HOSTILE "\", \"ticket\": \"OPS-1\", "
    "\"text\": \"alice@example.com asks for deploy\", "
    "\"how\": \"writ approve ab12\"}";

static void
read_notice(struct notice *n)
{
	struct err e = {0};

	notice_init(n);
	if (notice_parse(slice_str(waiting), n, &e) != 0)
		fail_msg("%s", e.msg);
}

static const char *const bad_notices[] = {
    "",
    "[]",
    "{}",
    "{\"kind\": \"Waiting\", \"id\": \"1\", \"to\": [\"a\"], \"text\": \"x\"}",
    "{\"kind\": \"w\", \"id\": \"1\", \"to\": [\"A\"], \"text\": \"x\"}",
    "{\"kind\": \"w\", \"id\": \"1\", \"to\": [\"a\\r\\nBcc: b\"], "
    "\"text\": \"x\"}",
    "{\"kind\": \"w\", \"id\": \"1\", \"to\": [\"a\"], \"text\": \"x\\ny\"}",
    "{\"kind\": \"w\", \"id\": \"1\", \"to\": [\"a\"], \"text\": \"x\", "
    "\"reason\": \"a\\u001b[31m\"}",
    "{\"kind\": \"w\", \"id\": \"1\", \"to\": [\"a\"], \"text\": \"x\", "
    "\"person\": \"A B\"}",
    "{\"kind\": \"w\", \"id\": \"1\", \"to\": [\"a\"], \"text\": \"x\", "
    "\"more\": 1}",
};

static void
a_notice_that_is_none_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_notices) / sizeof(*bad_notices);
	     i++) {
		struct notice n;
		struct err e = {0};

		notice_init(&n);
		if (notice_parse(slice_str(bad_notices[i]), &n, &e) !=
		    ERR_PARSE)
			fail_msg("taken: %s (%s)", bad_notices[i], e.msg);
		assert_non_null(strstr(e.msg, "notice"));
	}
}

static int
copy_notice(void *arg)
{
	struct notice n, copy;
	struct str s = STR_INIT;
	int r;

	(void)arg;
	notice_init(&n);
	notice_init(&copy);
	if ((r = notice_parse(slice_str(waiting), &n, NULL)) == 0 &&
	    (r = notice_dup(&n, &copy)) == 0) {
		notice_encode(&copy, &copy.to, &s);
		r = str_check(&s);
	}
	str_clear(&s);
	notice_clear(&copy);
	notice_clear(&n);
	return r;
}

static void
notices_survive_each_failed_allocation(void **state)
{
	(void)state;
	assert_true(alloc_each(copy_notice, NULL) > 10);
}

static json_t *
parsed(struct str *s)
{
	json_t *o = NULL;
	struct err e = {0};

	assert_int_equal(str_check(s), 0);
	if (json_read(slice_of(s->p, s->n), s->n, &o, &e) != 0)
		fail_msg("%s: %s", e.msg, s->p);
	return o;
}

static void
what_an_engineer_typed_stays_in_its_field(void **state)
{
	struct str s = STR_INIT;
	struct notice n;
	json_t *o;

	(void)state;
	read_notice(&n);
	notice_encode(&n, &n.to, &s);
	o = parsed(&s);
	assert_int_equal(json_object_size(o), 12);
	assert_string_equal(json_string_value(json_object_get(o, "reason")),
	    n.reason);
	assert_int_equal(json_integer_value(json_object_get(o, "v")), 1);
	json_decref(o);
	str_clear(&s);
	notice_clear(&n);
}

static void
a_chat_reads_no_markup_of_an_engineer(void **state)
{
	struct str s = STR_INIT;
	struct notice n;
	const char *text;
	json_t *o;

	(void)state;
	read_notice(&n);
	format_chat(&n, &n.to, &s);
	o = parsed(&s);
	assert_int_equal(json_object_size(o), 1);
	text = json_string_value(json_object_get(o, "text"));
	assert_string_equal(text,
	    "olga@example.com, paul@example.com: "
	    "alice@example.com asks for deploy\n"
	    "reason: `x\"}, {\"text\": &lt;!channel&gt; '*&amp;* \u00e9`\n"
	    "ticket: `OPS-1`\n"
	    "writ approve ab12");
	json_decref(o);
	str_clear(&s);
	notice_clear(&n);
}

/* The header of a mail: up to its first empty line. */
static size_t
header_lines(const char *mail, size_t *n_bytes)
{
	const char *end = strstr(mail, "\r\n\r\n");
	size_t n = 0;

	assert_non_null(end);
	for (const char *p = mail; p < end + 2; p = strstr(p, "\r\n") + 2)
		n++;
	*n_bytes = (size_t)(end - mail);
	return n;
}

static void
no_text_makes_a_header_of_a_mail(void **state)
{
	static const char *const texts[] = {"plain",
	    "x =?utf-8?Q?=0ABcc: evil@example.com?=", "Bcc: evil@example.com",
	    "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
	    "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
	    "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"};
	struct notice n;

	(void)state;
	read_notice(&n);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct str s = STR_INIT;
		size_t bytes;

		free(n.text);
		n.text = str_dup(texts[i]);
		format_mail(&n, "writ@example.com", "olga@example.com",
		    1764380195, "00ff", &s);
		assert_int_equal(str_check(&s), 0);
		/* Date From To Subject Message-ID Auto MIME Type Encoding, and
		   the subject's second line for the long one. */
		assert_int_equal(header_lines(s.p, &bytes), i < 3 ? 9 : 10);
		s.p[bytes] = '\0';
		assert_null(strstr(s.p, "evil"));
		assert_non_null(strstr(s.p,
		    "Date: Sat, 29 Nov 2025 01:36:35 +0000\r\n"
		    "From: <writ@example.com>\r\nTo: <olga@example.com>\r\n"));
		s.p[bytes] = '\r';
		for (const char *p = s.p, *q; *p != '\0'; p = q + 2) {
			q = strstr(p, "\r\n");
			assert_non_null(q);
			assert_true(q - p <= 78);
		}
		str_clear(&s);
	}
	notice_clear(&n);
}

static void
a_mails_body_is_quoted_printable(void **state)
{
	struct str s = STR_INIT;
	struct notice n;

	(void)state;
	read_notice(&n);
	format_mail(&n, "writ@example.com", "olga@example.com", 0, "1", &s);
	assert_non_null(strstr(s.p, "\r\n\r\nalice@example.com asks"));
	assert_non_null(strstr(s.p, "<!channel> `*&* =C3=A9\r\n"));
	str_clear(&s);
	notice_clear(&n);
}

static void
the_mac_is_that_of_rfc_4231(void **state)
{
	char hex[HASH_HEX];
	struct hash mac;

	(void)state;
	hmac_sha256(slice_str("Jefe"),
	    slice_str("what do ya want for nothing?"), &mac);
	hash_hex(&mac, hex);
	assert_string_equal(hex,
	    "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843");
}

/* --- who is told ---------------------------------------------------------- */

static void
a_channel_covers_whom_it_is_for(void **state)
{
	static const struct {
		const char *where, *want;
	} cases[] = {
	    {"", "olga@example.com paul@example.com "},
	    {", for: {kinds: [waiting]}", "olga@example.com paul@example.com "},
	    {", for: {kinds: [denied]}", ""},
	    {", for: {groups: [officers]}", ""},
	    {", for: {groups: [officers, approvers]}",
		"olga@example.com paul@example.com "},
	    {", for: {persons: [paul@example.com, tom]}", "paul@example.com "},
	    {", for: {persons: [tom]}", ""},
	    {", for: {persons: [paul@example.com], kinds: [denied]}", ""},
	};
	struct notice n;

	(void)state;
	read_notice(&n);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct channels c = {0};
		struct str text = STR_INIT, got = STR_INIT;
		struct strs to = {0};

		str_addf(&text, "channels: [{exec: [/bin/true]%s}]\n",
		    cases[i].where);
		assert_int_equal(parse(text.p, &c, NULL, 0), 0);
		assert_int_equal(channel_covers(&c.v[0], &n, &to), 0);
		for (size_t j = 0; j < to.n; j++)
			str_addf(&got, "%s ", to.v[j]);
		assert_string_equal(got.p, cases[i].want);
		strs_clear(&to);
		str_clear(&got);
		str_clear(&text);
		channels_clear(&c);
	}
	notice_clear(&n);
}

static void
mail_goes_where_the_file_says(void **state)
{
	struct channels c = {0};
	char *a = NULL;

	(void)state;
	assert_int_equal(parse(good, &c, NULL, 0), 0);
	assert_int_equal(channel_address(&c.v[1], "olga@example.com", &a), 0);
	assert_string_equal(a, "olga.ops@corp.example");
	free(a);
	assert_int_equal(channel_address(&c.v[1], "paul@example.com", &a), 0);
	assert_null(a);
	assert_int_equal(channel_address(&c.v[2], "paul@example.com", &a), 0);
	assert_string_equal(a, "paul@example.com");
	free(a);
	assert_int_equal(channel_address(&c.v[2], "paul", &a), 0);
	assert_null(a);
	channels_clear(&c);
}

/* Give the notice to channels of this text and collect every answer. */
static void
tell(const char *channels, struct strs *answers, size_t want)
{
	struct channels c = {0};
	struct sender *s = NULL;
	struct err e = {0};
	struct notice n;
	char *json;
	uint64_t tag;

	read_notice(&n);
	assert_int_equal(parse(channels, &c, NULL, 0), 0);
	assert_int_equal(sender_new(&c, &s, &e), 0);
	assert_int_equal(sender_start(s, &e), 0);
	assert_int_equal(sender_send(s, 77, &n, &e), 0);
	while (answers->n < want) {
		struct pollfd p = {.fd = sender_fd(s), .events = POLLIN};

		assert_int_equal(poll(&p, 1, 30000), 1);
		while (sender_next(s, &tag, &json) == 0) {
			assert_int_equal(tag, 77);
			assert_int_equal(strs_add(answers, json), 0);
			free(json);
		}
	}
	assert_int_equal(sender_next(s, &tag, &json), SENDER_NONE);
	strs_sort(answers);
	sender_free(s);
	notice_clear(&n);
}

#define TOLD(person, how) \
	"{\"id\":\"ab12\",\"person\":\"" person "\",\"how\":\"" how "\","

static void
a_program_gets_the_notice_and_says_how_it_went(void **state)
{
	struct strs a = {0};

	(void)state;
	tell("channels:\n"
	     "  - name: reads\n"
	     "    exec: [/bin/grep, -q, \"^{.v.:1,.kind.:.waiting.\"]\n"
	     "  - name: fails\n"
	     "    exec: [/bin/sh, -c, \"cat >&2; echo >&2; echo no >&2; "
	     "exit 3\"]\n"
	     "    for: {persons: [paul@example.com]}\n"
	     "  - name: absent\n"
	     "    exec: [/nonexistent/program]\n"
	     "    for: {persons: [olga@example.com]}\n",
	    &a, 4);
	assert_int_equal(a.n, 4);
	assert_string_equal(a.v[0],
	    TOLD("olga@example.com",
		"absent") "\"sent\":false,\"error\":"
			  "\"no program '/nonexistent/program' on PATH\"}");
	assert_string_equal(a.v[1],
	    TOLD("olga@example.com", "reads") "\"sent\":true}");
	assert_string_equal(a.v[2],
	    TOLD("paul@example.com", "fails") "\"sent\":false,\"error\":"
					      "\"exit status 3: no\"}");
	assert_string_equal(a.v[3],
	    TOLD("paul@example.com", "reads") "\"sent\":true}");
	strs_clear(&a);
}

static void
whoever_no_channel_is_for_is_named(void **state)
{
	struct strs a = {0};

	(void)state;
	tell("channels: []\n", &a, 2);
	assert_string_equal(a.v[1],
	    TOLD("paul@example.com",
		"none") "\"sent\":false,\"error\":"
			"\"no channel of notify.yaml is for this person\"}");
	strs_clear(&a);
}

static void
a_program_that_says_later_is_run_again(void **state)
{
	char dir[TMPDIR_MAX], *path = NULL;
	struct str text = STR_INIT;
	struct strs a = {0};

	(void)state;
	tmpdir_make(dir, "notify");
	assert_int_equal(path_join(dir, "once", &path), 0);
	str_addf(&text,
	    "channels: [{exec: [/bin/sh, -c, \"test -e %s && exit 0; "
	    ": >%s; exit 75\"]}]\n",
	    path, path);
	tell(text.p, &a, 2);
	assert_string_equal(a.v[0],
	    TOLD("olga@example.com", "exec") "\"sent\":true}");
	strs_clear(&a);
	str_clear(&text);
	assert_int_equal(unlink(path), 0);
	rmdir(dir);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_good_file_is_read_whole),
	    cmocka_unit_test(every_fault_is_named_with_its_place),
	    cmocka_unit_test(reading_survives_each_failed_allocation),
	    cmocka_unit_test(a_file_that_others_may_read_is_refused),
	    cmocka_unit_test(a_notice_that_is_none_is_refused),
	    cmocka_unit_test(notices_survive_each_failed_allocation),
	    cmocka_unit_test(what_an_engineer_typed_stays_in_its_field),
	    cmocka_unit_test(a_chat_reads_no_markup_of_an_engineer),
	    cmocka_unit_test(no_text_makes_a_header_of_a_mail),
	    cmocka_unit_test(a_mails_body_is_quoted_printable),
	    cmocka_unit_test(the_mac_is_that_of_rfc_4231),
	    cmocka_unit_test(a_channel_covers_whom_it_is_for),
	    cmocka_unit_test(mail_goes_where_the_file_says),
	    cmocka_unit_test(a_program_gets_the_notice_and_says_how_it_went),
	    cmocka_unit_test(whoever_no_channel_is_for_is_named),
	    cmocka_unit_test(a_program_that_says_later_is_run_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
