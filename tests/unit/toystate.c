/* SPDX-License-Identifier: ISC */
#include "tests/unit/toystate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct params {
	char *path, *text, *value, *way_in, *away, *missing;
};

struct observed {
	char *text;
	char *value;
};

#define TEXT(field)                                                   \
	{                                                             \
		.name = #field, .read = conf_text,                    \
		.offset = offsetof(struct params, field), .max = 100, \
		.expect = "a text"                                    \
	}
static const struct conf_key keys[] = {
    TEXT(path),
    TEXT(text),
    TEXT(value),
    TEXT(way_in),
    TEXT(away),
    TEXT(missing),
};

static void
toy_parse(struct conf_in *in, const struct yaml_node *n, void *params)
{
	const struct conf_pos nowhere = {"toy", 1, 1};

	conf_map(in, n != NULL ? n->pos : nowhere, "a toy", n, keys,
	    sizeof(keys) / sizeof(keys[0]), params);
}

static bool
is_yes(const char *s)
{
	return s != NULL && strcmp(s, "yes") == 0;
}

static int
toy_owns(const void *params, struct strs *out)
{
	return strs_add(out, ((const struct params *)params)->path);
}

static bool
toy_is_absent(const void *params)
{
	const struct params *p = params;

	return p->text != NULL && strcmp(p->text, "-") == 0;
}

static int
toy_observe(struct host *h, const struct state_env *env, const void *params,
    void *observed, struct err *e)
{
	static const char *const get[] = {"toyctl", "get", NULL};
	const struct params *p = params;
	struct observed *o = observed;
	struct child_result got = {0};
	size_t n;
	int r;

	(void)env;
	r = host_read(h, p->path, HOST_FILE_MAX, &o->text, &n, e);
	if (r != 0 && r != ERR_NOTFOUND)
		return r;
	if (p->value == NULL)
		return 0;
	if ((r = host_run_ok(h, get, slice_str(""), &got, e)) == 0 &&
	    (o->value = str_dup(got.out)) == NULL)
		r = err_nomem(e);
	child_result_clear(&got);
	return r;
}

static int
toy_plan(const struct state_env *env, const void *params, const void *observed,
    struct plan *out, struct err *e)
{
	const struct params *p = params;
	const struct observed *o = observed;
	bool way_in = is_yes(p->way_in), gone = strcmp(p->text, "-") == 0;
	int r = 0;

	(void)env;
	if (is_yes(p->missing) && o->text == NULL)
		return plan_note(out, PLAN_IMPOSSIBLE, "%s is missing",
		    p->path);
	if (gone && o->text != NULL)
		r = plan_absent(out, p->path, way_in, "%s away", p->path);
	else if (!gone && (o->text == NULL || strcmp(o->text, p->text) != 0))
		r = plan_file(out, p->path, 0640, 0, 0, slice_str(p->text),
		    way_in, "%s written", p->path);
	if (r == 0 && p->value != NULL && strcmp(o->value, p->value) != 0)
		r = plan_live(out, "set", p->value, way_in, "value %s -> %s",
		    o->value, p->value);
	for (size_t i = 0; i < out->n; i++)
		out->v[i].takes_away = is_yes(p->away);
	return r == 0 ? 0 : err_nomem(e);
}

static int
toyctl(struct host *h, const char *verb, const char *arg, struct err *e)
{
	const char *argv[] = {"toyctl", verb, arg, NULL};

	return host_run_ok(h, argv, slice_str(""), NULL, e);
}

static int
toy_apply(struct host *h, const struct state_env *env, const void *params,
    const struct change *c, struct err *e)
{
	(void)env;
	(void)params;
	return toyctl(h, c->verb, c->arg, e);
}

/* The checker of a real kind reads the staged files by itself; this one is
 * shown what they hold. */
static int
look_at(struct host *h, const void *params, const char *word, const char *verb,
    struct err *e)
{
	const struct params *p = params;
	char *text = NULL;
	size_t n;
	int r;

	r = host_read(h, p->path, HOST_FILE_MAX, &text, &n, e);
	if (r == ERR_NOTFOUND)
		return toyctl(h, verb, "nothing", e);
	if (r == 0 && strstr(text, word) != NULL)
		r = err_set(e, ERR_DENIED, "there is %s in %s", word, p->path);
	else if (r == 0)
		r = toyctl(h, verb, text, e);
	free(text);
	return r;
}

static int
toy_validate(struct host *h, const struct state_env *env, const void *params,
    struct err *e)
{
	(void)env;
	return look_at(h, params, "BAD", "check", e);
}

static int
toy_proof(struct host *h, const struct state_env *env, const void *params,
    struct err *e)
{
	(void)env;
	return look_at(h, params, "SHUT", "prove", e);
}

static int
toy_activate(struct host *h, const struct state_env *env, const void *params,
    struct err *e)
{
	(void)env;
	(void)params;
	return toyctl(h, "reload", NULL, e);
}

static int
toy_snapshot(struct host *h, const void *params, struct str *out, struct err *e)
{
	static const char *const get[] = {"toyctl", "get", NULL};
	struct child_result got = {0};
	int r;

	(void)params;
	if ((r = host_run_ok(h, get, slice_str(""), &got, e)) == 0)
		str_add(out, got.out);
	child_result_clear(&got);
	return r;
}

static int
toy_restore(struct host *h, struct slice snapshot, struct err *e)
{
	char value[64];

	(void)snprintf(value, sizeof(value), "%.*s", (int)snapshot.n,
	    snapshot.n > 0 ? (const char *)snapshot.p : "");
	return toyctl(h, "set", value, e);
}

static int
toy_fingerprint(struct host *h, const struct state_env *env, const void *params,
    struct str *out, struct err *e)
{
	const struct params *p = params;

	(void)env;
	return state_sign_path(h, p->path, out, e);
}

static void
toy_params_clear(void *params)
{
	struct params *p = params;

	free(p->path);
	free(p->text);
	free(p->value);
	free(p->way_in);
	free(p->away);
	free(p->missing);
}

static void
toy_observed_clear(void *observed)
{
	struct observed *o = observed;

	free(o->text);
	free(o->value);
}

#define TOY                                                                   \
	.params_size = sizeof(struct params),                                 \
	.observed_size = sizeof(struct observed), .parse = toy_parse,         \
	.owns = toy_owns, .is_absent = toy_is_absent, .observe = toy_observe, \
	.plan = toy_plan, .apply = toy_apply, .validate = toy_validate,       \
	.proof = toy_proof, .activate = toy_activate,                         \
	.snapshot = toy_snapshot, .restore = toy_restore,                     \
	.fingerprint = toy_fingerprint, .params_clear = toy_params_clear,     \
	.observed_clear = toy_observed_clear

const struct state_ops state_toy = {
    .name = "toy", .summary = "a toy", .flags = STATE_EACH, TOY};
const struct state_ops state_toyfirst = {.name = "toyfirst",
    .summary = "a toy that comes first",
    .flags = STATE_FIRST,
    TOY};

static const struct state_ops *const toy_kinds[] = {
    &state_toy, &state_toyfirst, NULL};

static void
answer(struct fakehost *f, const char *command, struct slice in,
    struct fakehost_answer *a, void *arg)
{
	struct toy *toy = arg;

	(void)f;
	(void)in;
	if (strcmp(command, "toyctl get") == 0) {
		str_add(&a->out, toy->value);
	} else if (strncmp(command, "toyctl set ", 11) == 0) {
		(void)snprintf(toy->value, sizeof(toy->value), "%s",
		    command + 11);
	} else if (strcmp(command, "toyctl reload") == 0) {
		toy->reloads++;
	} else if (strncmp(command, "toyctl check ", 13) == 0 ||
	    strncmp(command, "toyctl prove ", 13) == 0) {
		toy->checks++;
	} else {
		a->status = 1;
		str_addf(&a->err_text, "what is %s?\n", command);
	}
}

void
toy_install(struct fakehost *f, struct toy *toy)
{
	*toy = (struct toy){.value = "old"};
	fakehost_on(f, "toyctl", answer, toy);
	state_kinds_test(toy_kinds);
}

void
toys_init(struct toys *t)
{
	*t = (struct toys){0};
	t->states.v = t->v;
}

size_t
toys_add(struct toys *t, const struct state_ops *ops, const char *id,
    const char *params)
{
	size_t i = t->states.n++;
	struct err e = {0};

	assert_true(i < TOY_MAX);
	t->decl[i].id = str_dup(id);
	t->decl[i].kind = str_dup(ops->name);
	t->h[i].decl = &t->decl[i];
	t->v[i].h = &t->h[i];
	t->v[i].ops = ops;
	if (params_read(ops, params, &t->v[i].params, &e) != 0)
		fail_msg("%s: %s", params, e.msg);
	t->v[i].text = str_dup(params);
	return i;
}

void
toys_need(struct toys *t, size_t i, enum toy_need kind, size_t whom)
{
	struct hstate *h = &t->h[i];

	t->need[i] = whom;
	switch (kind) {
	case TOY_REQUIRE:
		h->require = &t->need[i];
		h->n_require = 1;
		break;
	case TOY_WATCH:
		h->watch = &t->need[i];
		h->n_watch = 1;
		break;
	case TOY_ONCHANGES:
		h->onchanges = &t->need[i];
		h->n_onchanges = 1;
		break;
	}
}

void
toys_clear(struct toys *t)
{
	for (size_t i = 0; i < t->states.n; i++) {
		params_free(t->v[i].ops, t->v[i].params);
		free(t->v[i].text);
		free(t->decl[i].id);
		free(t->decl[i].kind);
	}
	toys_init(t);
}
