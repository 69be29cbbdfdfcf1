/* SPDX-License-Identifier: ISC */
/*
 * One state on this machine, without a bundle and without a driver: for tests
 * on throw-away hosts.
 *
 *	statetool KIND plan|apply|check|sign FILE.yaml [NAME=VALUE...]
 *	statetool KIND show
 *
 * plan prints the verdict, its note and a line each change; apply carries them
 * out, files first, and activates; check asks the checker and the lock-out
 * proof about the host as it would be, and changes nothing; sign prints the
 * fingerprint and how many programs that took.
 * Names: account, principal, address, policy (a directory of root.yaml,
 * ca.yaml, authorities), krl, krl_version, cert.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/states/host_view.h"
#include "agent/states/state.h"
#include "lib/base/file.h"

struct tool {
	struct host *h;
	const struct state_ops *ops;
	struct state_env env;
	struct conf_diags diags;
	struct yaml_doc doc;
	void *params;
};

static int
die(const char *what, const struct err *e)
{
	(void)fprintf(stderr, "statetool: %s: %s\n", what, e->msg);
	exit(1);
}

static struct slice
load(const char *path)
{
	struct err e = {0};
	char *p;
	size_t n;

	if (file_read(path, 4 << 20, &p, &n, &e) != 0)
		die(path, &e);
	return slice_of(p, n);
}

static void
add_policy_file(struct policy_files *f, const char *dir, const char *name)
{
	struct err e = {0};
	char *path;
	struct slice s;

	if (path_join(dir, name, &path) != 0)
		exit(1);
	if (access(path, R_OK) == 0) {
		s = load(path);
		if (policy_files_add(f, name, s.p, s.n) != 0)
			die(name, &e);
	}
	free(path);
}

static void
load_policy(struct tool *t, const char *dir)
{
	static const char *const names[] = {"root.yaml", "ca.yaml",
	    "authorities/user_ca.pub", "authorities/emergency_ca.pub",
	    "authorities/host_ca.pub", "authorities/ca_log.pub",
	    "authorities/emergency_log.pub"};
	struct conf_diags diags = {0};
	struct policy_files f = {0};
	struct policy *p = NULL;
	struct err e = {0};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		add_policy_file(&f, dir, names[i]);
	policy_files_sort(&f);
	if (policy_parse(&f, &p, &diags) != 0) {
		(void)conf_diags_err(&diags, ERR_PARSE, &e);
		die(dir, &e);
	}
	t->env.policy = p;
}

static void
option(struct tool *t, const char *name, const char *value)
{
	if (strcmp(name, "account") == 0)
		t->env.operator_account = value;
	else if (strcmp(name, "principal") == 0)
		t->env.operator_principal = value;
	else if (strcmp(name, "address") == 0)
		t->env.operator_address = value;
	else if (strcmp(name, "policy") == 0)
		load_policy(t, value);
	else if (strcmp(name, "krl") == 0)
		t->env.krl = load(value);
	else if (strcmp(name, "krl_version") == 0)
		t->env.krl_version = strtoull(value, NULL, 10);
	else if (strcmp(name, "cert") == 0)
		t->env.host_cert = load(value);
	else {
		(void)fprintf(stderr, "statetool: unknown %s\n", name);
		exit(2);
	}
}

static void
parse(struct tool *t, const char *path)
{
	struct conf_in in = {.diags = &t->diags};
	struct err e = {0};

	t->params = calloc(1, t->ops->params_size);
	if (t->params != NULL &&
	    yaml_parse(path, load(path), &t->doc, &t->diags) == 0)
		t->ops->parse(&in, t->doc.root, t->params);
	if (t->diags.n_errors > 0) {
		(void)conf_diags_err(&t->diags, ERR_PARSE, &e);
		die(t->ops->name, &e);
	}
}

static void
make_plan(struct tool *t, struct plan *p)
{
	void *o = calloc(1, t->ops->observed_size);
	struct err e = {0};

	if (t->ops->observe(t->h, &t->env, t->params, o, &e) != 0)
		die("observe", &e);
	if (t->ops->plan(&t->env, t->params, o, p, &e) != 0)
		die("plan", &e);
	if (t->ops->observed_clear != NULL)
		t->ops->observed_clear(o);
	free(o);
}

static void
print_plan(const struct plan *p)
{
	static const char *const verdicts[] = {
	    "ok", "not applicable", "impossible"};

	printf("%s%s%s\n", verdicts[p->verdict], p->note != NULL ? ": " : "",
	    p->note != NULL ? p->note : "");
	for (size_t i = 0; i < p->n; i++)
		printf("%s %s: %s\n",
		    p->v[i].kind == CHANGE_LIVE ? p->v[i].verb
			: p->v[i].absent        ? "absent"
						: "file",
		    p->v[i].path != NULL      ? p->v[i].path
			: p->v[i].arg != NULL ? p->v[i].arg
					      : "",
		    p->v[i].what);
	for (size_t i = 0; i < p->proofs.n; i++)
		printf("proof %s\n", p->proofs.v[i]);
}

static void
make_parents(const char *path)
{
	char *p = str_dup(path);

	for (char *s = p; p != NULL && (s = strchr(s + 1, '/')) != NULL;) {
		*s = '\0';
		(void)mkdir(p, 0755); /* it is there, or the write will say */
		*s = '/';
	}
	free(p);
}

static void
carry_out(struct tool *t, const struct plan *p)
{
	struct err e = {0};
	bool files = false;

	for (size_t i = 0; i < p->n; i++) {
		const struct change *c = &p->v[i];

		if (c->kind == CHANGE_LIVE)
			continue;
		files = true;
		if (c->absent) {
			(void)unlink(c->path);
			continue;
		}
		make_parents(c->path);
		if (file_write(c->path, c->data, c->n, c->mode, 0, &e) != 0)
			die(c->path, &e);
	}
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].kind == CHANGE_LIVE &&
		    t->ops->apply(t->h, &t->env, t->params, &p->v[i], &e) != 0)
			die(p->v[i].what, &e);
	if (files && t->ops->activate != NULL &&
	    t->ops->activate(t->h, &t->env, t->params, &e) != 0)
		die("activate", &e);
}

/* The host as the plan would make it. */
static struct host *
stage(struct tool *t, const struct plan *p)
{
	struct host *v;
	struct err e = {0};

	if (host_view_open(t->h, "/run/statetool", &v, &e) != 0)
		die("stage", &e);
	for (size_t i = 0; i < p->n; i++) {
		const struct change *c = &p->v[i];
		int r = 0;

		if (c->kind == CHANGE_FILE && c->absent)
			r = host_view_remove(v, c->path, &e);
		else if (c->kind == CHANGE_FILE)
			r = host_view_put(v, c->path, slice_of(c->data, c->n),
			    c->mode, c->uid, c->gid, &e);
		if (r != 0)
			die(c->path, &e);
	}
	return v;
}

static void
check(struct tool *t, const struct plan *p)
{
	struct host *v = stage(t, p);
	struct err e = {0};
	const char *failed = NULL;

	if (t->ops->validate != NULL &&
	    t->ops->validate(v, &t->env, t->params, &e) != 0)
		failed = "validate";
	else if (t->ops->proof != NULL &&
	    t->ops->proof(v, &t->env, t->params, &e) != 0)
		failed = "proof";
	host_close(v);
	if (failed != NULL)
		die(failed, &e);
	printf("passes\n");
}

static void
print_text(struct tool *t, bool sign)
{
	struct str s = STR_INIT;
	struct err e = {0};
	int r = sign ? t->ops->fingerprint(t->h, &t->env, t->params, &s, &e)
		     : t->ops->show(t->h, &s, &e);

	if (r != 0)
		die(t->ops->name, &e);
	printf("%s", s.p);
	if (sign)
		printf("programs %u\n", host_runs(t->h));
	str_clear(&s);
}

int
main(int argc, char **argv)
{
	struct tool t = {0};
	struct plan p = {0};
	struct err e = {0};
	bool ok = true;

	if (argc < 3 || (t.ops = state_kind(argv[1])) == NULL ||
	    host_open(&t.h, &e) != 0) {
		(void)fprintf(stderr,
		    "usage: statetool KIND plan|apply|check|sign FILE "
		    "[NAME=VALUE...] | KIND show\n");
		return 2;
	}
	for (int i = 4; i < argc; i++) {
		char *eq = strchr(argv[i], '=');

		if (eq == NULL)
			return 2;
		*eq = '\0';
		option(&t, argv[i], eq + 1);
	}
	if (argc > 3)
		parse(&t, argv[3]);
	if (strcmp(argv[2], "show") == 0) {
		print_text(&t, false);
	} else if (argc > 3 && strcmp(argv[2], "sign") == 0) {
		print_text(&t, true);
	} else if (argc > 3) {
		make_plan(&t, &p);
		ok = p.verdict == PLAN_OK;
		if (ok && strcmp(argv[2], "check") == 0)
			check(&t, &p);
		else
			print_plan(&p);
		if (ok && strcmp(argv[2], "apply") == 0)
			carry_out(&t, &p);
	}
	plan_clear(&p);
	host_close(t.h);
	return ok ? 0 : 1;
}
