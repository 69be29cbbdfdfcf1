/* SPDX-License-Identifier: ISC */
#include "lib/net/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/net/dest.h"
#include "lib/net/wire.h"
#include "lib/proc/child_pipe.h"

#define FINISH_MS 5000 /* for ssh to say goodbye */
#define ARGS_MAX  40
#define READ_MAX  65536
#define TEXT_MAX  4096 /* bytes of a sentence */

struct link {
	struct child_pipe *ssh;
	struct wire_reader *reader;
	struct buf *in; /* read and not yet fed */
	char *address;
	char *known_hosts;
	bool aliased;
	int cancel_fd;
	uint32_t last_id;
	bool spoke; /* the other end has answered something */
	bool shown; /* ssh's complaints went to the terminal */
	bool dead;
};

/* --- starting ------------------------------------------------------------- */

struct args {
	const char *v[ARGS_MAX];
	size_t n;
	char *owned[ARGS_MAX];
	size_t n_owned;
	bool failed;
};

static void
arg(struct args *a, const char *word)
{
	if (a->n + 1 < ARGS_MAX)
		a->v[a->n++] = word;
}

static void argf(struct args *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
argf(struct args *a, const char *fmt, ...)
{
	struct str s = STR_INIT;
	va_list ap;
	char *p = NULL;

	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	if (str_take(&s, &p) != 0) {
		a->failed = true;
		return;
	}
	a->owned[a->n_owned++] = p;
	arg(a, p);
}

static void
option(struct args *a, const char *text)
{
	arg(a, "-o");
	arg(a, text);
}

/* ssh expands %h and its kin in names of files, and splits at blanks. */
static void
known_hosts_option(struct args *a, const char *path)
{
	struct str s = STR_INIT;

	for (const char *p = path; *p != '\0'; p++) {
		if (*p == '%')
			str_addc(&s, '%');
		else if (*p == '"' || *p == '\\')
			str_addc(&s, '\\');
		str_addc(&s, *p);
	}
	a->failed |= str_check(&s) != 0;
	arg(a, "-o");
	argf(a, "UserKnownHostsFile=\"%s\"", s.p);
	str_clear(&s);
}

static void
build_args(struct args *a, const struct link_options *o, const struct dest *d)
{
	/* A machine that is off answers nothing, and the kernel asks it for two
	   minutes: the next of several masters is not kept waiting so long. */
	static const char *const fixed[] = {"ClearAllForwardings=yes",
	    "PermitLocalCommand=no", "ControlPath=none", "ConnectTimeout=30",
	    "GlobalKnownHostsFile=/dev/null", "HashKnownHosts=no",
	    "UpdateHostKeys=no", "ServerAliveInterval=30",
	    "ServerAliveCountMax=4"};

	arg(a, "ssh");
	arg(a, "-a");
	arg(a, "-x");
	arg(a, "-T");
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		option(a, fixed[i]);
	option(a,
	    o->first ? "StrictHostKeyChecking=accept-new"
		     : "StrictHostKeyChecking=yes");
	known_hosts_option(a, o->known_hosts);
	if (o->alias != NULL) {
		arg(a, "-o");
		argf(a, "HostKeyAlias=%s", o->alias);
	}
	if (o->identity != NULL) {
		arg(a, "-i");
		arg(a, o->identity);
	}
	arg(a, "-p");
	argf(a, "%u",
	    d->port != 0       ? d->port
		: o->port != 0 ? o->port
			       : LINK_PORT);
	if (d->user != NULL) {
		arg(a, "-l");
		arg(a, d->user);
	}
	arg(a, "-s");
	arg(a, d->host);
	arg(a, "writ");
}

/* A Match exec of the user's own configuration must not ask us again. */
static int
make_env(const char ***out)
{
	const char **env;
	size_t n = 0;

	while (environ[n] != NULL)
		n++;
	if ((env = calloc(n + 2, sizeof(*env))) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		env[i] = environ[i];
	env[n] = "WRIT_INSIDE=1";
	*out = env;
	return 0;
}

static int
start(struct link *l, const struct link_options *o, struct err *e)
{
	struct args a = {0};
	struct child_run run = {.argv = a.v};
	const char **env = NULL;
	struct dest d = {0};
	int r;

	if ((r = dest_parse(o->address, &d, e)) != 0)
		return r;
	build_args(&a, o, &d);
	if (a.failed || make_env(&env) != 0) {
		r = err_nomem(e);
		goto out;
	}
	run.env = env;
	/* On a terminal ssh says itself when to touch a token; with its standard
	 * error in a pipe it would not. */
	run.err_through = l->shown = isatty(STDERR_FILENO) == 1;
	r = child_pipe_start(&run, &l->ssh, e);
out:
	while (a.n_owned > 0)
		free(a.owned[--a.n_owned]);
	free(env);
	dest_clear(&d);
	return r;
}

int
link_open(const struct link_options *o, struct link **out, struct err *e)
{
	struct link *l;
	int r;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return err_nomem(e);
	l->cancel_fd = o->cancel_fd;
	l->aliased = o->alias != NULL;
	if ((l->address = str_dup(o->address)) == NULL ||
	    (l->known_hosts = str_dup(o->known_hosts)) == NULL ||
	    wire_reader_new(WIRE_ANSWER, &l->reader) != 0 ||
	    buf_new(&l->in, READ_MAX) != 0)
		r = err_nomem(e);
	else
		r = start(l, o, e);
	if (r != 0) {
		link_free(l);
		return r;
	}
	*out = l;
	return 0;
}

void
link_cancel_by(struct link *l, int fd)
{
	l->cancel_fd = fd;
}

void
link_free(struct link *l)
{
	if (l == NULL)
		return;
	if (l->ssh != NULL && !l->dead)
		(void)child_pipe_finish(l->ssh, FINISH_MS);
	child_pipe_free(l->ssh);
	wire_reader_free(l->reader);
	buf_free(l->in);
	free(l->address);
	free(l->known_hosts);
	free(l);
}

/* --- why ssh gave up ------------------------------------------------------ */

static const struct {
	const char *said; /* by ssh */
	const char *sentence;
	const char *hint;       /* %s: the file of host keys */
	const char *alias_hint; /* where its keys are signed policy's */
} reasons[] = {
    {"IDENTIFICATION HAS CHANGED",
	"its host key is not the one that was trusted; somebody may be in "
	"between",
	"if the host key was changed on purpose, take its line out of %s",
	"a key it has on purpose is signed first, as one of the policy's "
	"authorities"},
    {"Host key verification failed", "its host key is not known here",
	"writ trust ADDRESS SHA256:... makes it known, in %s",
	"a key it has on purpose is signed first, as one of the policy's "
	"authorities"},
    {.said = "Connection refused", .sentence = "nobody listens there"},
    {.said = "Could not resolve hostname",
	.sentence = "there is no host of that name"},
    {.said = "No route to host", .sentence = "there is no way to it"},
    {.said = "Network is unreachable", .sentence = "there is no way to it"},
    {.said = "timed out", .sentence = "it does not answer"},
    {"Permission denied", "it knows none of your keys",
	"have one of them put into the policy, or name it: key: in "
	"config.yaml",
	"have one of them put into the policy, or name it: -i KEY"},
    {.said = "subsystem request failed",
	.sentence = "it is no service of writ: it has no subsystem writ"},
    {.said = "Connection closed by", .sentence = "it closed the connection"},
    {.said = "Connection reset by", .sentence = "it closed the connection"},
};

/* The hint that fits, with the file in it. */
static void
say_hint(const struct link *l, size_t i, struct err *e)
{
	const char *hint = l->aliased ? reasons[i].alias_hint : reasons[i].hint;
	struct str s = STR_INIT;
	const char *at;

	if (hint == NULL)
		return;
	at = strstr(hint, "%s");
	str_addn(&s, hint, at != NULL ? (size_t)(at - hint) : strlen(hint));
	if (at != NULL)
		str_addf(&s, "%s%s", l->known_hosts, at + 2);
	err_hint(e, "%s", s.p);
	str_clear(&s);
}

static int
failed(struct link *l, struct err *e)
{
	int status = child_pipe_finish(l->ssh, FINISH_MS);
	const char *said = child_pipe_said(l->ssh);
	int r;

	l->dead = true;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (strstr(said, reasons[i].said) == NULL)
			continue;
		r = err_set(e, ERR_NET, "%s: %s", l->address,
		    reasons[i].sentence);
		say_hint(l, i, e);
		return r;
	}
	if (l->spoke)
		return err_set(e, ERR_NET, "%s: the connection is lost",
		    l->address);
	if (status == 255 && l->shown)
		return err_set(e, ERR_NET,
		    "%s: no connection, for the reason that ssh gave",
		    l->address);
	return err_set(e, ERR_NET,
	    "%s: no connection, ssh ended with status %d", l->address, status);
}

/* --- calls ---------------------------------------------------------------- */

/* A code by the name that the other end gave it: "denied". */
static int
code_of(const char *name, int status)
{
	int code = name != NULL ? err_from_name(name) : 0;

	if (code != 0)
		return code;
	return status == 3 ? ERR_WAIT : ERR_DENIED;
}

int
link_error(const json_t *body, int status, struct err *e)
{
	const char *text = NULL, *hint = NULL, *code = NULL;
	int r;

	if (json_object_get(body, "error") == NULL)
		return 0;
	if ((r = json_str(body, "error", 0, TEXT_MAX, &text, e)) != 0 ||
	    (r = json_str(body, "hint", JSON_OPTIONAL, TEXT_MAX, &hint, e)) !=
		0 ||
	    (r = json_str(body, "code", JSON_OPTIONAL, 32, &code, e)) != 0)
		return r;
	errno = 0;
	r = err_set(e, code_of(code, status), "%s", text);
	if (hint != NULL)
		err_hint(e, "%s", hint);
	return r;
}

static int
lost(struct link *l, int r, struct err *e)
{
	l->dead = true;
	err_prefix(e, "%s", l->address);
	return r;
}

/* Until something can be done; LINK_CANCELLED, ERR_*. */
static int
wait_turn(struct link *l, bool sending, int64_t deadline, struct err *e)
{
	int64_t left = deadline < 0 ? -1 : deadline - clock_mono_ms();
	int r;

	if (deadline >= 0 && left < 0)
		left = 0;
	r = child_pipe_wait(l->ssh, sending, l->cancel_fd, (int)left, e);
	switch (r) {
	case CHILD_PIPE_OTHER:
		return LINK_CANCELLED;
	case CHILD_PIPE_LATE:
		return lost(l, err_set(e, ERR_NET, "no answer within the time"),
		    e);
	default:
		return r;
	}
}

static int
send_call(struct link *l, const struct wire_frame *f, int64_t deadline,
    struct err *e)
{
	struct buf *b = NULL;
	struct slice s;
	size_t n;
	int r;

	if ((r = buf_new(&b, WIRE_CALL_MAX + WIRE_HEAD_MAX)) != 0 ||
	    (r = wire_put(b, WIRE_CALL, f)) != 0) {
		(void)err_set(e, r, "write a call: %s", err_text(r));
		goto out;
	}
	s = buf_slice(b);
	while (s.n > 0) {
		if (child_pipe_send(l->ssh, s, &n, NULL) != 0) {
			r = failed(l, e);
			goto out;
		}
		s = slice_of(s.p + n, s.n - n);
		/* What comes meanwhile stays in the pipe: one call at a time,
		 * so there is nothing but the end to be seen. */
		if (s.n > 0 && n == 0 &&
		    (r = wait_turn(l, true, deadline, e)) != 0)
			goto out;
	}
out:
	buf_free(b);
	return r;
}

/* The next frame; LINK_CANCELLED, ERR_*. */
static int
next_frame(struct link *l, int64_t deadline, struct wire_frame *f,
    struct err *e)
{
	int r;

	for (;;) {
		size_t took = 0;

		if ((r = wire_next(l->reader, f, e)) < 0)
			return lost(l, r, e);
		if (r != WIRE_NONE)
			return 0;
		if (buf_len(l->in) == 0) {
			r = child_pipe_recv(l->ssh, l->in, READ_MAX, e);
			if (r == CHILD_PIPE_END)
				return failed(l, e);
			if (r != 0)
				return lost(l, r, e);
		}
		if (buf_len(l->in) == 0) {
			if ((r = wait_turn(l, false, deadline, e)) != 0)
				return r;
			continue;
		}
		if ((r = wire_feed(l->reader, buf_slice(l->in), &took)) != 0)
			return lost(l, err_set(e, r, "%s", err_text(r)), e);
		/* A reader that takes less has a whole frame to give. */
		if (took < buf_len(l->in)) {
			struct slice rest = buf_slice(l->in);
			uint8_t left[READ_MAX];
			size_t n = rest.n - took;

			memcpy(left, rest.p + took, n);
			buf_reset(l->in);
			if (buf_put(l->in, left, n) != 0)
				return lost(l, err_nomem(e), e);
		} else {
			buf_reset(l->in);
		}
	}
}

static int
read_body(struct link *l, const struct wire_frame *f, json_t **out,
    struct err *e)
{
	int r = json_read(f->body, WIRE_ANSWER_MAX, out, e);

	return r == 0 ? 0 : lost(l, r, e);
}

static int
converse(struct link *l, uint32_t id, int64_t deadline,
    int (*news)(void *ctx, const json_t *body), void *ctx, int *status,
    json_t **body, struct err *e)
{
	struct wire_frame f;
	int r;

	for (;;) {
		json_t *o = NULL;

		if ((r = next_frame(l, deadline, &f, e)) != 0)
			return r;
		l->spoke = true;
		if (f.id != id)
			return lost(l,
			    err_set(e, ERR_PARSE,
				"an answer to another call came"),
			    e);
		if ((r = read_body(l, &f, &o, e)) != 0)
			return r;
		if (!f.last) {
			r = news != NULL ? news(ctx, o) : 0;
			json_decref(o);
			if (r != 0)
				return r;
			continue;
		}
		*status = f.status;
		if ((r = link_error(o, f.status, e)) != 0) {
			json_decref(o);
			return r;
		}
		*body = o;
		return 0;
	}
}

int
link_call(struct link *l, struct slice call,
    int (*news)(void *ctx, const json_t *body), void *ctx, int ms, int *status,
    json_t **body, struct err *e)
{
	struct wire_frame f = {.id = ++l->last_id, .body = call};
	int64_t deadline = ms < 0 ? -1 : clock_mono_ms() + ms;
	json_t *answer = NULL;
	int got = 0, r;

	if (l->dead)
		return err_set(e, ERR_NET, "%s: the connection is lost",
		    l->address);
	if ((r = send_call(l, &f, deadline, e)) != 0 ||
	    (r = converse(l, f.id, deadline, news, ctx, &got, &answer, e)) != 0)
		return r;
	if (status != NULL)
		*status = got;
	if (body != NULL)
		*body = answer;
	else
		json_decref(answer);
	return 0;
}
