/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "agent/states/sshd_lines.h"
#include "agent/states/sshd_look.h"
#include "agent/states/sshd_words.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"

/* "a|b" as a list; "" is an empty one. */
static void
list(const char *s, struct strs *out)
{
	while (*s != '\0') {
		size_t n = strcspn(s, "|");

		assert_int_equal(strs_addn(out, s, n), 0);
		s += n + (s[n] == '|');
	}
}

static void
the_table_is_sorted_and_every_word_is_found(void **state)
{
	size_t n;
	const struct sshd_word *w = sshd_words(&n);

	(void)state;
	assert_true(n > 80);
	for (size_t i = 0; i < n; i++) {
		struct str expect = STR_INIT;

		if (i > 0 && strcasecmp(w[i - 1].name, w[i].name) >= 0)
			fail_msg("%s after %s", w[i].name, w[i - 1].name);
		if (sshd_word(w[i].name) != &w[i])
			fail_msg("%s is not found", w[i].name);
		sshd_expect(&w[i], &expect);
		if (expect.n == 0)
			fail_msg("%s: nothing is expected", w[i].name);
		str_clear(&expect);
	}
	assert_ptr_equal(sshd_word("permitROOTlogin"),
	    sshd_word("PermitRootLogin"));
	assert_ptr_equal(sshd_word("ChallengeResponseAuthentication"),
	    sshd_word("KbdInteractiveAuthentication"));
	assert_null(sshd_word("Include"));
	assert_null(sshd_word(""));
}

static const struct {
	const char *word, *value;
	bool ok;
} values[] = {
    {"UsePAM", "yes", true},
    {"UsePAM", "YES", true},
    {"UsePAM", "true", false},
    {"UsePAM", "", false},
    {"MaxAuthTries", "1", true},
    {"MaxAuthTries", "0", false},
    {"MaxAuthTries", "-1", false},
    {"MaxAuthTries", "4 ", false},
    {"Port", "65535", true},
    {"Port", "65536", false},
    {"LoginGraceTime", "0", true},
    {"LoginGraceTime", "1m30s", true},
    {"LoginGraceTime", "1H", true},
    {"LoginGraceTime", "1y", false},
    {"LoginGraceTime", "m", false},
    {"LoginGraceTime", "9999999999", false},
    {"LoginGraceTime", "99999w", false},
    {"UnusedConnectionTimeout", "none", true},
    {"StreamLocalBindMask", "0177", true},
    {"StreamLocalBindMask", "0888", false},
    {"Ciphers", "a@b.c,d", true},
    {"Ciphers", "+a", true},
    {"Ciphers", "-a*", true},
    {"Ciphers", "^a", true},
    {"Ciphers", "a,,b", false},
    {"Ciphers", ",a", false},
    {"Ciphers", "a,", false},
    {"Ciphers", "+", false},
    {"Ciphers", "a b", false},
    {"Banner", "/etc/issue.net", true},
    {"Banner", "none", true},
    {"Banner", "issue", false},
    {"Banner", "/etc/a\"b", false},
    {"MaxStartups", "10:30:60", true},
    {"MaxStartups", "10", true},
    {"MaxStartups", "10:30", false},
    {"MaxStartups", "10:30:", false},
    {"MaxStartups", ":30:60", false},
    {"PerSourceNetBlockSize", "32:128", true},
    {"PerSourceNetBlockSize", "24", true},
    {"PerSourceNetBlockSize", "1:2:3", false},
    {"RekeyLimit", "1G 1h", true},
    {"RekeyLimit", "default none", true},
    {"RekeyLimit", "512M", true},
    {"RekeyLimit", "1T", false},
    {"RekeyLimit", "1G soon", false},
    {"IPQoS", "af21 cs1", true},
    {"IPQoS", "af21,cs1", false},
    {"ListenAddress", "::1", true},
    {"ListenAddress", "a b", false},
    {"PermitListen", "80", true},
    {"AllowUsers", "domain user", true},
    {"AllowUsers", "a\"b", false},
    {"AllowUsers", "a\\b", false},
    {"ForceCommand", "echo \"a  b\" # c", true},
    {"ForceCommand", " echo", false},
    {"ForceCommand", "a\tb", false},
    {"ForceCommand", "a\xe2\x80\xaez", false},
    {"LogLevel", "DEBUG1", true},
    {"LogLevel", "LOUD", false},
};

static void
values_are_checked_by_their_type(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (sshd_value_ok(sshd_word(values[i].word), values[i].value) !=
		    values[i].ok)
			fail_msg("%s '%s' is %s", values[i].word,
			    values[i].value, values[i].ok ? "not ok" : "ok");
}

/* want as policy has it; have as `sshd -T` of 9.2 printed it. */
static const struct {
	const char *word, *want, *have;
	bool same;
} same[] = {
    {"UsePAM", "Yes", "yes", true},
    {"UsePAM", "no", "yes", false},
    {"UsePAM", "no", "", false},
    {"PermitRootLogin", "prohibit-password", "without-password", true},
    {"PermitRootLogin", "yes", "without-password", false},
    {"AllowTcpForwarding", "all", "yes", true},
    {"Compression", "delayed", "yes", true},
    {"LogLevel", "debug1", "DEBUG", true},
    {"LogLevel", "VERBOSE", "VERBOSE", true},
    {"FingerprintHash", "md5", "MD5", true},
    {"LoginGraceTime", "1m30s", "90", true},
    {"LoginGraceTime", "2m", "90", false},
    {"UnusedConnectionTimeout", "5m", "300", true},
    {"StreamLocalBindMask", "077", "077", true},
    {"StreamLocalBindMask", "0177", "0177", true},
    {"RekeyLimit", "1G 1h", "1073741824 3600", true},
    {"RekeyLimit", "default none", "0 0", true},
    {"RekeyLimit", "1K", "1024 0", true},
    {"IPQoS", "none", "none none", true},
    {"IPQoS", "af21 cs1", "af21 cs1", true},
    {"MaxStartups", "10", "10:30:10", true},
    {"MaxStartups", "10:30:60", "10:30:60", true},
    {"MaxStartups", "10", "10:30:100", false},
    {"MaxStartups", "1", "10:30:1", false},
    {"PerSourceNetBlockSize", "24", "24:0", true},
    {"PermitListen", "80|localhost:90", "*:80 localhost:90", true},
    {"PermitOpen", "a:1|b:2", "a:1 b:2", true},
    {"PermitOpen", "a:1", "a:1 b:2", false},
    {"PermitOpen", "b:2|a:1", "a:1 b:2", false},
    {"AuthenticationMethods", "publickey,password|publickey",
	"publickey,password publickey", true},
    {"AuthorizedKeysFile", "none", "none", true},
    {"ForceCommand", "/bin/x a  b", "/bin/x a  b", true},
    {"ForceCommand", "/bin/x a b", "/bin/x a  b", false},
    {"ForceCommand", "/bin/X", "/bin/x", false},
    {"AllowUsers", "b|a", "a|b", true},
    {"AllowUsers", "a", "a|b", false},
    {"AllowUsers", "a|b", "a", false},
    {"AllowUsers", "A", "a", false},
    {"AcceptEnv", "LANG|LC_*", "LANG|LC_*", true},
    {"SetEnv", "A=b|C=d e", "A=b|C=d e", true},
    {"Port", "22", "22|22", false},
    {"Port", "23|22", "22|23", true},
    {"ListenAddress", "1.2.3.4", "1.2.3.4:22|1.2.3.4:2222", true},
    {"ListenAddress", "::", "[::]:22|[::]:2222", true},
    {"ListenAddress", "1.2.3.4:23", "1.2.3.4:23", true},
    {"ListenAddress", "[::1]:23", "[::1]:23", true},
    {"ListenAddress", "1.2.3.4", "1.2.3.4:22", false},
    {"Subsystem", "sftp internal-sftp -f X", "sftp internal-sftp -f X|other /x",
	true},
    {"Subsystem", "sftp internal-sftp", "sftp /usr/lib/sftp-server", false},
    {"Ciphers", "a,b", "a,b", true},
    {"Ciphers", "a,b", "b,a", false},
    {"Ciphers", "+c", "a,b,c", true},
    {"Ciphers", "+d", "a,b,c", false},
    {"Ciphers", "-aes*", "chacha20-poly1305@openssh.com", true},
    {"Ciphers", "-aes*", "chacha20-poly1305@openssh.com,aes128-ctr", false},
    {"Ciphers", "^c,a", "c,a,b", true},
    {"Ciphers", "^c,a", "c,b,a", false},
    {"Ciphers", "^c", "cc,a", false},
    {"Ciphers", "a,b,a", "a,b", true},
    {"Ciphers", "a,b", "a,b,c", false},
    {"Ciphers", "a,b", "a", false},
    {"Ciphers", "a", "", false},
    {"PubkeyAcceptedAlgorithms", "+ssh-rsa*",
	"ssh-ed25519,ssh-rsa,ssh-rsa-cert-v01@openssh.com", true},
    {"PubkeyAcceptedAlgorithms", "+ssh-rsa*", "ssh-ed25519,rsa-sha2-512",
	false},
    {"PubkeyAcceptedAlgorithms", "^rsa-*,ssh-rsa",
	"rsa-sha2-256,rsa-sha2-512,ssh-rsa,ssh-ed25519", true},
    {"PubkeyAcceptedAlgorithms", "^rsa-*,rsa-sha2-512",
	"rsa-sha2-256,rsa-sha2-512,ssh-ed25519", true},
    {"PubkeyAcceptedAlgorithms", "^rsa-*,ssh-rsa",
	"rsa-sha2-256,rsa-sha2-512,ssh-ed25519,ssh-rsa", false},
    {"PubkeyAcceptedAlgorithms", "^rsa-*", "ssh-ed25519,rsa-sha2-512", false},
    {"PubkeyAcceptedAlgorithms", "ssh-ed25519*",
	"ssh-ed25519,ssh-ed25519-cert-v01@openssh.com", true},
    {"PubkeyAcceptedAlgorithms", "ssh-ed25519*", "ssh-ed25519,ssh-rsa", false},
};

static void
values_are_compared_as_sshd_prints_them(void **state)
{
	struct strs ports = {0};

	(void)state;
	list("22|2222", &ports);
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct strs want = {0}, have = {0};
		bool is = !same[i].same;

		list(same[i].want, &want);
		list(same[i].have, &have);
		assert_int_equal(sshd_values_same(sshd_word(same[i].word),
				     &want, &have, &ports, &is),
		    0);
		if (is != same[i].same)
			fail_msg("%s '%s' against '%s'", same[i].word,
			    same[i].want, same[i].have);
		strs_clear(&want);
		strs_clear(&have);
	}
	strs_clear(&ports);
}

static void
patterns_match_as_sshds_do(void **state)
{
	static const struct {
		const char *s, *list;
		int want;
	} cases[] = {
	    {"alice", "alice", 1},
	    {"alice", "al*", 1},
	    {"alice", "?lice", 1},
	    {"alice", "Alice", 0},
	    {"alice", "bob,alice", 1},
	    {"alice", "*,!alice", -1},
	    {"alice", "!bob", 0},
	    {"alice", "*,!bob", 1},
	    {"", "*", 1},
	    {"", "", 0},
	    {"aaaaaaaaaaaaaaaaaaaaaaaaab", "*a*a*a*a*a*a*a*a*c", 0},
	    {"a.b", "a*b*", 1},
	};
	static const struct {
		const char *s, *list;
		int want;
	} addresses[] = {
	    {"10.1.2.3", "10.0.0.0/8", 1},
	    {"11.1.2.3", "10.0.0.0/8", 0},
	    {"10.1.2.3", "10.0.0.0/8,!10.1.0.0/16", -1},
	    {"10.1.2.3", "10.1.*", 1},
	    {"fd00::1", "fd00::/8", 1},
	    {"10.1.2.3", "fd00::/8", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (sshd_pattern_list(cases[i].s, cases[i].list) !=
		    cases[i].want)
			fail_msg("'%s' in '%s'", cases[i].s, cases[i].list);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		if (sshd_address_list(addresses[i].s, addresses[i].list) !=
		    addresses[i].want)
			fail_msg("'%s' in '%s'", addresses[i].s,
			    addresses[i].list);
}

/* --- lines --------------------------------------------------------------- */
static const char text[] = "# a comment\n"
			   "\n"
			   "Port 22 # not 23\n"
			   "  MaxAuthTries=4\r\n"
			   "PermitRootLogin = no\n"
			   "AllowUsers alice \"domain user\" 'b c' d\\ e\n"
			   "\"UsePAM\" yes\n"
			   "Banner\n"
			   "Match User \"a\"b\n"
			   "match user=a,b Address = 10.0.0.0/8 Host =h\n"
			   "  = Match all\n"
			   "=UsePAM=yes\n"
			   "= # nothing";

static const struct {
	unsigned line;
	size_t offset;
	const char *word, *args, *rest;
} lines[] = {
    {3, 13, "Port", "22", "22 # not 23"},
    {4, 30, "MaxAuthTries", "4", "4"},
    {5, 48, "PermitRootLogin", "no", "no"},
    {6, 69, "AllowUsers", "alice|domain user|b c|d e",
	"alice \"domain user\" 'b c' d\\ e"},
    {7, 111, "UsePAM", "yes", "yes"},
    {8, 124, "Banner", "", ""},
    {9, 131, "Match", "User|ab", "User \"a\"b"},
    {10, 147, "match", "user|a,b|Address|10.0.0.0/8|Host|h",
	"user=a,b Address = 10.0.0.0/8 Host =h"},
    {11, 191, "Match", "all", "all"},
    {12, 205, "UsePAM", "yes", "yes"},
};

static void
a_file_is_split_as_sshd_splits_it(void **state)
{
	struct sshd_lines l = {0};

	(void)state;
	assert_int_equal(sshd_lines_parse("f", slice_str(text), &l, NULL), 0);
	assert_int_equal(l.n, sizeof(lines) / sizeof(lines[0]));
	for (size_t i = 0; i < l.n; i++) {
		struct strs want = {0};

		list(lines[i].args, &want);
		assert_int_equal(l.v[i].line, lines[i].line);
		assert_int_equal(l.v[i].offset, lines[i].offset);
		assert_string_equal(l.v[i].word, lines[i].word);
		assert_string_equal(l.v[i].rest, lines[i].rest);
		if (!strs_equal(&want, &l.v[i].args))
			fail_msg("line %u", l.v[i].line);
		strs_clear(&want);
	}
	sshd_lines_clear(&l);
}

static void
a_nul_and_too_much_are_refused(void **state)
{
	struct sshd_lines l = {0};
	struct str s = STR_INIT;
	struct err e = {0};

	(void)state;
	assert_int_equal(sshd_lines_parse("f", slice_of("a b\0c", 5), &l, &e),
	    ERR_PARSE);
	assert_string_equal(e.msg, "f: a NUL byte, expected lines of text");
	for (size_t i = 0; i <= SSHD_LINE_MAX; i++)
		str_addc(&s, 'x');
	assert_int_equal(sshd_lines_parse("f", slice_of(s.p, s.n), &l, &e),
	    ERR_LIMIT);
	assert_int_equal(sshd_lines_parse("f", slice_of(s.p, s.n - 1), &l, &e),
	    0);
	sshd_lines_clear(&l);
	str_reset(&s);
	for (size_t i = 0; i < SSHD_LINES_MAX; i++)
		str_addc(&s, '\n');
	assert_int_equal(sshd_lines_parse("f", slice_of(s.p, s.n), &l, &e), 0);
	str_add(&s, "x");
	assert_int_equal(sshd_lines_parse("f", slice_of(s.p, s.n), &l, &e),
	    ERR_LIMIT);
	str_reset(&s);
	str_add(&s, "AllowUsers");
	for (size_t i = 0; i < SSHD_LINE_WORDS_MAX; i++)
		str_add(&s, " a");
	assert_int_equal(sshd_lines_parse("f", slice_of(s.p, s.n), &l, &e), 0);
	sshd_lines_clear(&l);
	str_add(&s, " a");
	assert_int_equal(sshd_lines_parse("f", slice_of(s.p, s.n), &l, &e),
	    ERR_LIMIT);
	assert_int_equal(l.n, 0);
	str_clear(&s);
}

static void
parse_mutation(const uint8_t *p, size_t n, void *arg)
{
	struct sshd_lines l = {0};
	int r = sshd_lines_parse("f", slice_of(p, n), &l, NULL);

	(void)arg;
	if (r != 0 && r != ERR_PARSE)
		fail_msg("%s: %d", mutate_what(), r);
	if (r != 0 && l.n != 0)
		fail_msg("%s: lines in spite of an error", mutate_what());
	for (size_t i = 0; i < l.n; i++)
		if (l.v[i].word == NULL || l.v[i].rest == NULL ||
		    l.v[i].offset > n || l.v[i].line == 0)
			fail_msg("%s: line %zu", mutate_what(), i);
	sshd_lines_clear(&l);
}

static void
every_near_miss_of_a_file_is_survived(void **state)
{
	(void)state;
	assert_int_equal(mutate_each(text, sizeof(text) - 1, parse_mutation,
			     NULL),
	    9 * (sizeof(text) - 1));
}

static int
parse_once(void *arg)
{
	struct sshd_lines l = {0};
	int r = sshd_lines_parse("f", slice_str(arg), &l, NULL);

	sshd_lines_clear(&l);
	return r;
}

static int
dump_once(void *arg)
{
	struct sshd_dump d = {0};
	int r = sshd_dump_parse(arg, &d);

	sshd_dump_clear(&d);
	return r;
}

static void
memory_that_runs_out_is_an_error(void **state)
{
	char copy[sizeof(text)];
	char dump[] = "port 22\nport 23\nusepam yes\nallowusers a\n";

	(void)state;
	memcpy(copy, text, sizeof(text));
	assert_true(alloc_each(parse_once, copy) > 10);
	assert_true(alloc_each(dump_once, dump) > 5);
}

static void
what_sshd_prints_is_found_by_keyword(void **state)
{
	struct sshd_dump d = {0};

	(void)state;
	assert_int_equal(
	    sshd_dump_parse("port 22\nport 23\n\nbanner none\nbare", &d), 0);
	assert_int_equal(sshd_dump_get(&d, "Port")->n, 2);
	assert_string_equal(sshd_dump_get(&d, "port")->v[1], "23");
	assert_string_equal(sshd_dump_one(&d, "banner", "x"), "none");
	assert_string_equal(sshd_dump_one(&d, "bare", "x"), "");
	assert_string_equal(sshd_dump_one(&d, "gone", "x"), "x");
	sshd_dump_clear(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_table_is_sorted_and_every_word_is_found),
	    cmocka_unit_test(values_are_checked_by_their_type),
	    cmocka_unit_test(values_are_compared_as_sshd_prints_them),
	    cmocka_unit_test(patterns_match_as_sshds_do),
	    cmocka_unit_test(a_file_is_split_as_sshd_splits_it),
	    cmocka_unit_test(a_nul_and_too_much_are_refused),
	    cmocka_unit_test(every_near_miss_of_a_file_is_survived),
	    cmocka_unit_test(memory_that_runs_out_is_an_error),
	    cmocka_unit_test(what_sshd_prints_is_found_by_keyword),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
