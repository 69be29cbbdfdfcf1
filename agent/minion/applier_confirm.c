/* SPDX-License-Identifier: ISC */
/*
 * The run that touched a way in: who has come in since, and what became of it.
 *
 * STATE/pending holds what will be reported of it, from before it is confirmed
 * until that is said: a host that dies in between says it after all.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/minion/applier.h"
#include "agent/minion/arm.h"
#include "agent/minion/state_file.h"
#include "agent/states/runs.h"
#include "lib/base/file.h"
#include "lib/bundle/fleets.h"
#include "lib/crypto/random.h"

#define PENDING_MAX  65536
#define PROOF_MS     5000
#define HOST_KEYS_AT "/etc/ssh"

struct pending {
	bool have;
	uint64_t number;
	int64_t within;
	struct report_statement r;
};

static void
pending_clear(struct pending *p)
{
	struct statement s;

	statement_init(&s, ST_REPORT);
	s.u.report = p->r;
	statement_clear(&s);
	*p = (struct pending){0};
}

/* --- STATE/pending -------------------------------------------------------- */

/* The report as it would be now, unsigned, with a number of no meaning: one form
 * for what is said and what is to be said. */
static int
as_message(const struct applier *a, const struct report_statement *r,
    struct str *out, struct err *e)
{
	struct statement s;
	int res;

	statement_init(&s, ST_REPORT);
	s.realm = a->held.realm;
	s.at = a->now;
	random_bytes(s.nonce, sizeof(s.nonce));
	s.u.report = *r;
	s.u.report.seq = 1;
	s.u.report.has_previous = false;
	if ((s.by = str_dup(a->held.host)) == NULL)
		res = err_nomem(e);
	else
		res = statement_encode(&s, out, e);
	s.u.report = (struct report_statement){0};
	statement_clear(&s);
	return res;
}

int
applier_wait(struct applier *a, uint64_t number, int64_t within,
    const struct report_statement *r, struct err *e)
{
	struct str text = STR_INIT, message = STR_INIT;
	struct jw w;
	int res;

	if ((res = as_message(a, r, &message, e)) != 0)
		goto out;
	jw_init(&w, &text, false);
	jw_begin(&w, NULL, '{');
	jw_u64(&w, "run", number);
	jw_int(&w, "within", within);
	jw_str(&w, "report", message.p);
	jw_end(&w, '}');
	res = state_file_write(a->state_dir, "pending", &text, e);
out:
	str_clear(&message);
	str_clear(&text);
	return res;
}

static int
parse_pending(const json_t *o, void *out, struct err *e)
{
	struct pending *p = out;
	const char *text = NULL;
	struct statement s;
	int r;

	if ((r = json_u64(o, "run", 0, 1, UINT64_MAX, &p->number, e)) != 0 ||
	    (r = json_int(o, "within", 0, 0, INT32_MAX, &p->within, e)) != 0)
		return r;
	/* The line has its LF, which no clean text has. */
	if ((text = json_string_value(json_object_get(o, "report"))) == NULL)
		return err_set(e, ERR_PARSE, "field report is missing");
	statement_init(&s, ST_REPORT);
	r = statement_parse_message("pending", slice_str(text), &s, e);
	if (r == 0 && s.type != ST_REPORT)
		r = err_set(e, ERR_PARSE, "not a report");
	if (r == 0) {
		p->r = s.u.report;
		s.u.report = (struct report_statement){0};
		p->have = true;
	}
	statement_clear(&s);
	return r;
}

static int
pending_read(struct applier *a, struct pending *p, struct err *e)
{
	*p = (struct pending){0};
	return state_file_read(a->state_dir, "pending", PENDING_MAX,
	    parse_pending, p, e);
}

static int
pending_forget(struct applier *a, struct err *e)
{
	char *path = NULL;
	int r = 0;

	if (path_join(a->state_dir, "pending", &path) != 0)
		return err_nomem(e);
	if (unlink(path) != 0 && errno != ENOENT)
		r = err_sys(e, "%s", path);
	free(path);
	return r;
}

/* --- how it stands -------------------------------------------------------- */

static int
status_of(const struct applier *a, uint64_t number, struct run_status *s,
    struct err *e)
{
	char *dir = NULL;
	int r;

	if (runs_path(a->state_dir, number, &dir) != 0)
		return err_nomem(e);
	r = run_status_read(dir, s, e);
	free(dir);
	return r;
}

int
applier_waits(struct applier *a, uint64_t *number, int64_t *left, struct err *e)
{
	struct run_status s = {0};
	struct pending p;
	int r;

	*left = -1;
	if ((r = pending_read(a, &p, e)) != 0 || !p.have)
		return r;
	if ((r = status_of(a, p.number, &s, e)) == 0) {
		*number = p.number;
		*left = 0;
		if (s.stands == STANDS_UNCONFIRMED)
			*left = run_left(&s, p.within);
		if (*left < 0)
			*left = 0;
	}
	run_status_clear(&s);
	pending_clear(&p);
	return r;
}

/* --- proofs --------------------------------------------------------------- */

/* The master came to the host: which of its keys did sshd show? */
static int
is_own_key(struct applier *a, const char *fingerprint, struct err *e)
{
	struct strs names = {0};
	bool own = false;

	if (host_list(a->host, HOST_KEYS_AT, &names, e) != 0)
		return ERR_SYS;
	for (size_t i = 0; i < names.n && !own; i++) {
		char *path = NULL, *text = NULL, fp[FINGERPRINT_MAX];
		struct pubkey *k = NULL;
		size_t n, len = strlen(names.v[i]);

		if (strncmp(names.v[i], "ssh_host_", 9) != 0 || len < 4 ||
		    strcmp(names.v[i] + len - 4, ".pub") != 0 ||
		    path_join(HOST_KEYS_AT, names.v[i], &path) != 0)
			continue;
		if (host_read(a->host, path, PUBKEY_LINE_MAX, &text, &n,
			NULL) == 0 &&
		    pubkey_parse_line(text, n, &k, NULL, NULL) == 0) {
			pubkey_fingerprint(k, fp);
			own = strcmp(fp, fingerprint) == 0;
		}
		pubkey_free(k);
		free(text);
		free(path);
	}
	strs_clear(&names);
	if (own)
		return 0;
	return err_set(e, ERR_DENIED,
	    "the master reached an sshd that shows %s, which is no key of this "
	    "host",
	    fingerprint);
}

static int
check_dial(struct applier *a, struct err *e)
{
	const json_t *dial = NULL;
	const char *key = NULL, *why = NULL;
	bool reached = false;
	int r;

	if ((r = json_object_of(a->args, "dial", 0, &dial, e)) != 0 ||
	    (r = json_bool(dial, "reached", 0, &reached, e)) != 0 ||
	    (r = json_str(dial, "key", JSON_OPTIONAL, FINGERPRINT_MAX, &key,
		 e)) != 0 ||
	    (r = json_str(dial, "why", JSON_OPTIONAL, 1024, &why, e)) != 0)
		return r;
	if (!reached)
		return err_set(e, ERR_DENIED, "no way in from outside: %s",
		    why != NULL ? why : "the master did not reach sshd");
	if (key == NULL)
		return err_set(e, ERR_PARSE, "field key is missing");
	return is_own_key(a, key, e);
}

/* sshd of this host answers here. */
static int
check_local_sshd(struct applier *a, struct err *e)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port =
		htons((uint16_t)(a->config.ssh_port != 0 ? a->config.ssh_port
							 : 22))};
	struct timeval limit = {.tv_sec = PROOF_MS / 1000};
	char banner[8] = "";
	int fd, r = 0;

	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return err_sys(e, "make a socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
		r = err_set(e, ERR_DENIED, "no login here: sshd: %s",
		    strerror(errno));
	else if (recv(fd, banner, 4, MSG_WAITALL) != 4 ||
	    memcmp(banner, "SSH-", 4) != 0)
		r = err_set(e, ERR_DENIED,
		    "no login here: what listens is not sshd");
	(void)close(fd);
	return r;
}

/* Of every state of what is held: would the ways in still pass, now that it is
 * live? */
static int
check_states(struct applier *a, struct err *e)
{
	struct fleet_chain c = {.some_pillar = true};
	struct fleet_held h = a->held.fleet;
	struct session s = {0};
	int r;

	if ((r = fleets_load(a->state_dir, &a->trust, true, 0, &h, &c, e)) < 0)
		return r;
	r = applier_session(a, &c.files, &s, e);
	fleet_chain_clear(&c);
	if (r != 0)
		return r;
	for (size_t i = 0; i < s.states.n && r == 0; i++) {
		const struct state *st = &s.states.v[i];

		if (st->params != NULL && st->ops->proof != NULL)
			r = st->ops->proof(s.host, &s.env, st->params, e);
	}
	session_close(&s);
	return r;
}

/* PAM, from root to the operator's account: what a session goes through. */
static int
check_session(struct applier *a, struct err *e)
{
	const char *account = a->config.operator.account;
	const char *argv[] = {"su", "-s", "/bin/true", account, NULL};
	struct child_result res = {0};
	int r;

	if (account == NULL)
		return 0;
	if ((r = host_run_ok(a->host, argv, (struct slice){0}, &res, e)) != 0)
		err_prefix(e, "no session for %s", account);
	child_result_clear(&res);
	return r;
}

/* --- the end of it -------------------------------------------------------- */

static void
set_results(struct report_statement *r, enum change_result from,
    enum change_result to)
{
	for (size_t i = 0; i < r->n_changes; i++)
		if (r->changes[i].result == from)
			r->changes[i].result = to;
}

/* That it is told is one step with the report that tells it. */
static int
say_once(struct applier *a, struct pending *p, struct err *e)
{
	uint64_t last = a->reports.run;
	int r;

	if (last == p->number)
		return 0;
	a->reports.run = p->number;
	if ((r = applier_say(a, &p->r, e)) != 0)
		a->reports.run = last;
	return r;
}

static int
settle(struct applier *a, struct pending *p, const struct run_status *s,
    struct err *e)
{
	int r;

	switch (s->stands) {
	case STANDS_DONE:
	case STANDS_CONFIRMED:
		break;
	case STANDS_UNDONE:
	case STANDS_UNDO_FAILED:
		p->r.outcome =
		    s->stands == STANDS_UNDONE ? RUN_UNDONE : RUN_FAILED;
		set_results(&p->r, CHANGE_DONE,
		    s->stands == STANDS_UNDONE ? CHANGE_UNDONE : CHANGE_FAILED);
		free(p->r.message);
		if ((p->r.message =
			    str_dup(s->text != NULL && s->text[0] != '\0'
				    ? s->text
				    : "undone")) == NULL)
			return err_nomem(e);
		break;
	default:
		return 0; /* not yet */
	}
	if ((r = say_once(a, p, e)) != 0)
		return r;
	return pending_forget(a, e);
}

/*
 * What should undo the run may stand still, or a boot's undo have failed: whoever
 * asks finds out whether the time is up, too.  That it cannot be undone stands in
 * its status.
 */
static int
look_after(struct applier *a, uint64_t number, struct run_status *s,
    struct err *e)
{
	int r;

	if (run_is_finished(s->stands))
		return 0;
	if ((r = arm_look(a->host, a->state_dir, number, e)) < 0)
		return r;
	run_status_clear(s);
	return status_of(a, number, s, e);
}

int
verb_settle(struct applier *a, struct err *e)
{
	struct run_status s = {0};
	struct pending p;
	int r;

	if ((r = pending_read(a, &p, e)) == ERR_CORRUPT) {
		/* What it would have said is lost; that it is, is said. */
		(void)applier_alarm(a, "pending", e);
		return pending_forget(a, e);
	}
	if (r == 0 && p.have && (r = status_of(a, p.number, &s, e)) == 0 &&
	    (r = look_after(a, p.number, &s, e)) == 0)
		r = settle(a, &p, &s, e);
	run_status_clear(&s);
	pending_clear(&p);
	return r;
}

int
verb_confirm(struct applier *a, struct err *e)
{
	struct run_status s = {0};
	uint64_t number = 0;
	struct pending p;
	int r;

	if ((r = pending_read(a, &p, e)) != 0 || !p.have)
		return r;
	if ((r = status_of(a, p.number, &s, e)) != 0)
		goto out;
	if (s.stands == STANDS_UNCONFIRMED &&
	    ((r = check_dial(a, e)) != 0 || (r = check_local_sshd(a, e)) != 0 ||
		(r = check_states(a, e)) != 0 ||
		(r = check_session(a, e)) != 0 ||
		(r = arm_confirm(a->host, a->state_dir, (int)getpid(), true,
		     &number, e)) != 0))
		goto out;
	run_status_clear(&s);
	if ((r = status_of(a, p.number, &s, e)) == 0)
		r = settle(a, &p, &s, e);
out:
	run_status_clear(&s);
	pending_clear(&p);
	return r;
}
