/* SPDX-License-Identifier: ISC */
/*
 * The table of keywords, and how a value of each is checked.
 *
 * Versions are from OpenSSH's release notes; what `sshd -T` prints was tried
 * on 9.2p1.
 */
#include "agent/states/sshd_words.h"

#include <string.h>
#include <strings.h>

#define YESNO(name, flags, since)                                    \
	{                                                            \
		name, SSHD_YESNO, flags, since, "yes|no", 0, 0, NULL \
	}
#define WORD(name, flags, since, choices)                          \
	{                                                          \
		name, SSHD_WORD, flags, since, choices, 0, 0, NULL \
	}
#define OTHER(name, type, flags, since, choices)              \
	{                                                     \
		name, type, flags, since, choices, 0, 0, NULL \
	}
#define NUMBER(name, flags, since, choices, min, max)                    \
	{                                                                \
		name, SSHD_NUMBER, flags, since, choices, min, max, NULL \
	}
#define ALGS(name, flags, since, query)                                \
	{                                                              \
		name, SSHD_ALGORITHMS, flags, since, NULL, 0, 0, query \
	}

enum {
	M = SSHD_MATCH,
	L = SSHD_LIST,
	/* Who may, and the like: each line adds, each value is shown. */
	ADDED = SSHD_LIST | SSHD_ADDS | SSHD_SHOWN_EACH,
	/* What sshd listens on and answers with: a line each. */
	LINES = SSHD_LINES | SSHD_ADDS | SSHD_SHOWN_EACH,
};

static const char forwarding[] = "yes|no|all=yes|local|remote";

/* Sorted by name without regard to case. */
static const struct sshd_word words[] = {
    OTHER("AcceptEnv", SSHD_TEXT, M | ADDED, 0, NULL),
    WORD("AddressFamily", 0, 0, "any|inet|inet6"),
    YESNO("AllowAgentForwarding", M, 0),
    OTHER("AllowGroups", SSHD_TEXT, M | ADDED, 0, NULL),
    WORD("AllowStreamLocalForwarding", M, 607, forwarding),
    WORD("AllowTcpForwarding", M, 0, forwarding),
    OTHER("AllowUsers", SSHD_TEXT, M | ADDED, 0, NULL),
    OTHER("AuthenticationMethods", SSHD_TEXT, M | L, 0, NULL),
    OTHER("AuthorizedKeysCommand", SSHD_PATH, M, 0, "none"),
    OTHER("AuthorizedKeysCommandUser", SSHD_TEXT, M, 0, NULL),
    OTHER("AuthorizedKeysFile", SSHD_TEXT, M | L, 0, NULL),
    OTHER("AuthorizedPrincipalsCommand", SSHD_PATH, M, 609, "none"),
    OTHER("AuthorizedPrincipalsCommandUser", SSHD_TEXT, M, 609, NULL),
    OTHER("AuthorizedPrincipalsFile", SSHD_TEXT, M, 0, NULL),
    OTHER("Banner", SSHD_PATH, M, 0, "none"),
    ALGS("CASignatureAlgorithms", M, 709, "sig"),
    OTHER("ChannelTimeout", SSHD_TEXT, M | L, 902, NULL),
    OTHER("ChrootDirectory", SSHD_TEXT, M, 0, NULL),
    ALGS("Ciphers", 0, 0, "cipher"),
    NUMBER("ClientAliveCountMax", M, 0, NULL, 0, 1000000),
    OTHER("ClientAliveInterval", SSHD_TIME, M, 0, NULL),
    WORD("Compression", 0, 0, "yes|no|delayed=yes"),
    YESNO("DebianBanner", SSHD_UNSEEN, 0),
    OTHER("DenyGroups", SSHD_TEXT, M | ADDED, 0, NULL),
    OTHER("DenyUsers", SSHD_TEXT, M | ADDED, 0, NULL),
    YESNO("DisableForwarding", M, 704),
    YESNO("ExposeAuthInfo", M, 706),
    WORD("FingerprintHash", 0, 608, "md5|sha256"),
    OTHER("ForceCommand", SSHD_TEXT, M, 0, NULL),
    WORD("GatewayPorts", M, 0, "yes|no|clientspecified"),
    YESNO("GSSAPIAuthentication", M, 0),
    YESNO("GSSAPICleanupCredentials", 0, 0),
    YESNO("GSSAPIKeyExchange", 0, 0),
    YESNO("GSSAPIStoreCredentialsOnRekey", 0, 0),
    YESNO("GSSAPIStrictAcceptorCheck", 0, 0),
    ALGS("HostbasedAcceptedAlgorithms", M, 805, "key-sig"),
    YESNO("HostbasedAuthentication", M, 0),
    YESNO("HostbasedUsesNameFromPacketOnly", M, 0),
    OTHER("HostCertificate", SSHD_PATH, LINES | SSHD_AMONG, 0, NULL),
    OTHER("HostKey", SSHD_PATH, LINES, 0, NULL),
    OTHER("HostKeyAgent", SSHD_TEXT, 0, 0, NULL),
    ALGS("HostKeyAlgorithms", 0, 0, "key-sig"),
    WORD("IgnoreRhosts", M, 0, "yes|no|shosts-only"),
    YESNO("IgnoreUserKnownHosts", 0, 0),
    OTHER("IPQoS", SSHD_QOS, M, 0, NULL),
    YESNO("KbdInteractiveAuthentication", M, 0),
    YESNO("KerberosAuthentication", M, 0),
    YESNO("KerberosOrLocalPasswd", 0, 0),
    YESNO("KerberosTicketCleanup", 0, 0),
    ALGS("KexAlgorithms", 0, 0, "kex"),
    OTHER("ListenAddress", SSHD_LISTEN, LINES, 0, NULL),
    OTHER("LoginGraceTime", SSHD_TIME, 0, 0, NULL),
    WORD("LogLevel", M, 0,
	"quiet|fatal|error|info|verbose|debug|debug1=debug|debug2|debug3"),
    OTHER("LogVerbose", SSHD_TEXT, 0, 805, NULL),
    ALGS("MACs", 0, 0, "mac"),
    NUMBER("MaxAuthTries", M, 0, NULL, 1, 1000000),
    NUMBER("MaxSessions", M, 0, NULL, 0, 1000000),
    OTHER("MaxStartups", SSHD_STARTUPS, 0, 0, NULL),
    OTHER("ModuliFile", SSHD_PATH, 0, 801, NULL),
    YESNO("PasswordAuthentication", M, 0),
    YESNO("PermitEmptyPasswords", M, 0),
    OTHER("PermitListen", SSHD_FORWARD, M | L, 708, NULL),
    OTHER("PermitOpen", SSHD_TEXT, M | L, 0, NULL),
    WORD("PermitRootLogin", M, 0,
	"yes|no|prohibit-password=without-password|without-password|"
	"forced-commands-only"),
    YESNO("PermitTTY", M, 0),
    WORD("PermitTunnel", M, 0, "yes|no|point-to-point|ethernet"),
    OTHER("PermitUserEnvironment", SSHD_TEXT, 0, 0, NULL),
    YESNO("PermitUserRC", M, 0),
    NUMBER("PerSourceMaxStartups", 0, 805, "none", 1, 1000000),
    OTHER("PerSourceNetBlockSize", SSHD_BLOCKS, 0, 805, NULL),
    OTHER("PidFile", SSHD_PATH, 0, 0, "none"),
    NUMBER("Port", LINES, 0, NULL, 1, 65535),
    YESNO("PrintLastLog", 0, 0),
    YESNO("PrintMotd", 0, 0),
    ALGS("PubkeyAcceptedAlgorithms", M, 805, "key-sig"),
    YESNO("PubkeyAuthentication", M, 0),
    WORD("PubkeyAuthOptions", M, 802, "none|touch-required|verify-required"),
    OTHER("RekeyLimit", SSHD_REKEY, M, 0, NULL),
    NUMBER("RequiredRSASize", 0, 901, NULL, 1024, 16384),
    OTHER("RevokedKeys", SSHD_PATH, M, 0, "none"),
    OTHER("SecurityKeyProvider", SSHD_TEXT, 0, 802, NULL),
    OTHER("SetEnv", SSHD_TEXT, M | L | SSHD_SHOWN_EACH, 708, NULL),
    OTHER("StreamLocalBindMask", SSHD_OCTAL, M, 607, NULL),
    YESNO("StreamLocalBindUnlink", M, 607),
    YESNO("StrictModes", 0, 0),
    OTHER("Subsystem", SSHD_TEXT, LINES | SSHD_AMONG, 0, NULL),
    WORD("SyslogFacility", 0, 0,
	"daemon|user|auth|authpriv|local0|local1|local2|local3|local4|local5|"
	"local6|local7"),
    YESNO("TCPKeepAlive", 0, 0),
    OTHER("TrustedUserCAKeys", SSHD_PATH, M, 0, "none"),
    OTHER("UnusedConnectionTimeout", SSHD_TIME, M, 902, "none"),
    YESNO("UseDNS", 0, 0),
    YESNO("UsePAM", 0, 0),
    OTHER("VersionAddendum", SSHD_TEXT, 0, 0, NULL),
    NUMBER("X11DisplayOffset", M, 0, NULL, 0, 65535),
    YESNO("X11Forwarding", M, 0),
    YESNO("X11UseLocalhost", M, 0),
    OTHER("XAuthLocation", SSHD_PATH, 0, 0, "none"),
};
#define N_WORDS (sizeof(words) / sizeof(words[0]))

/* Names that sshd still takes for another. */
static const struct {
	const char *old, *name;
} aliases[] = {
    {"ChallengeResponseAuthentication", "KbdInteractiveAuthentication"},
    {"SkeyAuthentication", "KbdInteractiveAuthentication"},
    {"HostbasedAcceptedKeyTypes", "HostbasedAcceptedAlgorithms"},
    {"PubkeyAcceptedKeyTypes", "PubkeyAcceptedAlgorithms"},
    {"DSAAuthentication", "PubkeyAuthentication"},
    {"HostDSAKey", "HostKey"},
};

const struct sshd_word *
sshd_words(size_t *n)
{
	*n = N_WORDS;
	return words;
}

const struct sshd_word *
sshd_word(const char *name)
{
	size_t lo = 0, hi = N_WORDS;

	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcasecmp(aliases[i].old, name) == 0)
			name = aliases[i].name;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcasecmp(name, words[mid].name);

		if (c == 0)
			return &words[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

bool
sshd_choice(const struct sshd_word *w, const char *value, const char **out,
    size_t *n)
{
	size_t len = strlen(value);

	for (const char *c = w->choices; c != NULL && *c != '\0';) {
		size_t whole = strcspn(c, "|"), name = strcspn(c, "|=");

		if (name == len && strncasecmp(c, value, len) == 0) {
			*out = name < whole ? c + name + 1 : c;
			*n = name < whole ? whole - name - 1 : whole;
			return true;
		}
		c += whole + (c[whole] == '|');
	}
	return false;
}

static void
expect_choices(const struct sshd_word *w, struct str *out)
{
	for (const char *c = w->choices; *c != '\0';) {
		size_t whole = strcspn(c, "|");

		if (c != w->choices)
			str_add(out, c[whole] == '|' ? ", " : " or ");
		str_addn(out, c, strcspn(c, "|="));
		c += whole + (c[whole] == '|');
	}
}

static const char *const expects[] = {
    [SSHD_TIME] = "a time such as 90 or 1m30s",
    [SSHD_OCTAL] = "an octal mask such as 0177",
    [SSHD_ALGORITHMS] = "names with commas between, or + - ^ and names",
    [SSHD_PATH] = "an absolute path",
    [SSHD_STARTUPS] = "start:rate:full such as 10:30:60",
    [SSHD_BLOCKS] = "bits:bits such as 32:128",
    [SSHD_REKEY] = "an amount and a time such as 1G 1h",
    [SSHD_QOS] = "one or two words such as af21 cs1",
    [SSHD_LISTEN] = "an address, or address:port",
    [SSHD_FORWARD] = "a port, or host:port",
};

void
sshd_expect(const struct sshd_word *w, struct str *out)
{
	if (w->type == SSHD_NUMBER)
		str_addf(out, "a number from %llu to %llu",
		    (unsigned long long)w->min, (unsigned long long)w->max);
	else if (w->type == SSHD_TEXT)
		str_add(out,
		    (w->flags & SSHD_LIST) != 0 ? "one word without quotes"
						: "one line of text");
	else if (w->type != SSHD_YESNO && w->type != SSHD_WORD)
		str_add(out, expects[w->type]);
	if (w->choices == NULL)
		return;
	if (w->type != SSHD_YESNO && w->type != SSHD_WORD)
		str_add(out, " or ");
	expect_choices(w, out);
}

bool
sshd_time(const char *s, uint64_t *out)
{
	static const struct {
		char unit;
		uint64_t secs;
	} units[] = {
	    {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	uint64_t total = 0;

	if (*s == '\0')
		return false;
	while (*s != '\0') {
		uint64_t v = 0, secs = 1;
		size_t digits = strspn(s, "0123456789");

		if (digits == 0 || digits > 9)
			return false;
		for (size_t i = 0; i < digits; i++)
			v = v * 10 + (uint64_t)(s[i] - '0');
		s += digits;
		for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
			if (*s != '\0' && (*s | 0x20) == units[i].unit)
				secs = units[i].secs;
		if (*s != '\0' && strchr("smhdwSMHDW", *s) == NULL)
			return false;
		s += *s != '\0';
		total += v * secs;
		if (total > INT32_MAX) /* sshd's own limit */
			return false;
	}
	*out = total;
	return true;
}

static bool
all_of(const char *s, const char *chars)
{
	return *s != '\0' && strspn(s, chars) == strlen(s);
}

static bool
algorithms_ok(const char *s)
{
	if (strchr("+-^", *s) != NULL)
		s++;
	if (*s == '\0' || *s == ',' || s[strlen(s) - 1] == ',' ||
	    strstr(s, ",,") != NULL)
		return false;
	return all_of(s,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "-_.@,*?");
}

/* Numbers with colons between: low to high of them. */
static bool
numbers_ok(const char *s, unsigned low, unsigned high)
{
	unsigned n = 1;

	if (!all_of(s, "0123456789:") || *s == ':' || strstr(s, "::") != NULL)
		return false;
	for (const char *c = s; *c != '\0'; c++)
		n += *c == ':';
	return s[strlen(s) - 1] != ':' && n >= low && n <= high;
}

static bool
rekey_amount_ok(const char *s, size_t n)
{
	size_t digits = strspn(s, "0123456789");

	if (n == strlen("default") && strncasecmp(s, "default", n) == 0)
		return true;
	return digits > 0 && digits < 16 &&
	    (digits == n || (digits + 1 == n && strchr("kKmMgG", s[digits])));
}

static bool
rekey_ok(const char *s)
{
	size_t n = strcspn(s, " ");
	uint64_t secs;

	if (!rekey_amount_ok(s, n))
		return false;
	if (s[n] == '\0')
		return true;
	return strcasecmp(s + n + 1, "none") == 0 ||
	    sshd_time(s + n + 1, &secs);
}

/* A word in a list: sshd splits at blanks, and `"` and `#` mean something. */
static bool
token_ok(const char *s)
{
	return *s != '\0' && strpbrk(s, "\"'\\") == NULL;
}

static bool
by_type(const struct sshd_word *w, const char *s)
{
	uint64_t v;

	switch (w->type) {
	case SSHD_NUMBER:
		return parse_u64(s, w->min, w->max, &v) == 0;
	case SSHD_TIME:
		return sshd_time(s, &v);
	case SSHD_OCTAL:
		return all_of(s, "01234567") && strlen(s) <= 4;
	case SSHD_ALGORITHMS:
		return algorithms_ok(s);
	case SSHD_PATH:
		return *s == '/' && strpbrk(s, "\"#") == NULL;
	case SSHD_STARTUPS:
		return numbers_ok(s, 3, 3) || numbers_ok(s, 1, 1);
	case SSHD_BLOCKS:
		return numbers_ok(s, 1, 2);
	case SSHD_REKEY:
		return rekey_ok(s);
	case SSHD_QOS:
		return token_ok(s) && strpbrk(s, "#,") == NULL;
	case SSHD_LISTEN:
	case SSHD_FORWARD:
		return token_ok(s) && strpbrk(s, " #") == NULL;
	case SSHD_TEXT:
		return (w->flags & SSHD_LIST) == 0 ? *s != '\0' : token_ok(s);
	case SSHD_YESNO:
	case SSHD_WORD:
		break;
	}
	return false;
}

bool
sshd_value_ok(const struct sshd_word *w, const char *value)
{
	const char *shown;
	size_t n = strlen(value);

	/* Text that begins or ends with a blank cannot be said in the file. */
	if (n == 0 || n > SSHD_VALUE_MAX || !text_is_clean(value, n, NULL) ||
	    value[0] == ' ' || value[n - 1] == ' ')
		return false;
	return sshd_choice(w, value, &shown, &n) || by_type(w, value);
}
