/* SPDX-License-Identifier: ISC */
#include "tests/unit/issue_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/ssh/cert.h"
#include "lib/statement/leaf.h"

const char ISSUE_CASE_YAML[] =
    "people:\n"
    "  alice@example.com: {keys: [<4>, <14>], groups: [engineers]}\n"
    "  bob@example.com: {keys: [<5>], groups: [engineers, leads]}\n"
    "  lena@example.com: {keys: [<6>], groups: [engineers, leads]}\n"
    "  carol@example.com: {keys: [<7>], groups: [clerks]}\n"
    "  olga@example.com: {groups: [approvers, seniors, engineers]}\n"
    "  ivan@example.com: {groups: [approvers]}\n"
    "  petra@example.com: {groups: [approvers]}\n"
    "new_keys: {engineers: self}\n"
    "authorities:\n"
    "  user: [user_ca, emergency_ca]\n"
    "  host: [host_ca]\n"
    "  log: [ca_log, emergency_log]\n"
    "grants:\n"
    "  deploy:\n"
    "    to: [engineers]\n"
    "    principals: [deploy]\n"
    "    max: 8h\n"
    "    reason: {min: 10, max: 40}\n"
    "    approve: [{approvers: 1}]\n"
    "  free:\n"
    "    to: [alice@example.com]\n"
    "    principals: [viewer, reader]\n"
    "    max: 1h\n"
    "    wait: 1h\n"
    "    ahead: 2h\n"
    "    source: [10.0.0.0/8, \"fd00::/8\"]\n"
    "    extensions: [permit-pty, permit-agent-forwarding]\n"
    "    approve: none\n"
    "  office:\n"
    "    to: [engineers]\n"
    "    principals: [viewer]\n"
    "    max: 12h\n"
    "    hours: {days: mon-fri, from: \"07:00\", to: \"20:00\", zone: "
    "Europe/Vilnius}\n"
    "    approve: none\n"
    "  root-change:\n"
    "    to: [engineers]\n"
    "    principals: [root-change]\n"
    "    max: 2h\n"
    "    ticket: \"^CHG-[0-9]+$\"\n"
    "    approve: [{approvers: 1}, {leads: 1}]\n"
    "  many:\n"
    "    to: [engineers]\n"
    "    principals: [many]\n"
    "    max: 2h\n"
    "    approve: [{approvers: 2}, {seniors: 1}]\n"
    "  forced:\n"
    "    to: [engineers]\n"
    "    principals: [backup]\n"
    "    max: 1h\n"
    "    force_command: /usr/bin/backup\n"
    "    extensions: []\n"
    "    approve: none\n"
    "  hosts:\n"
    "    kind: host\n"
    "    to: [olga@example.com]\n"
    "    principals: [\"*.example.com\"]\n"
    "    max: 90d\n"
    "    approve: none\n";

void
issue_case_open(struct issue_case *c)
{
	memset(c, 0, sizeof(*c));
	c->policy = fixture_policy(NULL, ISSUE_CASE_YAML);
	assert_int_equal(standing_new(&c->standing), 0);
	fixture_request(&c->request, ALICE);
	issue_result_init(&c->r);
	c->in = (struct issue_input){
	    .policy = c->policy,
	    .standing = c->standing,
	    .realm = fixture_realm(),
	    .request = &c->request,
	    .decisions = c->list,
	    .now = FIXTURE_NOW,
	    .ca = fixture_key(SEED_USER_CA),
	};
}

static void
forget(struct issue_case *c)
{
	for (size_t i = 0; i < c->n; i++)
		statement_clear(&c->decisions[i]);
	c->n = c->in.n_decisions = 0;
	statement_clear(&c->request);
}

void
issue_case_again(struct issue_case *c, const char *by)
{
	forget(c);
	fixture_request(&c->request, by);
}

void
issue_case_close(struct issue_case *c)
{
	forget(c);
	issue_result_clear(&c->r);
	standing_free(c->standing);
	policy_free(c->policy);
}

struct grant *
issue_case_grant(struct issue_case *c, const char *name)
{
	for (size_t i = 0; i < c->policy->n_grants; i++)
		if (strcmp(c->policy->grants[i].name, name) == 0)
			return &c->policy->grants[i];
	fail_msg("no grant %s", name);
	return NULL;
}

void
issue_case_words(struct strs *l, const char *text)
{
	strs_clear(l);
	while (*text != '\0') {
		size_t n = strcspn(text, " ");

		assert_int_equal(strs_addn(l, text, n), 0);
		text += n + (text[n] == ' ');
	}
}

void
issue_case_text(char **field, const char *text)
{
	free(*field);
	*field = text != NULL ? strdup(text) : NULL;
}

void
issue_case_ask(struct issue_case *c, const uint8_t *seeds)
{
	fixture_sign(&c->request, seeds);
}

/* The outcome that the officer's tool would show and have signed. */
static void
use_shown(struct issue_case *c, struct outcome *o)
{
	struct err e = {0};
	const struct outcome *shown;

	assert_int_equal(issue_decide(&c->in, &c->r, &e), 0);
	shown = &c->r.shown;
	if (shown->principals.n == 0)
		return;
	strs_clear(&o->principals);
	strs_clear(&o->source);
	strs_clear(&o->extensions);
	assert_int_equal(strs_dup(&shown->principals, &o->principals), 0);
	assert_int_equal(strs_dup(&shown->source, &o->source), 0);
	assert_int_equal(strs_dup(&shown->extensions, &o->extensions), 0);
	issue_case_text(&o->force_command, shown->force_command);
	o->kind = shown->kind;
	o->length = shown->length;
}

struct statement *
issue_case_decision(struct issue_case *c, const char *by)
{
	const struct statement *request = &c->request;
	struct statement *d = &c->decisions[c->n];

	assert_true(c->n < ISSUE_CASE_DECISIONS);
	fixture_decision(d, by, &c->policy->hash, &request, 1);
	use_shown(c, &d->u.d.outcomes[0]);
	c->list[c->n++] = d;
	return d;
}

void
issue_case_decide(struct issue_case *c, const uint8_t *seeds)
{
	fixture_sign(&c->decisions[c->n - 1], seeds);
	c->in.n_decisions = c->n;
}

void
issue_case_approve(struct issue_case *c, const char *by, const uint8_t *seeds)
{
	(void)issue_case_decision(c, by);
	issue_case_decide(c, seeds);
}

static void
begin_revoke(struct statement *s)
{
	fixture_statement(s, ST_REVOKE, OLGA);
	s->u.v.reason = strdup("lost on a train");
}

static void
apply(struct issue_case *c, struct statement *s, const uint8_t *seeds)
{
	struct err e = {0};

	fixture_sign(s, seeds);
	if (standing_apply(c->standing, c->policy, s, NULL, NULL, &e) != 0)
		fail_msg("revocation: %s", e.msg);
	statement_clear(s);
}

void
issue_case_revoke(struct issue_case *c, const char *person,
    const struct pubkey *key, const uint8_t *seeds)
{
	struct statement s;

	begin_revoke(&s);
	if (key != NULL)
		assert_int_equal(pubkey_dup(key, &s.u.v.key), 0);
	else
		s.u.v.person = strdup(person);
	apply(c, &s, seeds);
}

void
issue_case_revoke_cert(struct issue_case *c, uint64_t serial,
    const char *key_id, const uint8_t *seeds)
{
	struct statement s;

	begin_revoke(&s);
	if (key_id != NULL) {
		s.u.v.key_id = strdup(key_id);
	} else {
		s.u.v.serials = malloc(sizeof(serial));
		assert_non_null(s.u.v.serials);
		s.u.v.serials[0] = serial;
		s.u.v.n_serials = 1;
	}
	apply(c, &s, seeds);
}

void
issue_case_ask_row(struct issue_case *c, const struct issue_row *row)
{
	struct request *q = &c->request.u.r;

	issue_case_text(&q->grant, row->grant != NULL ? row->grant : "free");
	issue_case_words(&q->principals,
	    row->principals != NULL ? row->principals : "viewer");
	if (row->reason != NULL)
		issue_case_text(&q->reason, row->reason);
	issue_case_text(&q->ticket, row->ticket);
	if (row->source != NULL)
		issue_case_words(&q->source, row->source);
	issue_case_text(&q->force_command, row->command);
	q->has_extensions = row->extensions != NULL;
	if (row->extensions != NULL)
		issue_case_words(&q->extensions, row->extensions);
	q->length = row->length != 0 ? row->length : 3600;
	q->not_before =
	    row->not_before != 0 ? FIXTURE_NOW + row->not_before : 0;
	c->request.at = FIXTURE_NOW + row->at;
	c->in.now = FIXTURE_NOW + row->now;
	if (row->subject != 0) {
		pubkey_free(q->subject);
		q->subject = NULL;
		assert_int_equal(pubkey_dup(fixture_key(row->subject),
				     &q->subject),
		    0);
	}
	issue_case_ask(c, FIXTURE_BY(SEED_ALICE));
}

void
issue_case_expect(struct issue_case *c, const char *what, const char *rule)
{
	struct err e = {0};

	if (issue_decide(&c->in, &c->r, &e) != 0)
		fail_msg("%s: %s", what, e.msg);
	if (strcmp(c->r.rule, rule) != 0)
		fail_msg("%s: %s (%s), expected %s", what, c->r.rule,
		    c->r.why.msg, rule);
	if ((strcmp(rule, "ready") == 0) != (c->r.verdict == ISSUE_READY) ||
	    (strcmp(rule, "approvals") == 0) != (c->r.verdict == ISSUE_WAITING))
		fail_msg("%s: verdict %d does not fit %s", what,
		    (int)c->r.verdict, rule);
	if (c->r.verdict != ISSUE_READY &&
	    (c->r.why.msg[0] == '\0' || c->r.cert.key != NULL || c->r.end != 0))
		fail_msg("%s: no sentence, or something to sign", what);
}

void
issue_case_leaf(struct issue_case *c,
    struct hash decisions[ISSUE_CASE_DECISIONS], struct issue_leaf *leaf)
{
	static const uint8_t nonce[CERT_NONCE_LEN] = {7};
	struct issue_result *r = &c->r;
	struct buf *tbs = NULL;

	c->in.nonce = nonce;
	issue_case_expect(c, "leaf", "ready");
	*leaf = (struct issue_leaf){.realm = *fixture_realm(),
	    .now = c->in.now,
	    .rules = ISSUE_RULES,
	    .policy_version = c->policy->version,
	    .policy = c->policy->hash,
	    .request = c->request.hash,
	    .decisions = decisions,
	    .n_decisions = r->n_counted};
	for (size_t i = 0; i < r->n_counted; i++)
		decisions[i] = c->list[r->counted[i]]->hash;
	assert_int_equal(buf_new(&tbs, CERT_MAX), 0);
	assert_int_equal(cert_encode_tbs(&r->cert, tbs), 0);
	buf_take(tbs, &leaf->tbs, &leaf->tbs_len);
	buf_free(tbs);
}
