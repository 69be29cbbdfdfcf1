/* SPDX-License-Identifier: ISC */
#include "tests/unit/statecase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"

struct parsed {
	struct yaml_doc doc;
	struct conf_diags diags;
	void *params;
};

/* Zeroed memory for n bytes, not from the heap: a failure meant for the code
 * under test is not ours to have.  One for parameters, one for observations. */
enum { PARAMS, OBSERVED };
static void *
zeros(int which, size_t n)
{
	static max_align_t pool[2][8192 / sizeof(max_align_t)];

	assert_true(n <= sizeof(pool[which]));
	memset(pool[which], 0, sizeof(pool[which]));
	return pool[which];
}

static void
parsed_clear(const struct state_ops *ops, struct parsed *p)
{
	if (p->params != NULL && ops->params_clear != NULL)
		ops->params_clear(p->params);
	yaml_doc_clear(&p->doc);
	conf_diags_clear(&p->diags);
}

static int
parse(const struct state_ops *ops, const char *yaml, struct parsed *p)
{
	struct conf_in in = {.diags = &p->diags};

	*p = (struct parsed){0};
	if (yaml_parse("", (struct slice){(const uint8_t *)yaml, strlen(yaml)},
		&p->doc, &p->diags) != 0)
		return ERR_PARSE;
	p->params = zeros(PARAMS, ops->params_size);
	ops->parse(&in, p->doc.root, p->params);
	if (p->diags.failed)
		return ERR_NOMEM;
	return p->diags.n_errors > 0 ? ERR_PARSE : 0;
}

static char *
copy(const char *s)
{
	char *c = strdup(s);

	if (c == NULL)
		abort();
	return c;
}

char *
statecase_faults(const struct state_ops *ops, const char *yaml)
{
	struct parsed p;
	char *out = NULL;

	(void)parse(ops, yaml, &p);
	for (size_t i = 0; out == NULL && i < p.diags.n; i++)
		if (!p.diags.v[i].warning) {
			const char *text = p.diags.v[i].text;

			out = copy(text[0] == ':' ? text + 1 : text);
		}
	parsed_clear(ops, &p);
	return out != NULL ? out : copy("");
}

static void
describe(const struct plan *p, struct str *out)
{
	static const char *const verdicts[] = {
	    "ok", "not applicable", "impossible"};

	str_add(out, verdicts[p->verdict]);
	if (p->note != NULL)
		str_addf(out, " [%s]", p->note);
	str_addc(out, '\n');
	for (size_t i = 0; i < p->n; i++) {
		const struct change *c = &p->v[i];

		if (c->kind == CHANGE_LIVE)
			str_addf(out, "live %s %s", c->verb,
			    c->arg != NULL ? c->arg : "-");
		else if (c->absent)
			str_addf(out, "absent %s", c->path);
		else
			str_addf(out, "file %s %04o", c->path,
			    (unsigned)c->mode);
		str_addf(out, " %s\n", c->what);
	}
	for (size_t i = 0; i < p->proofs.n; i++)
		str_addf(out, "proof %s\n", p->proofs.v[i]);
}

static int
observe_and_plan(struct fakehost *f, const struct state_ops *ops,
    const struct state_env *env, const void *params, struct plan *out,
    struct err *e)
{
	static const struct state_env none;
	void *seen = zeros(OBSERVED, ops->observed_size);
	int r;

	if (env == NULL)
		env = &none;
	r = ops->observe(fakehost_host(f), env, params, seen, e);
	if (r == 0)
		r = ops->plan(env, params, seen, out, e);
	if (ops->observed_clear != NULL)
		ops->observed_clear(seen);
	return r;
}

static int
plan_of(struct fakehost *f, const struct state_ops *ops,
    const struct state_env *env, const char *yaml, struct parsed *p,
    struct plan *plan, struct err *e)
{
	if (parse(ops, yaml, p) != 0)
		fail_msg("%s", p->diags.n > 0 ? p->diags.v[0].text : "memory");
	return observe_and_plan(f, ops, env, p->params, plan, e);
}

int
statecase_plan(struct fakehost *f, const struct state_ops *ops,
    const struct state_env *env, const char *yaml, char **out)
{
	struct str text = STR_INIT;
	struct parsed p;
	struct plan plan = {0};
	struct err e = {0};
	int r = plan_of(f, ops, env, yaml, &p, &plan, &e);

	if (r == 0)
		describe(&plan, &text);
	else
		str_add(&text, e.msg);
	plan_clear(&plan);
	parsed_clear(ops, &p);
	assert_int_equal(str_take(&text, out), 0);
	return r;
}

void
statecase_is(struct fakehost *f, const struct state_ops *ops,
    const struct state_env *env, const char *yaml, const char *want)
{
	char *got;

	if (statecase_plan(f, ops, env, yaml, &got) != 0)
		fail_msg("%s", got);
	assert_string_equal(got, want);
	free(got);
}

void
statecase_apply(struct fakehost *f, const struct state_ops *ops,
    const struct state_env *env, const char *yaml)
{
	static const struct state_env none;
	struct parsed p;
	struct plan plan = {0};
	struct err e = {0};
	bool files = false;

	if (plan_of(f, ops, env, yaml, &p, &plan, &e) != 0)
		fail_msg("%s", e.msg);
	for (size_t i = 0; i < plan.n; i++) {
		const struct change *c = &plan.v[i];

		if (c->kind != CHANGE_FILE)
			continue;
		files = true;
		if (c->absent)
			fakehost_remove(f, c->path);
		else
			fakehost_file(f, c->path, c->mode, c->data);
	}
	for (size_t i = 0; i < plan.n; i++)
		if (plan.v[i].kind == CHANGE_LIVE &&
		    ops->apply(fakehost_host(f), env != NULL ? env : &none,
			p.params, &plan.v[i], &e) != 0)
			fail_msg("%s: %s", plan.v[i].what, e.msg);
	if (files && ops->activate != NULL &&
	    ops->activate(fakehost_host(f), env != NULL ? env : &none, p.params,
		&e) != 0)
		fail_msg("activate: %s", e.msg);
	plan_clear(&plan);
	parsed_clear(ops, &p);
}

bool
statecase_way_in(struct fakehost *f, const struct state_ops *ops,
    const char *yaml)
{
	struct parsed p;
	struct plan plan = {0};
	struct err e = {0};
	bool any = false;

	if (plan_of(f, ops, NULL, yaml, &p, &plan, &e) != 0)
		fail_msg("%s: %s", yaml, e.msg);
	if (plan.n == 0)
		fail_msg("%s: nothing to change", yaml);
	for (size_t i = 0; i < plan.n; i++)
		any = any || plan.v[i].way_in;
	plan_clear(&plan);
	parsed_clear(ops, &p);
	return any;
}

void
statecase_faulty_host(struct fakehost *f, const struct state_ops *ops,
    const struct state_env *env, const char *yaml)
{
	for (unsigned n = 1; n < 1000; n++) {
		struct parsed p;
		struct plan plan = {0};
		struct err e = {0};
		bool failed;
		int r;

		fakehost_fail_nth(f, n);
		r = plan_of(f, ops, env, yaml, &p, &plan, &e);
		failed = fakehost_failed(f);
		fakehost_fail_nth(f, 0);
		if (r == 0 && plan.n == 0 && plan.verdict == PLAN_OK)
			fail_msg("call %u failed and nothing is to do", n);
		assert_true(r == 0 || e.msg[0] != '\0');
		plan_clear(&plan);
		parsed_clear(ops, &p);
		if (!failed)
			return;
	}
	fail_msg("the host is called more than 1000 times");
}

typedef int check_fn(struct host *h, const struct state_env *env,
    const void *params, struct err *e);

static int
check_with(struct fakehost *f, const struct state_ops *ops, check_fn *check,
    const struct state_env *env, const char *yaml, char **out)
{
	static const struct state_env none;
	struct parsed p;
	struct err e = {0};
	int r;

	assert_int_equal(parse(ops, yaml, &p), 0);
	r = check(fakehost_host(f), env != NULL ? env : &none, p.params, &e);
	parsed_clear(ops, &p);
	*out = copy(r != 0 ? e.msg : "");
	return r;
}

int
statecase_validate(struct fakehost *f, const struct state_ops *ops,
    const struct state_env *env, const char *yaml, char **out)
{
	return check_with(f, ops, ops->validate, env, yaml, out);
}

int
statecase_proof(struct fakehost *f, const struct state_ops *ops,
    const struct state_env *env, const char *yaml, char **out)
{
	return check_with(f, ops, ops->proof, env, yaml, out);
}

void
statecase_undo(struct fakehost *f, const struct state_ops *ops,
    const struct state_env *env, const char *yaml,
    void (*between)(struct fakehost *f))
{
	struct str before = STR_INIT;
	struct parsed p;
	struct err e = {0};

	assert_int_equal(parse(ops, yaml, &p), 0);
	if (ops->snapshot(fakehost_host(f), p.params, &before, &e) != 0)
		fail_msg("snapshot: %s", e.msg);
	parsed_clear(ops, &p);
	statecase_apply(f, ops, env, yaml);
	if (between != NULL)
		between(f);
	if (ops->restore(fakehost_host(f),
		(struct slice){(const uint8_t *)before.p, before.n}, &e) != 0)
		fail_msg("restore: %s", e.msg);
	str_clear(&before);
}

struct alloc_case {
	struct fakehost *f;
	const struct state_ops *ops;
	const struct state_env *env;
	void *params;
};

static int
plan_once(void *arg)
{
	struct alloc_case *c = arg;
	struct plan plan = {0};
	struct err e = {0};
	int r = observe_and_plan(c->f, c->ops, c->env, c->params, &plan, &e);

	plan_clear(&plan);
	return r;
}

void
statecase_alloc(struct fakehost *f, const struct state_ops *ops,
    const struct state_env *env, const char *yaml)
{
	struct parsed p;
	struct alloc_case c = {.f = f, .ops = ops, .env = env};

	assert_int_equal(parse(ops, yaml, &p), 0);
	c.params = p.params;
	assert_true(alloc_each(plan_once, &c) > 3);
	parsed_clear(ops, &p);
}
