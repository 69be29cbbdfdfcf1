/* SPDX-License-Identifier: ISC */
/* What hosts saw, as rows that the fleet's program printed. */
#include <stdlib.h>
#include <string.h>

#include "ca/audit/uses.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"

static void
use_clear(struct use *u)
{
	login_event_clear(&u->event);
	free(u->host);
	free(u->report);
	*u = (struct use){0};
}

void
uses_clear(struct uses *u)
{
	for (size_t i = 0; i < u->n; i++)
		use_clear(&u->v[i]);
	free(u->v);
	*u = (struct uses){0};
}

/* NULL: the row does not say. */
static const char *
cell(const json_t *row, const char *name)
{
	const char *s = json_text(row, name);

	return s[0] != '\0' ? s : NULL;
}

static int
bad_cell(const json_t *row, const char *name, const char *expected,
    struct err *e)
{
	char quoted[QUOTE_MAX];
	const char *s = cell(row, name);

	return err_set(e, ERR_PARSE, "'%s' is %s, expected %s", name,
	    s != NULL ? str_quote(quoted, s) : "missing", expected);
}

static int
read_text(const json_t *row, const char *name, size_t max, char **out,
    struct err *e)
{
	const char *s = cell(row, name);

	if (s == NULL)
		return 0;
	if (strlen(s) > max)
		return err_set(e, ERR_LIMIT,
		    "'%s' is longer than %zu characters", name, max);
	return (*out = str_dup(s)) != NULL ? 0 : err_nomem(e);
}

static int
read_number(const json_t *row, const char *name, uint64_t max, uint64_t *out,
    struct err *e)
{
	const char *s = cell(row, name);

	if (s == NULL || parse_u64(s, 0, max, out) == 0)
		return 0;
	return bad_cell(row, name, "a number", e);
}

static int
read_clock(const json_t *row, int64_t *out, struct err *e)
{
	const char *s = cell(row, "clock");
	bool behind = s != NULL && s[0] == '-';
	uint64_t n = 0;

	if (s != NULL &&
	    parse_u64(s + behind, 0, (uint64_t)REPORT_CLOCK_MAX, &n) != 0)
		return bad_cell(row, "clock", "a number of seconds", e);
	*out = behind ? -(int64_t)n : (int64_t)n;
	return 0;
}

static int
read_certificate(const json_t *row, struct login_event *ev, struct err *e)
{
	const char *ca = cell(row, "ca"), *serial = cell(row, "serial");

	if (ca == NULL && serial == NULL)
		return 0;
	if (ca == NULL || hash_from_fingerprint(ca, &ev->ca) != 0)
		return bad_cell(row, "ca", "SHA256:...", e);
	if (serial == NULL ||
	    parse_u64(serial, 0, UINT64_MAX, &ev->serial) != 0)
		return bad_cell(row, "serial", "a number", e);
	ev->has_cert = true;
	ev->has_tbs = cell(row, "tbs") != NULL;
	if (ev->has_tbs &&
	    hash_from_fingerprint(cell(row, "tbs"), &ev->tbs) != 0)
		return bad_cell(row, "tbs", "SHA256:...", e);
	return read_text(row, "key_id", LOGIN_KEY_ID_MAX, &ev->key_id, e);
}

static int
read_event(const json_t *row, struct login_event *ev, struct err *e)
{
	const struct {
		const char *name;
		size_t max;
		char **out;
	} texts[] = {
	    {"session", LOGIN_SESSION_MAX, &ev->session},
	    {"account", LOGIN_ACCOUNT_MAX, &ev->account},
	    {"from", LOGIN_FROM_MAX, &ev->from},
	    {"method", LOGIN_METHOD_MAX, &ev->method},
	    {"command", LOGIN_COMMAND_MAX, &ev->command},
	    {"as", LOGIN_ACCOUNT_MAX, &ev->as},
	    {"why", LOGIN_WHY_MAX, &ev->why},
	};
	const char *what = cell(row, "what"), *at = cell(row, "at");
	const char *key = cell(row, "key");
	uint64_t port = 0;
	int r = 0;

	if (what == NULL || login_what_parse(what, &ev->what) != 0)
		return bad_cell(row, "what", "login, refused or another one",
		    e);
	if (at == NULL || clock_parse(at, &ev->at) != 0)
		return bad_cell(row, "at", "a time", e);
	if (key != NULL && hash_from_fingerprint(key, &ev->key) != 0)
		return bad_cell(row, "key", "SHA256:...", e);
	ev->has_key = key != NULL;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && r == 0; i++)
		r = read_text(row, texts[i].name, texts[i].max, texts[i].out,
		    e);
	if (r == 0)
		r = read_number(row, "signatures", UINT64_MAX, &ev->signatures,
		    e);
	if (r == 0)
		r = read_number(row, "port", UINT16_MAX, &port, e);
	ev->port = (uint16_t)port;
	return r != 0 ? r : read_certificate(row, ev, e);
}

static int
read_row(const json_t *row, struct use *u, struct err *e)
{
	int r;

	if (!json_is_object(row))
		return err_set(e, ERR_PARSE, "it is no object");
	if (cell(row, "host") == NULL)
		return bad_cell(row, "host", "the id of a host", e);
	if ((r = read_text(row, "host", ID_MAX, &u->host, e)) != 0 ||
	    (r = read_text(row, "report", HASH_HEX - 1, &u->report, e)) != 0 ||
	    (r = read_number(row, "index", UINT64_MAX, &u->index, e)) != 0 ||
	    (r = read_clock(row, &u->clock, e)) != 0)
		return r;
	return read_event(row, &u->event, e);
}

int
uses_read(const json_t *rows, struct uses *u, struct err *e)
{
	size_t n = json_array_size(rows);
	struct use *more;
	int r;

	if (!json_is_array(rows))
		return err_set(e, ERR_PARSE, "logins: expected a list");
	if (n > USES_MAX - u->n)
		return err_set(e, ERR_LIMIT,
		    "more than %d logins at once; ask for less", USES_MAX);
	if ((more = realloc(u->v, (u->n + n + 1) * sizeof(*more))) == NULL)
		return err_nomem(e);
	u->v = more;
	u->cap = u->n + n + 1;
	for (size_t i = 0; i < n; i++) {
		struct use *x = &u->v[u->n++];

		*x = (struct use){0};
		if ((r = read_row(json_array_get(rows, i), x, e)) != 0) {
			err_prefix(e, "login %zu", i + 1);
			return r;
		}
	}
	return 0;
}
