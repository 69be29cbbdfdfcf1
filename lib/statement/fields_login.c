/* SPDX-License-Identifier: ISC */
/* What a host saw of those who log in: an event's fields in and out. */
#include "lib/statement/login_event.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/statement/fields.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const char *const whats[] = {
    [LOGIN_IN] = "login",
    [LOGIN_REFUSED] = "refused",
    [LOGIN_OUT] = "end",
    [LOGIN_SUDO] = "sudo",
    [LOGIN_FAILED] = "failed",
};
static const char *const sources[] = {
    [LOGIN_FROM_JOURNAL] = "journal",
    [LOGIN_FROM_FILE] = "file",
};

const char *const login_event_keys[LOGIN_EVENT_KEYS] = {"what", "at", "until",
    "count", "source", "session", "account", "from", "port", "method", "key",
    "ca", "serial", "key_id", "signatures", "command", "as", "why", "tbs"};

/* A bit a field, by its place above. */
#define UNTIL      (1U << 2)
#define COUNT      (1U << 3)
#define SESSION    (1U << 5)
#define ACCOUNT    (1U << 6)
#define FROM       (1U << 7)
#define PORT       (1U << 8)
#define METHOD     (1U << 9)
#define KEY        (1U << 10)
#define CA         (1U << 11)
#define SERIAL     (1U << 12)
#define KEY_ID     (1U << 13)
#define SIGNATURES (1U << 14)
#define COMMAND    (1U << 15)
#define AS         (1U << 16)
#define WHY        (1U << 17)
#define TBS        (1U << 18)
#define FIRST_OWN  5 /* and until, count: the rest is in every event */
#define CERT       (CA | SERIAL | KEY_ID)
#define PEER       (FROM | PORT)

static const struct {
	uint32_t must, may;
} fields_of[] = {
    [LOGIN_IN] = {ACCOUNT | METHOD,
	SESSION | PEER | KEY | CERT | TBS | SIGNATURES},
    [LOGIN_REFUSED] = {WHY,
	SESSION | ACCOUNT | PEER | METHOD | KEY | CERT | SIGNATURES},
    [LOGIN_OUT] = {ACCOUNT, SESSION | PEER},
    [LOGIN_SUDO] = {ACCOUNT | COMMAND, SESSION | AS | WHY},
    [LOGIN_FAILED] = {UNTIL | COUNT, 0},
};

const char *
login_what_name(enum login_what w)
{
	return (size_t)w < N(whats) ? whats[w] : NULL;
}

const char *
login_source_name(enum login_source s)
{
	return (size_t)s < N(sources) ? sources[s] : NULL;
}

int
login_what_parse(const char *name, enum login_what *out)
{
	for (size_t i = 0; i < N(whats); i++) {
		if (strcmp(whats[i], name) == 0) {
			*out = (enum login_what)i;
			return 0;
		}
	}
	return ERR_PARSE;
}

/* --- in --- */

/* Which fields stand there, held against those that may and must. */
static int
check_fields(const json_t *o, enum login_what what, struct err *e)
{
	uint32_t must = fields_of[what].must, may = fields_of[what].may | must;
	uint32_t has = 0;

	for (size_t i = 0; i < LOGIN_EVENT_KEYS; i++)
		if (json_object_get(o, login_event_keys[i]) != NULL)
			has |= 1U << i;
	if ((has & (CERT | TBS)) != 0)
		must |= CERT;
	for (size_t i = 0; i < LOGIN_EVENT_KEYS; i++) {
		uint32_t bit = 1U << i;
		bool common = i < FIRST_OWN && (bit & (UNTIL | COUNT)) == 0;

		if ((has & bit) != 0 && !common && (may & bit) == 0)
			return err_set(e, ERR_PARSE,
			    "field '%s' in an event of kind %s, expected none "
			    "there",
			    login_event_keys[i], whats[what]);
		if ((must & bit) != 0 && (has & bit) == 0)
			return err_set(e, ERR_PARSE,
			    "field '%s' is missing, expected it in an event "
			    "of kind %s%s",
			    login_event_keys[i], whats[what],
			    (bit & CERT) != 0 ? " with a certificate" : "");
	}
	return 0;
}

/* Printable ASCII: nothing that a terminal or a table would act upon. */
static int
read_text(const json_t *o, const char *key, unsigned flags, size_t max,
    char **out, struct err *e)
{
	int r = json_strdup(o, key, JSON_OPTIONAL | flags, max, out, e);

	if (r != 0 || *out == NULL)
		return r;
	for (const char *c = *out; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			return err_set(e, ERR_PARSE,
			    "field '%s' has a byte that is not printable "
			    "ASCII, expected it as \\xHH",
			    key);
	return 0;
}

static int
read_session(const json_t *o, char **out, struct err *e)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789._:-";
	char q[QUOTE_MAX];
	int r;

	r = json_strdup(o, "session", JSON_OPTIONAL, LOGIN_SESSION_MAX, out, e);
	if (r != 0 || *out == NULL || (*out)[strspn(*out, set)] == '\0')
		return r;
	return err_set(e, ERR_PARSE,
	    "field 'session' is %s, expected a name of [A-Za-z0-9._:-]",
	    str_quote(q, *out));
}

static int
read_fingerprint(const json_t *o, const char *key, bool *has, struct hash *out,
    struct err *e)
{
	const char *s = NULL;
	int r;

	r = json_str(o, key, JSON_OPTIONAL, FINGERPRINT_MAX - 1, &s, e);
	if (r != 0 || s == NULL)
		return r;
	if (hash_from_fingerprint(s, out) != 0)
		return err_set(e, ERR_PARSE,
		    "field '%s' is malformed, expected a fingerprint like "
		    "SHA256:...",
		    key);
	*has = true;
	return 0;
}

static int
read_texts(const json_t *o, struct login_event *ev, struct err *e)
{
	const struct {
		const char *key;
		unsigned flags;
		size_t max;
		char **out;
	} texts[] = {
	    {"account", 0, LOGIN_ACCOUNT_MAX, &ev->account},
	    {"from", 0, LOGIN_FROM_MAX, &ev->from},
	    {"method", 0, LOGIN_METHOD_MAX, &ev->method},
	    {"key_id", JSON_EMPTY_OK, LOGIN_KEY_ID_MAX, &ev->key_id},
	    {"command", 0, LOGIN_COMMAND_MAX, &ev->command},
	    {"as", 0, LOGIN_ACCOUNT_MAX, &ev->as},
	    {"why", 0, LOGIN_WHY_MAX, &ev->why},
	};
	int r = 0;

	for (size_t i = 0; i < N(texts) && r == 0; i++)
		r = read_text(o, texts[i].key, texts[i].flags, texts[i].max,
		    texts[i].out, e);
	return r;
}

static int
read_numbers(const json_t *o, struct login_event *ev, struct err *e)
{
	int64_t port = 0;
	int r;

	if ((r = json_time(o, "at", 0, &ev->at, e)) != 0 ||
	    (r = json_time(o, "until", JSON_OPTIONAL, &ev->until, e)) != 0 ||
	    (r = json_u64(o, "count", JSON_OPTIONAL, 1, UINT64_MAX, &ev->count,
		 e)) != 0 ||
	    (r = json_int(o, "port", JSON_OPTIONAL, 1, UINT16_MAX, &port, e)) !=
		0 ||
	    (r = json_u64(o, "serial", JSON_OPTIONAL, 0, UINT64_MAX,
		 &ev->serial, e)) != 0 ||
	    (r = json_u64(o, "signatures", JSON_OPTIONAL, 1, UINT64_MAX,
		 &ev->signatures, e)) != 0)
		return r;
	ev->port = (uint16_t)port;
	if (ev->what == LOGIN_FAILED && ev->until < ev->at)
		return err_set(e, ERR_PARSE,
		    "field 'until' is before 'at', expected the last of "
		    "'count'");
	return 0;
}

int
login_event_read(const json_t *o, struct login_event *ev, struct err *e)
{
	size_t what, source;
	int r;

	if (!json_is_object(o))
		return err_set(e, ERR_PARSE, "not an object");
	if ((r = st_read_word(o, "what", whats, N(whats), &what, e)) != 0 ||
	    (r = st_read_either(o, "source", sources, &source, e)) != 0)
		return r;
	ev->what = (enum login_what)what;
	ev->source = (enum login_source)source;
	if ((r = check_fields(o, ev->what, e)) != 0 ||
	    (r = read_numbers(o, ev, e)) != 0 ||
	    (r = read_session(o, &ev->session, e)) != 0 ||
	    (r = read_texts(o, ev, e)) != 0 ||
	    (r = read_fingerprint(o, "key", &ev->has_key, &ev->key, e)) != 0 ||
	    (r = read_fingerprint(o, "tbs", &ev->has_tbs, &ev->tbs, e)) != 0)
		return r;
	return read_fingerprint(o, "ca", &ev->has_cert, &ev->ca, e);
}

/* --- out --- */

static void
write_text(struct jw *w, const char *key, const char *text)
{
	if (text != NULL)
		jw_str(w, key, text);
}

static void
write_fingerprint(struct jw *w, const char *key, const struct hash *h)
{
	char text[FINGERPRINT_MAX];

	hash_fingerprint(h, text);
	jw_str(w, key, text);
}

void
login_event_write(const struct login_event *ev, struct jw *w)
{
	jw_str(w, "what", whats[ev->what]);
	jw_time(w, "at", ev->at);
	if (ev->what == LOGIN_FAILED) {
		jw_time(w, "until", ev->until);
		jw_u64(w, "count", ev->count);
	}
	jw_str(w, "source", sources[ev->source]);
	write_text(w, "session", ev->session);
	write_text(w, "account", ev->account);
	write_text(w, "from", ev->from);
	if (ev->port != 0)
		jw_int(w, "port", ev->port);
	write_text(w, "method", ev->method);
	if (ev->has_key)
		write_fingerprint(w, "key", &ev->key);
	if (ev->has_cert) {
		write_fingerprint(w, "ca", &ev->ca);
		jw_u64(w, "serial", ev->serial);
		jw_str(w, "key_id", ev->key_id);
		if (ev->has_tbs)
			write_fingerprint(w, "tbs", &ev->tbs);
	}
	if (ev->signatures != 0)
		jw_u64(w, "signatures", ev->signatures);
	write_text(w, "command", ev->command);
	write_text(w, "as", ev->as);
	write_text(w, "why", ev->why);
}

bool
login_event_whole(const struct login_event *ev)
{
	return login_what_name(ev->what) != NULL &&
	    login_source_name(ev->source) != NULL && st_is_time(ev->at) &&
	    st_is_time(ev->until) && (!ev->has_cert || ev->key_id != NULL);
}

bool
login_event_denied(const struct login_event *ev)
{
	return ev->why != NULL &&
	    strncmp(ev->why, LOGIN_PERHAPS, strlen(LOGIN_PERHAPS)) != 0;
}

static void
describe_text(struct str *out, const char *before, const char *text)
{
	if (text != NULL)
		str_addf(out, "%s%s", before, text);
}

void
login_event_describe(const struct login_event *ev, struct str *out)
{
	char fp[FINGERPRINT_MAX], at[CLOCK_TEXT];

	clock_format(ev->at, at);
	str_add(out, at);
	if (ev->what == LOGIN_FAILED) {
		clock_format(ev->until, at);
		str_addf(out, " to %s: %llu refused", at,
		    (unsigned long long)ev->count);
	}
	describe_text(out, " ", ev->account);
	describe_text(out, " from ", ev->from);
	describe_text(out, " by ", ev->method);
	describe_text(out, " as ", ev->as);
	describe_text(out, ": ", ev->command);
	if (ev->has_key) {
		hash_fingerprint(&ev->key, fp);
		str_addf(out, ", key %s", fp);
	}
	if (ev->has_cert) {
		hash_fingerprint(&ev->ca, fp);
		str_addf(out, ", certificate '%s' serial %llu CA %s",
		    ev->key_id, (unsigned long long)ev->serial, fp);
		if (ev->has_tbs) {
			hash_fingerprint(&ev->tbs, fp);
			str_addf(out, " (whole, %s)", fp);
		}
	}
	describe_text(out, ", session ", ev->session);
	describe_text(out, ", ", ev->why);
}

void
login_clock_describe(int64_t clock, struct str *out)
{
	int64_t n = clock < 0 ? -clock : clock;
	int64_t unit = n >= 2 * 86400 ? 86400 : n >= 7200 ? 3600 : 60;
	char span[SPAN_TEXT];

	/* Near enough, in one number. */
	span_format(n >= unit ? n - n % unit : n, span);
	str_addf(out, "its clock is %s %s", span,
	    clock < 0 ? "behind" : "ahead");
}

void
login_event_clear(struct login_event *ev)
{
	free(ev->session);
	free(ev->account);
	free(ev->from);
	free(ev->method);
	free(ev->key_id);
	free(ev->command);
	free(ev->as);
	free(ev->why);
	memset(ev, 0, sizeof(*ev));
}
