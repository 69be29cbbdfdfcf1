/* SPDX-License-Identifier: ISC */
/* The ssh(1) of a connection: how it is started, and why it gave up. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/net/dest.h"
#include "lib/net/link_impl.h"

#define ARGS_MAX 40

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

int
link_start(struct link *l, const struct link_options *o, struct err *e)
{
	struct args a = {0};
	struct child_run run = {.argv = a.v};
	const char **env = NULL;
	struct dest d = {0};
	int r;

	if ((r = dest_parse(o->address, &d, e)) != 0)
		return r;
	build_args(&a, o, &d);
	/* A Match exec of the user's own configuration must not ask us again. */
	if (a.failed || child_env_with("WRIT_INSIDE=1", &env) != 0) {
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

int
link_failed(struct link *l, struct err *e)
{
	int status = child_pipe_finish(l->ssh, LINK_FINISH_MS);
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
