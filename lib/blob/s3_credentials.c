/* SPDX-License-Identifier: ISC */
/*
 * Credentials: environment, file, program.  Our own copies are wiped; what
 * libcurl and jansson copied inside is theirs, but jansson's strings can be
 * reached and are wiped too.
 */
#include "lib/blob/s3_credentials.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/proc/child.h"

#define FILE_MAX   65536
#define ANSWER_MAX 65536
#define ARGS_MAX   64
#define PROCESS_MS 30000

static void
wipe_free(char *s)
{
	if (s != NULL)
		mem_wipe(s, strlen(s));
	free(s);
}

void
s3_cred_clear(struct s3_cred *c)
{
	wipe_free(c->id);
	wipe_free(c->secret);
	wipe_free(c->token);
	*c = (struct s3_cred){0};
}

static bool
same(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strlen(a) == strlen(b) && mem_equal_ct(a, b, strlen(a));
}

bool
s3_cred_equal(const struct s3_cred *a, const struct s3_cred *b)
{
	return same(a->id, b->id) && same(a->secret, b->secret) &&
	    same(a->token, b->token);
}

/* They go into header lines, so nothing but visible ASCII. */
static bool
visible(const char *s, size_t max)
{
	size_t n = strnlen(s, max + 1);

	if (n == 0 || n > max)
		return false;
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return true;
}

/* Never show the value: it may be the secret of another field. */
static int
cred_check(const struct s3_cred *c, const char *where, struct err *e)
{
	const char *bad = NULL;

	if (c->id == NULL || c->secret == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "%s has no %s, expected an access key and its secret",
		    where, c->id == NULL ? "access key" : "secret key");
	if (!visible(c->id, S3_KEY_ID_MAX))
		bad = "access key";
	else if (!visible(c->secret, S3_SECRET_MAX))
		bad = "secret key";
	else if (c->token != NULL && !visible(c->token, S3_TOKEN_MAX))
		bad = "session token";
	if (bad != NULL)
		return err_set(e, ERR_PARSE,
		    "the %s in %s is malformed, expected visible ASCII "
		    "characters without blanks",
		    bad, where);
	return 0;
}

static int
from_env(struct s3_cred *out, struct err *e)
{
	const char *id = getenv("AWS_ACCESS_KEY_ID");
	const char *secret = getenv("AWS_SECRET_ACCESS_KEY");
	const char *token = getenv("AWS_SESSION_TOKEN");
	struct s3_cred c = {0};
	int r;

	if (id == NULL || secret == NULL || *id == '\0' || *secret == '\0') {
		r = err_set(e, ERR_NOTFOUND,
		    "no S3 credentials, expected AWS_ACCESS_KEY_ID and "
		    "AWS_SECRET_ACCESS_KEY in the environment");
		err_hint(e, "set both, or name a credentials file or program");
		return r;
	}
	c.id = str_dup(id);
	c.secret = str_dup(secret);
	if (token != NULL && *token != '\0' &&
	    (c.token = str_dup(token)) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	if (c.id == NULL || c.secret == NULL) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = cred_check(&c, "the environment", e)) != 0)
		goto out;
	*out = c;
	c = (struct s3_cred){0};
out:
	s3_cred_clear(&c);
	return r;
}

static struct slice
trim(struct slice s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = slice_of(s.p + 1, s.n - 1);
	while (s.n > 0 &&
	    (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' ||
		s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

struct place { /* for messages: NAME:LINE */
	const char *name;
	unsigned line;
};

/* One "key = value" of the profile wanted; other keys are not ours. */
static int
file_setting(struct slice line, struct s3_cred *c, const struct place *at,
    struct err *e)
{
	const struct {
		const char *key;
		char **field;
	} keys[] = {{"aws_access_key_id", &c->id},
	    {"aws_secret_access_key", &c->secret},
	    {"aws_session_token", &c->token}};
	const uint8_t *eq = memchr(line.p, '=', line.n);
	struct slice key, value;

	if (eq == NULL)
		return err_set(e, ERR_PARSE,
		    "%s:%u: expected [profile] or key = value", at->name,
		    at->line);
	key = trim(slice_of(line.p, (size_t)(eq - line.p)));
	value = trim(slice_of(eq + 1, line.n - (size_t)(eq - line.p) - 1));
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (!slice_is(key, keys[i].key))
			continue;
		if (*keys[i].field != NULL)
			return err_set(e, ERR_PARSE,
			    "%s:%u: second %s of this profile", at->name,
			    at->line, keys[i].key);
		*keys[i].field = str_dupn(value.p, value.n);
		return *keys[i].field == NULL ? err_nomem(e) : 0;
	}
	return 0;
}

/* Cut the next line off the text, without its end. */
static struct slice
next_line(struct slice *text)
{
	const uint8_t *nl = memchr(text->p, '\n', text->n);
	size_t n = nl == NULL ? text->n : (size_t)(nl - text->p);
	struct slice line = slice_of(text->p, n);

	n += nl != NULL;
	*text = slice_of(text->p + n, text->n - n);
	return trim(line);
}

static int
file_lines(struct slice text, const char *profile, const char *name,
    struct s3_cred *c, bool *found, struct err *e)
{
	struct place at = {.name = name};
	bool mine = false;
	int r = 0;

	while (text.n > 0 && r == 0) {
		struct slice line = next_line(&text);

		at.line++;
		if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';')
			continue;
		if (line.p[0] != '[') {
			if (mine)
				r = file_setting(line, c, &at, e);
			continue;
		}
		if (line.n < 2 || line.p[line.n - 1] != ']')
			return err_set(e, ERR_PARSE,
			    "%s:%u: expected [profile]", at.name, at.line);
		mine =
		    slice_is(trim(slice_of(line.p + 1, line.n - 2)), profile);
		*found |= mine;
	}
	return r;
}

int
s3_cred_parse_file(struct slice text, const char *profile, const char *name,
    struct s3_cred *out, struct err *e)
{
	struct s3_cred c = {0};
	char q[QUOTE_MAX];
	bool found = false;
	int r;

	if ((r = file_lines(text, profile, name, &c, &found, e)) != 0)
		goto out;
	if (!found) {
		r = err_set(e, ERR_NOTFOUND, "%s has no profile %s", name,
		    str_quote(q, profile));
		goto out;
	}
	if ((r = cred_check(&c, name, e)) != 0)
		goto out;
	*out = c;
	c = (struct s3_cred){0};
out:
	s3_cred_clear(&c);
	return r;
}

static int
from_file(const char *spec, struct s3_cred *out, struct err *e)
{
	const char *hash = strrchr(spec, '#');
	char *path = NULL, *text = NULL;
	size_t n = 0;
	int r;

	path = hash == NULL ? str_dup(spec)
			    : str_dupn(spec, (size_t)(hash - spec));
	if (path == NULL) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = file_read(path, FILE_MAX, &text, &n, e)) != 0)
		goto out;
	r = s3_cred_parse_file(slice_of(text, n),
	    hash == NULL ? "default" : hash + 1, path, out, e);
out:
	if (text != NULL)
		mem_wipe(text, n);
	free(text);
	free(path);
	return r;
}

static void
json_wipe(const json_t *o)
{
	const json_t *v = json_object_get(o, "SecretAccessKey");

	if (json_is_string(v) && json_string_length(v) > 0) {
		void *p;
		const char *s = json_string_value(v);

		/* The string is o's own memory, const only in its interface. */
		memcpy(&p, &s, sizeof(p));
		mem_wipe(p, json_string_length(v));
	}
}

int
s3_cred_parse_json(struct slice text, struct s3_cred *out, struct err *e)
{
	const char *expires = NULL;
	struct s3_cred c = {0};
	json_t *o = NULL;
	int64_t version;
	int r;

	if ((r = json_read(text, ANSWER_MAX, &o, e)) != 0 ||
	    (r = json_int(o, "Version", 0, 1, 1, &version, e)) != 0 ||
	    (r = json_strdup(o, "AccessKeyId", 0, S3_KEY_ID_MAX, &c.id, e)) !=
		0 ||
	    (r = json_strdup(o, "SecretAccessKey", 0, S3_SECRET_MAX, &c.secret,
		 e)) != 0 ||
	    (r = json_strdup(o, "SessionToken", JSON_OPTIONAL, S3_TOKEN_MAX,
		 &c.token, e)) != 0 ||
	    (r = json_str(o, "Expiration", JSON_OPTIONAL, 64, &expires, e)) !=
		0)
		goto out;
	if (expires != NULL && clock_parse_lax(expires, &c.expires) != 0) {
		r = err_set(e, ERR_PARSE,
		    "Expiration is not a time, expected RFC 3339");
		goto out;
	}
	if ((r = cred_check(&c, "the answer", e)) != 0)
		goto out;
	*out = c;
	c = (struct s3_cred){0};
out:
	if (o != NULL)
		json_wipe(o);
	json_decref(o);
	s3_cred_clear(&c);
	return r;
}

/* Cut text at blanks, in place.  ERR_LIMIT. */
static int
split(char *text, const char *argv[ARGS_MAX + 1])
{
	char *save = NULL;
	size_t n = 0;

	for (char *p = strtok_r(text, " \t", &save); p != NULL;
	     p = strtok_r(NULL, " \t", &save)) {
		if (n == ARGS_MAX)
			return ERR_LIMIT;
		argv[n++] = p;
	}
	argv[n] = NULL;
	return n == 0 ? ERR_PARSE : 0;
}

static int
from_process(const char *command, struct s3_cred *out, struct err *e)
{
	const char *argv[ARGS_MAX + 1];
	struct child_run run = {
	    .argv = argv, .out_max = ANSWER_MAX, .timeout_ms = PROCESS_MS};
	struct child_result res = {0};
	char *copy = str_dup(command), q[QUOTE_MAX];
	int r;

	if (copy == NULL)
		return err_nomem(e);
	if ((r = split(copy, argv)) != 0) {
		(void)err_set(e, r,
		    "'process:' names no program, expected process:PROGRAM "
		    "[ARG...] with at most %d words",
		    ARGS_MAX);
		goto out;
	}
	if ((r = child_run(&run, &res, e)) != 0) {
		err_prefix(e, "credential program %s", str_quote(q, argv[0]));
		goto out;
	}
	if (res.status != 0) {
		char why[QUOTE_MAX];

		r = err_set(e, ERR_DENIED,
		    "credential program %s failed with status %d: %s",
		    str_quote(q, argv[0]), res.status,
		    str_quote(why, res.err_text));
		goto out;
	}
	if ((r = s3_cred_parse_json(slice_of(res.out, res.out_len), out, e)) !=
	    0)
		err_prefix(e, "credential program %s", str_quote(q, argv[0]));
out:
	if (res.out != NULL)
		mem_wipe(res.out, res.out_len);
	child_result_clear(&res);
	free(copy);
	return r;
}

int
s3_cred_check(const char *spec, struct err *e)
{
	char q[QUOTE_MAX];

	if (spec == NULL || strcmp(spec, "env") == 0 ||
	    (strncmp(spec, "file:", 5) == 0 && spec[5] != '\0') ||
	    strncmp(spec, "process:", 8) == 0)
		return 0;
	return err_set(e, ERR_PARSE,
	    "%s does not say where S3 credentials are, expected env, "
	    "file:PATH[#PROFILE] or process:PROGRAM [ARG...]",
	    str_quote(q, spec));
}

int
s3_cred_load(const char *spec, struct s3_cred *out, struct err *e)
{
	int r;

	if ((r = s3_cred_check(spec, e)) != 0)
		return r;
	if (spec == NULL || strcmp(spec, "env") == 0)
		return from_env(out, e);
	if (strncmp(spec, "file:", 5) == 0)
		return from_file(spec + 5, out, e);
	return from_process(spec + 8, out, e);
}
