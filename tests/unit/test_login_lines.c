/* SPDX-License-Identifier: ISC */
/* Lines of sshd, of each version, and those that look like them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/logins/sshd_line.h"
#include "agent/logins/sudo_line.h"
#include "tests/unit/linecase.h"
#include "tests/unit/mutate.h"

#define FP   "SHA256:qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo"
#define CAFP "SHA256:u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7s"
#define FAKE "SHA256:RERERERERERERERERERERERERERERERERERERERERERE"
#define TAIL "(serial 41) CA ED25519 " CAFP
#define FROM " from 10.77.0.11 port 49318 ssh2"
#define X10  "xxxxxxxxxx"
#define X100 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define X900 X100 X100 X100 X100 X100 X100 X100 X100 X100

/* key: 'k' a key, 'c' a certificate with serial 41 of CAFP, 'n' none, 't' one was
 * tried of which nothing is named */
static const struct {
	const char *name, *text;
	enum sshd_line_kind kind;
	const char *user, *from;
	unsigned port;
	const char *method;
	char key;
	const char *key_id;
	unsigned signatures;
	const char *why;
} lines[] = {
    /* From 8.4 to 10.x the outcome has one form. */
    {"a certificate",
	"Accepted publickey for alice" FROM ": ED25519-CERT " FP
	" ID alice@audit-1 " TAIL,
	SSHD_ACCEPTED, "alice", "10.77.0.11", 49318, "publickey", 'c',
	"alice@audit-1", 0, ""},
    {"one of a security key",
	"Accepted publickey for alice" FROM ": ED25519-SK-CERT " FP
	" ID a " TAIL ", signature count = 7",
	SSHD_ACCEPTED, "alice", "10.77.0.11", 49318, "publickey", 'c', "a", 7,
	""},
    {"an ML-DSA CA's (10.x)",
	"Accepted publickey for alice" FROM ": MLDSA44-ED25519-CERT " FP
	" ID a (serial 41) CA MLDSA44-ED25519 " CAFP,
	SSHD_ACCEPTED, "alice", "10.77.0.11", 49318, "publickey", 'c', "a", 0,
	""},
    {"a key", "Accepted publickey for root" FROM ": RSA " FP, SSHD_ACCEPTED,
	"root", "10.77.0.11", 49318, "publickey", 'k', "", 0, ""},
    {"a security key",
	"Accepted publickey for root" FROM ": ECDSA-SK " FP
	", signature count = 4294967295",
	SSHD_ACCEPTED, "root", "10.77.0.11", 49318, "publickey", 'k', "",
	4294967295, ""},
    {"IPv6",
	"Accepted publickey for root from 2001:db8::7 port 22 ssh2: RSA " FP,
	SSHD_ACCEPTED, "root", "2001:db8::7", 22, "publickey", 'k', "", 0, ""},
    {"a link-local address",
	"Accepted password for root from fe80::1%eth0 port 1 ssh2",
	SSHD_ACCEPTED, "root", "fe80::1%eth0", 1, "password", 'n', "", 0, ""},
    {"behind a proxy without a port",
	"Accepted password for root from UNKNOWN port 65535 ssh2",
	SSHD_ACCEPTED, "root", "UNKNOWN", 65535, "password", 'n', "", 0, ""},
    {"PAM", "Accepted keyboard-interactive/pam for bob" FROM, SSHD_ACCEPTED,
	"bob", "10.77.0.11", 49318, "keyboard-interactive/pam", 'n', "", 0, ""},
    {"an account with a blank", "Accepted password for CORP\\big bob" FROM,
	SSHD_ACCEPTED, "CORP\\big bob", "10.77.0.11", 49318, "password", 'n',
	"", 0, ""},
    {"fingerprints by MD5",
	"Accepted publickey for a" FROM ": RSA-CERT MD5:00:11 ID a (serial 41) "
	"CA RSA MD5:22:33",
	SSHD_ACCEPTED, "a", "10.77.0.11", 49318, "publickey", 't', "", 0, ""},
    {"hostbased",
	"Accepted hostbased for a" FROM ": ED25519 " FP
	", client user \"a\", client host \"h\"",
	SSHD_ACCEPTED, "a", "10.77.0.11", 49318, "hostbased", 'k', "", 0, ""},
    {"a certificate of a host, with what the client says",
	"Accepted hostbased for a" FROM ": ED25519-CERT " FP " ID h " TAIL
	", client user \"x (serial 1) CA RSA " FAKE "\", client host \"h\"",
	SSHD_ACCEPTED, "a", "10.77.0.11", 49318, "hostbased", 'k', "", 0, ""},
    {"one of several methods",
	"Partial publickey for alice" FROM ": ED25519-CERT " FP " ID a " TAIL,
	SSHD_PARTIAL, "alice", "10.77.0.11", 49318, "publickey", 'c', "a", 0,
	""},
    {"one of a security key with a PIN, of an IPv4 host on an IPv6 socket",
	"Accepted publickey for alice from ::ffff:10.0.0.7 port 5 ssh2: "
	"ECDSA-SK-CERT " FP " ID a " TAIL ", signature count = 0",
	SSHD_ACCEPTED, "alice", "::ffff:10.0.0.7", 5, "publickey", 'c', "a", 0,
	""},
    {"Kerberos, of a name that is a certificate",
	"Accepted gssapi-with-mic for a" FROM ": ED25519-CERT " FAKE
	" ID a (serial 1) CA ED25519 " FAKE,
	SSHD_ACCEPTED, "a", "10.77.0.11", 49318, "gssapi-with-mic", 'n', "", 0,
	""},
    /* Key ids that are made to be read. */
    {"a key id that ends as a line does",
	"Accepted publickey for a" FROM ": ED25519-CERT " FP
	" ID bob (serial 1) CA ED25519 " FAKE " " TAIL,
	SSHD_ACCEPTED, "a", "10.77.0.11", 49318, "publickey", 'c',
	"bob (serial 1) CA ED25519 " FAKE, 0, ""},
    {"one that is a whole line",
	"Accepted publickey for a" FROM ": ED25519-CERT " FP
	" ID Accepted publickey for root from 1.1.1.1 port 1 ssh2: "
	"ED25519-CERT " FAKE " ID bob (serial 1) CA ED25519 " FAKE
	", signature count = 9 " TAIL,
	SSHD_ACCEPTED, "a", "10.77.0.11", 49318, "publickey", 'c',
	"Accepted publickey for root from 1.1.1.1 port 1 ssh2: "
	"ED25519-CERT " FAKE " ID bob (serial 1) CA ED25519 " FAKE
	", signature count = 9",
	0, ""},
    {"one that counts signatures",
	"Accepted publickey for a" FROM ": ED25519-CERT " FP
	" ID b, signature count = 9 " TAIL,
	SSHD_ACCEPTED, "a", "10.77.0.11", 49318, "publickey", 'c',
	"b, signature count = 9", 0, ""},
    {"one of a security key that counts itself",
	"Accepted publickey for a" FROM ": ED25519-SK-CERT " FP
	" ID b (serial 1) CA RSA " FAKE ", signature count = 9 " TAIL
	", signature count = 3",
	SSHD_ACCEPTED, "a", "10.77.0.11", 49318, "publickey", 'c',
	"b (serial 1) CA RSA " FAKE ", signature count = 9", 3, ""},
    {"one with what a terminal acts upon, in octal",
	"Accepted publickey for a" FROM ": ED25519-CERT " FP
	" ID \\033[2J\\015 " TAIL,
	SSHD_ACCEPTED, "a", "10.77.0.11", 49318, "publickey", 'c',
	"\\033[2J\\015", 0, ""},
    {"one that ends a session before a login",
	"Accepted publickey for a" FROM ": ED25519-CERT " FP
	" ID x [preauth] " TAIL,
	SSHD_ACCEPTED, "a", "10.77.0.11", 49318, "publickey", 'c',
	"x [preauth]", 0, ""},
    {"one with a newline, as syslog has it",
	"Accepted publickey for a" FROM ": ED25519-CERT " FP
	" ID x\\nAccepted password for root from 1.1.1.1 port 1 ssh2 " TAIL,
	SSHD_ACCEPTED, "a", "10.77.0.11", 49318, "publickey", 'c',
	"x\\nAccepted password for root from 1.1.1.1 port 1 ssh2", 0, ""},
    {"one that is empty",
	"Accepted publickey for a" FROM ": ED25519-CERT " FP " ID  " TAIL,
	SSHD_ACCEPTED, "a", "10.77.0.11", 49318, "publickey", 'c', "", 0, ""},
    {"one that pushed the end off",
	"Accepted publickey for a" FROM ": ED25519-CERT " FP " ID " X100,
	SSHD_ACCEPTED, "a", "10.77.0.11", 49318, "publickey", 't', "", 0, ""},
    {"one that has an end where the line is cut",
	"Accepted publickey for a" FROM ": ED25519-CERT " FP " ID " X900
	" (serial 1) CA ED25519 " FAKE,
	SSHD_ACCEPTED, "a", "10.77.0.11", 49318, "publickey", 't', "", 0, ""},
    {"a line cut within the CA",
	"Accepted publickey for a" FROM ": ED25519-CERT " FP
	" ID a (serial 41) CA ED25519 SHA256:u7u7u7",
	SSHD_ACCEPTED, "a", "10.77.0.11", 49318, "publickey", 't', "", 0, ""},
    {"a serial that is none",
	"Accepted publickey for a" FROM ": ED25519-CERT " FP
	" ID a (serial 18446744073709551616) CA ED25519 " CAFP,
	SSHD_ACCEPTED, "a", "10.77.0.11", 49318, "publickey", 't', "", 0, ""},
    {"a line that goes on",
	"Accepted publickey for a" FROM ": ED25519-CERT " FP " ID a " TAIL " ",
	SSHD_ACCEPTED, "a", "10.77.0.11", 49318, "publickey", 't', "", 0, ""},
    /* Failed. */
    {"a certificate that failed",
	"Failed publickey for alice" FROM ": ED25519-CERT " FP " ID a " TAIL,
	SSHD_FAILED, "alice", "10.77.0.11", 49318, "publickey", 'c', "a", 0,
	""},
    {"a password that failed", "Failed password for root" FROM, SSHD_FAILED,
	"root", "10.77.0.11", 49318, "password", 'n', "", 0, ""},
    {"nobody",
	"Failed password for invalid user bob from 1.1.1.1 port 1 ssh2: "
	"ED25519-CERT " FAKE " ID a " TAIL FROM,
	SSHD_FAILED, "", "", 0, "", 'n', "", 0, ""},
    {"nobody who gets in", "Accepted password for invalid user bob" FROM,
	SSHD_OTHER, "", "", 0, "", 'n', "", 0, ""},
    {"one who is not asked yet", "Postponed publickey for a" FROM ": RSA " FP,
	SSHD_OTHER, "", "", 0, "", 'n', "", 0, ""},
    /* Why not: up to 10.0 without saying whose. */
    {"expired", "error: Certificate invalid: expired", SSHD_REASON, "", "", 0,
	"", 't', "", 0, "Certificate invalid: expired"},
    {"no such principal",
	"error: Certificate does not contain an authorized principal",
	SSHD_REASON, "", "", 0, "", 't', "", 0,
	"Certificate does not contain an authorized principal"},
    {"from elsewhere",
	"cert: Authentication tried for root with valid certificate but not "
	"from a permitted source address (10.0.0.9).",
	SSHD_REASON, "", "", 0, "", 't', "", 0,
	"cert: Authentication tried for root with valid certificate but not "
	"from a permitted source address (10.0.0.9)."},
    {"an option that is not known",
	"error: Certificate critical option \"x@example.com\" is not supported",
	SSHD_REASON, "", "", 0, "", 't', "", 0,
	"Certificate critical option \"x@example.com\" is not supported"},
    {"an extension that is not known, which is no reason",
	"Certificate extension \"x@example.com\" is not supported", SSHD_OTHER,
	"", "", 0, "", 'n', "", 0, ""},
    {"revoked, without where (a list that cannot be read)",
	"error: Authentication key ED25519-CERT " FP " revoked", SSHD_REFUSED,
	"", "", 0, "", 'K', "", 0, "key revoked"},
    {"revoked",
	"error: Authentication key ED25519-CERT " FP
	" revoked by file /etc/ssh/krl",
	SSHD_REFUSED, "", "", 0, "", 'K', "", 0, "key revoked"},
    /* From 10.1. */
    {"expired, and whose",
	"error: Refusing certificate ID \"alice/9\" serial=41 signed by "
	"ED25519 "
	"CA " CAFP ": Certificate invalid: expired",
	SSHD_REFUSED, "", "", 0, "", 'c', "alice/9", 0,
	"Certificate invalid: expired"},
    {"by authorized_keys",
	"error: Refusing certificate ID \"a\" serial=41 signed by ED25519 "
	"CA " CAFP " via /home/a/.ssh/authorized_keys:3: expired",
	SSHD_REFUSED, "", "", 0, "", 'c', "a", 0, "expired"},
    {"without a principal (10.3)",
	"error: Refusing certificate ID \"\" serial=41 signed by RSA CA " CAFP
	": Certificate lacks principal list",
	SSHD_REFUSED, "", "", 0, "", 'c', "", 0,
	"Certificate lacks principal list"},
    {"with a reason that has a colon, and a key id that ends it",
	"error: Refusing certificate ID \"a: b\" serial=41 signed by RSA "
	"CA " CAFP ": Certificate invalid: not yet valid",
	SSHD_REFUSED, "", "", 0, "", 'c', "a: b", 0,
	"Certificate invalid: not yet valid"},
    {"cut before the reason",
	"error: Refusing certificate ID \"a\" serial=41 signed by RSA CA " CAFP,
	SSHD_REFUSED, "", "", 0, "", 't', "", 0, "certificate refused"},
    {"with a key id that is a refusal",
	"error: Refusing certificate ID \"a\" serial=1 signed by ED25519 "
	"CA " FAKE ": fine\" serial=41 signed by ED25519 CA " CAFP ": expired",
	SSHD_REFUSED, "", "", 0, "", 'c',
	"a\" serial=1 signed by ED25519 CA " FAKE ": fine", 0, "expired"},
    {"cut", "error: Refusing certificate ID \"" X900 X100 "\" serial=1",
	SSHD_REFUSED, "", "", 0, "", 't', "", 0, "certificate refused"},
    /* Ends. */
    {"a session", "pam_unix(sshd:session): session closed for user alice",
	SSHD_ENDED, "alice", "", 0, "", 'n', "", 0, ""},
    {"a connection", "Disconnected from user alice 10.77.0.11 port 49318",
	SSHD_ENDED, "alice", "10.77.0.11", 49318, "", 'n', "", 0, ""},
    {"a session, by the name that sshd was started as (to 9.7)",
	"pam_unix(sshd-2022:session): session closed for user a", SSHD_ENDED,
	"a", "", 0, "", 'n', "", 0, ""},
    {"a login of PAM's, which is no session's end",
	"pam_unix(sshd:auth): session closed for user a", SSHD_OTHER, "", "", 0,
	"", 'n', "", 0, ""},
    {"a service with a blank",
	"pam_unix(x y:session): session closed for user a", SSHD_OTHER, "", "",
	0, "", 'n', "", 0, ""},
    {"a session of nobody's",
	"pam_unix(sshd:session): session closed for user ", SSHD_OTHER, "", "",
	0, "", 'n', "", 0, ""},
    {"a connection that its client closed",
	"Connection closed by user alice 2001:db8::7 port 5", SSHD_ENDED,
	"alice", "2001:db8::7", 5, "", 'n', "", 0, ""},
    {"one that was reset", "Connection reset by user alice 10.0.0.7 port 5",
	SSHD_ENDED, "alice", "10.0.0.7", 5, "", 'n', "", 0, ""},
    {"one that was silent",
	"Timeout, client not responding from user a b 10.0.0.7 port 5",
	SSHD_ENDED, "a b", "10.0.0.7", 5, "", 'n', "", 0, ""},
    {"one that nobody could write to",
	"Connection from user alice 10.0.0.7 port 5 timed out", SSHD_ENDED,
	"alice", "10.0.0.7", 5, "", 'n', "", 0, ""},
    {"one that sshd ended",
	"Disconnecting user alice 10.0.0.7 port 5: Packet corrupt", SSHD_ENDED,
	"alice", "10.0.0.7", 5, "", 'n', "", 0, ""},
    {"one that goes on", "Connection closed by user alice 10.0.0.7 port 5 x",
	SSHD_OTHER, "", "", 0, "", 'n', "", 0, ""},
    {"one that was cut, and may have been said before a login",
	"Disconnecting user alice 10.0.0.7 port 5: " X900 X100, SSHD_OTHER, "",
	"", 0, "", 'n', "", 0, ""},
    {"one before a login that timed out",
	"Connection from authenticating user root 10.0.0.1 port 5 timed out "
	"[preauth]",
	SSHD_LEFT, "root", "10.0.0.1", 5, "", 'n', "", 0, ""},
    {"one whom PAM sends away",
	"fatal: Access denied for user alice by PAM account configuration "
	"[preauth]",
	SSHD_LEFT, "?", "", 0, "", 'n', "", 0, ""},
    {"one before a login",
	"Connection closed by authenticating user root fd00::1 port 5 "
	"[preauth]",
	SSHD_LEFT, "root", "fd00::1", 5, "", 'n', "", 0, ""},
    {"one that was sent away",
	"Disconnecting authenticating user root 10.0.0.1 port 5: Too many "
	"authentication failures [preauth]",
	SSHD_LEFT, "root", "10.0.0.1", 5, "", 'n', "", 0, ""},
    {"one of nobody",
	"Disconnected from invalid user x 1.1.1.1 port 1 10.0.0.1 port 5 "
	"[preauth]",
	SSHD_LEFT, "?", "", 0, "", 'n', "", 0, ""},
    {"one that said nothing", "Connection closed by 10.0.0.1 port 5 [preauth]",
	SSHD_LEFT, "", "10.0.0.1", 5, "", 'n', "", 0, ""},
    {"one after a login", "Connection closed by 10.0.0.1 port 5", SSHD_OTHER,
	"", "", 0, "", 'n', "", 0, ""},
    /* What speaks before a login may be the network itself. */
    {"a login that was said before one",
	"Accepted password for root" FROM " [preauth]", SSHD_OTHER, "", "", 0,
	"", 'n', "", 0, ""},
    {"an end that was", "Disconnected from user root 1.1.1.1 port 1 [preauth]",
	SSHD_OTHER, "", "", 0, "", 'n', "", 0, ""},
    /* Names that are lines. */
    {"a name that is a login",
	"Invalid user Accepted password for root" FROM " from 10.0.0.1 port 5",
	SSHD_OTHER, "", "", 0, "", 'n', "", 0, ""},
    {"verbose: counted by the line above",
	"Accepted certificate ID \"a\" (serial 41) signed by ED25519 CA " CAFP
	" via /etc/ssh/ca.pub",
	SSHD_OTHER, "", "", 0, "", 'n', "", 0, ""},
    {"a session that opens",
	"pam_unix(sshd:session): session opened for user a(uid=1) by (uid=0)",
	SSHD_OTHER, "", "", 0, "", 'n', "", 0, ""},
    {"nothing", "", SSHD_OTHER, "", "", 0, "", 'n', "", 0, ""},
    {"no port", "Accepted password for a from 10.0.0.1 port x ssh2", SSHD_OTHER,
	"", "", 0, "", 'n', "", 0, ""},
    {"port 65536", "Accepted password for a from 10.0.0.1 port 65536 ssh2",
	SSHD_OTHER, "", "", 0, "", 'n', "", 0, ""},
    {"no account", "Accepted password for  from 10.0.0.1 port 1 ssh2",
	SSHD_OTHER, "", "", 0, "", 'n', "", 0, ""},
    {"protocol 1", "Accepted password for a from 10.0.0.1 port 1 ssh1",
	SSHD_OTHER, "", "", 0, "", 'n', "", 0, ""},
};

static void
lines_of_sshd_say_what_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const char *name = lines[i].name;
		char key = lines[i].key;
		struct sshd_line l;

		sshd_line_parse(slice_str(lines[i].text), &l);
		if (l.kind != lines[i].kind)
			fail_msg("%s: kind %d", name, (int)l.kind);
		line_expect(name, "user", l.user, lines[i].user);
		line_expect(name, "from", l.from, lines[i].from);
		line_expect(name, "method", l.method, lines[i].method);
		line_expect(name, "why", l.why, lines[i].why);
		if (l.port != lines[i].port ||
		    l.signatures != lines[i].signatures)
			fail_msg("%s: port %u, count %u", name, l.port,
			    (unsigned)l.signatures);
		if (l.has_cert != (key == 'c') ||
		    (l.has_cert &&
			(l.serial != 41 || l.ca.b[0] != 0xbb ||
			    l.ca.b[31] != 0xbb)))
			fail_msg("%s: certificate", name);
		if (l.has_cert)
			line_expect(name, "key id", l.key_id, lines[i].key_id);
		if ((key == 'k' || key == 'K') &&
		    (!l.has_key || l.key.b[0] != 0xaa))
			fail_msg("%s: key", name);
		if (key == 'n' && l.has_key)
			fail_msg("%s: a key", name);
		if (l.is_cert != (key == 'c' || key == 't' || key == 'K') &&
		    key != 'k')
			fail_msg("%s: tried with a certificate: %d", name,
			    l.is_cert);
	}
}

/* Whatever is cut off, no other certificate is named. */
static void
must_not_name_another(const uint8_t *p, size_t n, void *arg)
{
	struct sshd_line l;

	(void)arg;
	sshd_line_parse(slice_of(p, n), &l);
	if (l.has_cert && l.serial != 41)
		fail_msg("%s: serial %llu", mutate_what(),
		    (unsigned long long)l.serial);
}

static void
cut_lines_name_no_other_certificate(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (lines[i].key == 'c' &&
		    strstr(lines[i].key_id, "(serial 1)") == NULL)
			mutate_cuts(lines[i].text, strlen(lines[i].text),
			    must_not_name_another, NULL);
}

/* Each near miss is read without a step past its end (the sanitizers look). */
static void
must_stay_inside(const uint8_t *p, size_t n, void *arg)
{
	struct sshd_line l;
	struct sudo_line s;

	(void)arg;
	sshd_line_parse(slice_of(p, n), &l);
	assert_true(l.user.n <= n && l.key_id.n <= n && l.from.n <= n);
	if (sudo_line_parse(slice_of(p, n), &s))
		assert_true(s.user.n <= n && s.command.n <= n);
}

static void
near_misses_are_read_within_their_bounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		mutate_each(lines[i].text, strlen(lines[i].text),
		    must_stay_inside, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_of_sshd_say_what_they_say),
	    cmocka_unit_test(cut_lines_name_no_other_certificate),
	    cmocka_unit_test(near_misses_are_read_within_their_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
