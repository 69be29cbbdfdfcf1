/* SPDX-License-Identifier: ISC */
/*
 * sshd_config: what sshd does, for every connection.
 *
 * Promised is the effective value, as `sshd -T -C` has it, for a set of
 * connections with one in each Match block of the host, not the text of a file.
 * Touched are a drop-in of our own, 00-writ.conf, which is read before all
 * others (sshd_want.h); one line of the main file where that does not include
 * it first; and, where sshd gets its sockets from systemd and the port is ours
 * to say, a drop-in of ssh.socket.  No other line of any file is changed.
 *
 * A run that fails half way leaves either the old or the new drop-in: each file
 * is one rename.  The drop-in is live with the reload alone.
 */
#include "agent/states/sshd_config.h"

#include <string.h>

#include "agent/states/kinds.h"
#include "agent/states/sshd_proof.h"
#include "agent/states/words.h"

#define SOCKET_FILE "/etc/systemd/system/ssh.socket.d/00-writ.conf"
/* Ubuntu's: it makes the socket of sshd_config by itself. */
#define SOCKET_GENERATOR \
	"/usr/lib/systemd/system-generators/sshd-socket-generator"

struct observed {
	struct sshd_seen seen;
	struct sshd_file dropin;
	struct sshd_file socket_file;
	bool socket;    /* ssh.socket listens, and sshd_config does not count */
	bool generated; /* ... unless by way of the generator */
	bool ca_there;  /* the drop-in of ssh_ca */
};

static bool
says_port(const struct sshd_want *w)
{
	return sshd_block_find(&w->all, sshd_word("Port")) != NULL ||
	    sshd_block_find(&w->all, sshd_word("ListenAddress")) != NULL;
}

static bool
is_absent(const void *params)
{
	return ((const struct sshd_config_params *)params)->absent;
}

static int
owns(const void *params, struct strs *out)
{
	const struct sshd_config_params *p = params;
	struct str s = STR_INIT;
	int r = strs_add(out, SSHD_OURS_CONFIG);

	/* Two states that say the same keyword contradict each other. */
	for (size_t i = 0; r == 0 && i < p->want.all.n; i++) {
		str_reset(&s);
		str_addf(&s, "sshd:%s", p->want.all.v[i].word->name);
		if ((r = str_check(&s)) == 0)
			r = strs_add(out, s.p);
	}
	str_clear(&s);
	return r;
}

/* --- observe ------------------------------------------------------------- */
static int
observe_socket(struct host *h, const struct sshd_config_params *p,
    struct observed *o, struct err *e)
{
	const char *const argv[] = {
	    "systemctl", "is-active", "--quiet", "ssh.socket", NULL};
	struct child_result got = {0};
	int r;

	if ((r = sshd_file_look(h, SOCKET_FILE, &o->socket_file, e)) != 0 ||
	    !says_port(&p->want) || (r = host_has_systemd(h, e)) != 1)
		return r < 0 ? r : 0;
	if ((r = host_exists(h, SOCKET_GENERATOR, e)) < 0)
		return r;
	o->generated = r == 1;
	if ((r = host_run(h, argv, slice_str(""), &got, e)) == 0)
		o->socket = got.status == 0;
	child_result_clear(&got);
	return r;
}

static int
observe(struct host *h, const struct state_env *env, const void *params,
    void *observed, struct err *e)
{
	const struct sshd_config_params *p = params;
	struct observed *o = observed;
	int r;

	if ((r = sshd_file_look(h, SSHD_OURS_CONFIG, &o->dropin, e)) != 0 ||
	    (r = observe_socket(h, p, o, e)) != 0 ||
	    (r = host_exists(h, SSHD_OURS_CA, e)) < 0)
		return r;
	o->ca_there = r == 1;
	return sshd_want_look(h, env, SSHD_OURS_CONFIG, &p->want, &o->seen, e);
}

static void
observed_clear(void *observed)
{
	struct observed *o = observed;

	sshd_seen_clear(&o->seen);
	sshd_file_clear(&o->dropin);
	sshd_file_clear(&o->socket_file);
}

/* --- plan ---------------------------------------------------------------- */
/* What systemd is to listen on instead of sshd. */
static int
socket_text(const struct sshd_want *w, struct str *out)
{
	const struct sshd_setting *ports =
	    sshd_block_find(&w->all, sshd_word("Port"));
	const struct sshd_setting *at =
	    sshd_block_find(&w->all, sshd_word("ListenAddress"));

	str_add(out, STATE_MARK "[Socket]\nListenStream=\n");
	for (size_t i = 0; i < (ports != NULL ? ports->values.n : 1); i++) {
		const char *port = ports != NULL ? ports->values.v[i] : "22";

		for (size_t j = 0; at != NULL && j < at->values.n; j++)
			str_addf(out,
			    strchr(at->values.v[j], ':') != NULL
				? "ListenStream=[%s]:%s\n"
				: "ListenStream=%s:%s\n",
			    at->values.v[j], port);
		if (at == NULL)
			str_addf(out, "ListenStream=%s\n", port);
	}
	return str_check(out);
}

/* An address with a port of its own is said as it stands. */
static bool
has_own_port(const struct sshd_want *w)
{
	const struct sshd_setting *at =
	    sshd_block_find(&w->all, sshd_word("ListenAddress"));

	for (size_t i = 0; at != NULL && i < at->values.n; i++) {
		const char *colon = strchr(at->values.v[i], ':');

		if (at->values.v[i][0] == '[' ||
		    (colon != NULL && strchr(colon + 1, ':') == NULL))
			return true;
	}
	return false;
}

static int
plan_socket(const struct sshd_config_params *p, const struct observed *o,
    struct plan *out)
{
	bool mine = o->socket && !o->generated && !p->absent;
	struct str text = STR_INIT;
	int r = 0;

	if (!mine)
		return o->socket_file.text == NULL
		    ? 0
		    : plan_absent(out, SOCKET_FILE, true,
			  "ssh.socket: take our ports away");
	if (has_own_port(&p->want))
		return plan_note(out, PLAN_IMPOSSIBLE,
		    "ssh.socket listens for sshd, expected ListenAddress "
		    "without a port and Port beside it");
	if ((r = socket_text(&p->want, &text)) == 0 &&
	    !sshd_file_is(&o->socket_file, slice_of(text.p, text.n), 0644))
		r = plan_file(out, SOCKET_FILE, 0644, 0, 0,
		    slice_of(text.p, text.n), true,
		    "ssh.socket, which listens for sshd, on the same ports");
	str_clear(&text);
	return r;
}

static int
plan(const struct state_env *env, const void *params, const void *observed,
    struct plan *out, struct err *e)
{
	const struct sshd_config_params *p = params;
	const struct observed *o = observed;
	int r;

	(void)env;
	r = p->absent ? sshd_want_unplan(&o->seen, SSHD_OURS_CONFIG, &o->dropin,
			    o->ca_there, out, e)
		      : sshd_want_plan(&p->want, &o->seen, SSHD_OURS_CONFIG,
			    &o->dropin, out, e);
	if (r == 0 && out->verdict == PLAN_OK && plan_socket(p, o, out) != 0)
		r = err_nomem(e);
	return r;
}

/* --- after the plan ------------------------------------------------------ */
static int
validate(struct host *h, const struct state_env *env, const void *params,
    struct err *e)
{
	const struct sshd_config_params *p = params;
	const char *const argv[] = {"sshd", "-t", NULL};

	if (p->absent)
		return host_run_ok(h, argv, slice_str(""), NULL, e);
	return sshd_want_validate(h, env, SSHD_OURS_CONFIG, &p->want, e);
}

static int
proof(struct host *h, const struct state_env *env, const void *params,
    struct err *e)
{
	(void)params;
	return sshd_proof(h, env, e);
}

/* New ports are taken by the socket alone: the service is stopped, sessions
 * stay, and the socket starts it anew. */
static int
restart_socket(struct host *h, struct err *e)
{
	const char *const steps[][4] = {
	    {"systemctl", "daemon-reload", NULL, NULL},
	    {"systemctl", "stop", "ssh.service", NULL},
	    {"systemctl", "restart", "ssh.socket", NULL},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		r = host_run_ok(h, steps[i], slice_str(""), NULL, e);
	return r;
}

static int
activate(struct host *h, const struct state_env *env, const void *params,
    struct err *e)
{
	const struct sshd_config_params *p = params;
	struct observed o = {0};
	int r;

	(void)env;
	r = observe_socket(h, p, &o, e);
	if (r == 0)
		r = o.socket ? restart_socket(h, e) : sshd_reload(h, e);
	observed_clear(&o);
	return r;
}

/* Files alone: what is asked of sshd follows from them, from its program, and
 * from who is in which group. */
static int
fingerprint(struct host *h, const struct state_env *env, const void *params,
    struct str *out, struct err *e)
{
	int r;

	(void)env;
	(void)params;
	if ((r = sshd_sign(h, SSHD_OURS_CONFIG, out, e)) != 0)
		return r == 1 ? 0 : r;
	return state_sign_path(h, SOCKET_FILE, out, e);
}

static int
show(struct host *h, struct str *out, struct err *e)
{
	struct sshd_tree t = {0};
	int r;

	if ((r = sshd_tree_read(h, SSHD_OURS_CONFIG, &t, e)) != 0)
		return r;
	if (sshd_config_show(&t, out) != 0)
		r = err_nomem(e);
	sshd_tree_clear(&t);
	return r;
}

const struct state_ops state_sshd_config = {
    .name = "sshd_config",
    .summary = "what sshd does, proved for every kind of connection",
    .flags = STATE_WAY_IN,
    .params_size = sizeof(struct sshd_config_params),
    .observed_size = sizeof(struct observed),
    .parse = sshd_config_parse,
    .owns = owns,
    .is_absent = is_absent,
    .observe = observe,
    .plan = plan,
    .validate = validate,
    .proof = proof,
    .activate = activate,
    .fingerprint = fingerprint,
    .show = show,
    .params_clear = sshd_config_params_clear,
    .observed_clear = observed_clear,
};
