/* SPDX-License-Identifier: ISC */
/*
 * A master that says whatever a directory has: for agents that must not believe
 * it.
 *
 *	playmaster ADDRESS:PORT KEY DIR
 *
 * KEY is a file with an OpenSSH private key.  In DIR, looked at for each call:
 *
 *	hosts		fingerprints of transport keys, "SHA256:... ID" a line;
 *			all others are guests
 *	want		the object that `attend` tells, told again when it changes
 *	CALL		the answer to a call of that name; chain.policy and
 *			chain.fleet for `chain`, or where there is one
 *			chain.policy.N for `after` N.  A first line of "!N" is the exit
 *			status, "raw" that the rest, hex, is put into an answer as
 *			it is
 *	objects/HASH	what `object` gives; objects/HASH.more makes it claim that
 *			many bytes
 *	calls		what was called, appended, a line each
 *	reports/N	statements of `report`, from 1
 *
 * `report` and `enrol` are answered as a master does where DIR has no answer.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/net/server.h"
#include "lib/net/wire.h"

#define FILE_MAX  (80 * 1024 * 1024)
#define PIECE     (4 * 1024 * 1024)
#define ATTENDING 64
#define POLL_MS   20

static const char *dir;
static struct net_server *server;
static struct {
	struct net_peer *peer;
	uint32_t id;
} attending[ATTENDING];
static struct str told = STR_INIT;
static unsigned n_reports;

static void __attribute__((noreturn)) die(const char *what, const struct err *e)
{
	fprintf(stderr, "playmaster: %s: %s\n", what, e->msg);
	exit(1);
}

static bool
get(const char *name, char **out, size_t *n)
{
	char *path = NULL;
	bool there = path_join(dir, name, &path) == 0 &&
	    file_read(path, FILE_MAX, out, n, NULL) == 0;

	free(path);
	return there;
}

static void
note(const char *line)
{
	char *path = NULL;
	FILE *f;

	if (path_join(dir, "calls", &path) == 0 &&
	    (f = fopen(path, "ae")) != NULL) {
		fprintf(f, "%s\n", line);
		(void)fclose(f);
	}
	free(path);
}

/* --- who ------------------------------------------------------------------ */

static const char *
whose(void *ctx, const struct net_key *k, const struct source *guest_from,
    bool here)
{
	static char id[128];
	char *text = NULL, *line, *save = NULL;
	size_t n;

	(void)ctx;
	(void)here;
	id[0] = '\0';
	if (get("hosts", &text, &n))
		for (line = strtok_r(text, "\n", &save); line != NULL;
		     line = strtok_r(NULL, "\n", &save))
			if (strncmp(line, k->fingerprint,
				strlen(k->fingerprint)) == 0)
				(void)snprintf(id, sizeof(id), "host/%s",
				    line + strlen(k->fingerprint) + 1);
	free(text);
	return id[0] != '\0' || guest_from != NULL ? id : NULL;
}

static void
refusal(void *ctx, const struct net_key *keys, size_t n, struct str *out)
{
	(void)ctx;
	(void)keys;
	(void)n;
	(void)out;
}

static void
came(void *ctx, struct net_peer *p)
{
	char line[300];

	(void)ctx;
	(void)snprintf(line, sizeof(line), "+ %s %s", net_peer_person(p),
	    net_peer_fingerprint(p));
	note(line);
}

static void
gone(void *ctx, struct net_peer *p, const char *why)
{
	(void)ctx;
	(void)why;
	for (size_t i = 0; i < ATTENDING; i++)
		if (attending[i].peer == p)
			attending[i].peer = NULL;
	note("-");
}

static void
refused(void *ctx, const struct source *from, const char *address,
    const struct net_key *last, const char *why)
{
	(void)ctx;
	(void)from;
	(void)address;
	(void)last;
	(void)why;
	note("refused");
}

static bool
takes_input(void *ctx, const char *words)
{
	(void)ctx;
	(void)words;
	return false;
}

static void
on_words(void *ctx, struct net_peer *p, const char *words, struct slice in)
{
	(void)ctx;
	(void)words;
	(void)in;
	net_peer_exit(p, 2);
}

/* --- answers -------------------------------------------------------------- */

static void
fail(struct net_peer *p, uint32_t id, const char *text)
{
	struct str s = STR_INIT;
	struct jw w;

	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "error", text);
	jw_str(&w, "code", "notfound");
	jw_end(&w, '}');
	net_peer_answer(p, id, true, 1, slice_of(s.p, s.n));
	str_clear(&s);
}

/* A file as an answer; "raw" and hex: those bytes, in the place of a body. */
static void
answer(struct net_peer *p, uint32_t id, bool last, char *text, size_t n)
{
	uint8_t status = 0;
	uint8_t *raw;
	size_t len;

	if (n > 2 && text[0] == '!') {
		status = (uint8_t)(text[1] - '0');
		text += 3;
		n -= 3;
	}
	if (n > 4 && strncmp(text, "raw\n", 4) == 0) {
		len = strspn(text + 4, "0123456789abcdef") / 2;
		raw = malloc(len + 1);
		if (raw != NULL && hex_decode(text + 4, 2 * len, raw, len) == 0)
			net_peer_answer(p, id, last, status,
			    slice_of(raw, len));
		free(raw);
		return;
	}
	net_peer_answer(p, id, last, status, slice_of(text, n));
}

static bool
from_file(struct net_peer *p, uint32_t id, const char *name)
{
	char *text = NULL;
	size_t n;

	if (!get(name, &text, &n))
		return false;
	answer(p, id, true, text, n);
	free(text);
	return true;
}

static void
on_object(struct net_peer *p, uint32_t id, const json_t *o)
{
	const char *hash = json_string_value(json_object_get(o, "hash"));
	struct str s = STR_INIT;
	uint64_t offset = 0, size;
	char name[100], *text = NULL, *more = NULL;
	struct jw w;
	size_t n, piece, n_more;

	if (json_u64(o, "offset", 0, 0, UINT64_MAX, &offset, NULL) != 0)
		offset = 0;
	(void)snprintf(name, sizeof(name), "objects/%s",
	    hash != NULL ? hash : "");
	if (!get(name, &text, &n)) {
		fail(p, id, "no such object");
		return;
	}
	size = n;
	(void)snprintf(name, sizeof(name), "objects/%s.more",
	    hash != NULL ? hash : "");
	if (get(name, &more, &n_more))
		size = strtoull(more, NULL, 10);
	if (offset > n)
		offset = size > n ? 0 : n; /* it never ends */
	piece = n - (size_t)offset < PIECE ? n - (size_t)offset : PIECE;
	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	jw_u64(&w, "size", size);
	jw_base64(&w, "data", text + offset, piece);
	jw_end(&w, '}');
	net_peer_answer(p, id, true, 0, slice_of(s.p, s.n));
	str_clear(&s);
	free(text);
	free(more);
}

static void
on_report(struct net_peer *p, uint32_t id, const json_t *o)
{
	const char *text = json_string_value(json_object_get(o, "statement"));
	char name[40], *path = NULL, body[64];

	if (text == NULL) {
		fail(p, id, "no statement");
		return;
	}
	(void)snprintf(name, sizeof(name), "reports/%u", ++n_reports);
	if (path_join(dir, name, &path) != 0 ||
	    file_write(path, text, strlen(text), 0644, 0, NULL) != 0)
		exit(1);
	free(path);
	(void)snprintf(body, sizeof(body), "{\"seq\":\"%u\"}", n_reports);
	net_peer_answer(p, id, true, 0, slice_str(body));
}

static void
on_enrol(struct net_peer *p, uint32_t id, const json_t *o)
{
	const char *text = json_string_value(json_object_get(o, "statement"));
	char *path = NULL;

	if (text != NULL && path_join(dir, "enrol.statement", &path) == 0 &&
	    file_write(path, text, strlen(text), 0644, 0, NULL) != 0)
		exit(1);
	free(path);
	net_peer_answer(p, id, true, 0, slice_str("{\"state\":\"waiting\"}"));
}

static void
on_attend(struct net_peer *p, uint32_t id)
{
	char *text = NULL;
	size_t n;

	if (net_peer_person(p)[0] == '\0') {
		fail(p, id, "guests do not attend");
		return;
	}
	for (size_t i = 0; i < ATTENDING; i++)
		if (attending[i].peer == NULL) {
			attending[i].peer = p;
			attending[i].id = id;
			break;
		}
	if (get("want", &text, &n))
		answer(p, id, false, text, n);
	free(text);
}

static void
on_call(void *ctx, struct net_peer *p, uint32_t id, struct slice body)
{
	json_t *o = NULL;
	const char *call, *what, *after;
	char name[64], more[100], line[160];

	(void)ctx;
	if (json_read(body, WIRE_CALL_MAX, &o, NULL) != 0) {
		fail(p, id, "not JSON");
		return;
	}
	call = json_string_value(json_object_get(o, "call"));
	what = json_string_value(json_object_get(o, "what"));
	(void)snprintf(name, sizeof(name), "%s%s%s",
	    call != NULL ? call : "none", what != NULL ? "." : "",
	    what != NULL ? what : "");
	(void)snprintf(line, sizeof(line), "%s %s", name, net_peer_person(p));
	note(line);
	after = json_string_value(json_object_get(o, "after"));
	(void)snprintf(more, sizeof(more), "%s.%.20s", name,
	    after != NULL ? after : "");
	if (strcmp(name, "attend") == 0)
		on_attend(p, id);
	else if (what != NULL && from_file(p, id, more))
		;
	else if (from_file(p, id, name))
		;
	else if (strcmp(name, "object") == 0)
		on_object(p, id, o);
	else if (strcmp(name, "report") == 0)
		on_report(p, id, o);
	else if (strcmp(name, "enrol") == 0)
		on_enrol(p, id, o);
	else
		fail(p, id, "no such call");
	json_decref(o);
}

/* --- the loop ------------------------------------------------------------- */

static void
tell(void)
{
	char *text = NULL;
	size_t n;

	if (!get("want", &text, &n))
		return;
	if (strcmp(text, told.p) != 0) {
		str_reset(&told);
		str_add(&told, text);
		for (size_t i = 0; i < ATTENDING; i++)
			if (attending[i].peer != NULL)
				answer(attending[i].peer, attending[i].id,
				    false, text, n);
	}
	free(text);
}

int
main(int argc, char **argv)
{
	static const struct net_ops ops = {whose, refusal, came, takes_input,
	    on_words, on_call, gone, refused};
	static const struct net_limits limits = {
	    100, 100, 100, 20000, INT64_C(1) << 40, INT64_C(1) << 40, 100};
	struct loop *loop = NULL;
	char *colon, *key = NULL;
	struct err e = {0};
	size_t n;
	int fd = -1;

	if (argc != 4 || (colon = strrchr(argv[1], ':')) == NULL) {
		fprintf(stderr, "usage: playmaster ADDRESS:PORT KEY DIR\n");
		return 2;
	}
	*colon = '\0';
	dir = argv[3];
	(void)signal(SIGPIPE, SIG_IGN);
	if (file_read(argv[2], 65536, &key, &n, &e) != 0 ||
	    loop_new(&loop, &e) != 0 ||
	    net_server_new(loop, key, "writ", &limits, &ops, NULL, &server,
		&e) != 0 ||
	    net_listen(argv[1], (uint16_t)strtoul(colon + 1, NULL, 10), &fd,
		&e) != 0 ||
	    net_server_add(server, fd, &e) != 0)
		die("cannot serve", &e);
	free(key);
	for (;;) {
		int ms = net_server_turn(server);
		char *path = NULL;

		tell();
		net_server_recheck(server);
		if (path_join(dir, "stop", &path) == 0 && file_exists(path))
			break;
		free(path);
		if (loop_turn(loop, ms < 0 || ms > POLL_MS ? POLL_MS : ms,
			&e) != 0)
			die("cannot go on", &e);
	}
	net_server_free(server);
	loop_free(loop);
	return 0;
}
