/* SPDX-License-Identifier: ISC */
/*
 * What statements make of a fleet, as whoever has all its keys could say them:
 * root.yaml, and statements in the order of a log, between lines "====".  Nobody
 * can make signatures here, so who is named as a signer counts as one.
 *
 * Each is judged before it is applied, and the two must agree; what was refused
 * has words; what was accepted is found by all it has, and by nothing it had.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/trust/fleet_hosts.h"

#define MARK  "====\n"
#define STEPS 64 /* of one input */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct play {
	struct policy *policy;
	struct fleet_hosts *hosts;
	struct fleet_judge judge;
	struct hash realm;
	size_t n;
};

/* The next part of the input; false: there is none. */
static bool
next_part(struct slice *rest, struct slice *out)
{
	const uint8_t *end;

	if (rest->n == 0)
		return false;
	end = memmem(rest->p, rest->n, MARK, strlen(MARK));
	if (end == NULL)
		end = rest->p + rest->n;
	*out = slice_of(rest->p, (size_t)(end - rest->p));
	*rest = slice_of(end, rest->n - out->n);
	if (rest->n > 0)
		*rest =
		    slice_of(rest->p + strlen(MARK), rest->n - strlen(MARK));
	return true;
}

static struct hash
hash_of(const struct pubkey *k)
{
	struct hash h;

	pubkey_hash(k, &h);
	return h;
}

static int
must_be_found(void *ctx, const struct fleet_host_row *row)
{
	const struct play *p = ctx;
	struct hash host = hash_of(row->host_key);
	struct hash transport = hash_of(row->transport_key);
	const struct fleet_host_row *at = NULL;

	if (row->names->n == 0 || hash_equal(&host, &transport) ||
	    row->n_renames > FLEET_RENAMES_MAX ||
	    row->rejected != (row->reason != NULL) ||
	    fleet_hosts_by_id(p->hosts, row->id) != row ||
	    fleet_hosts_by_host_key(p->hosts, &host) != row ||
	    fleet_hosts_by_transport(p->hosts, &transport) != row ||
	    fleet_hosts_by_host_key(p->hosts, &transport) != NULL ||
	    fleet_hosts_by_accept(p->hosts, &row->accept) != row)
		abort();
	/* Its keys may have been refused too, with another one at their side. */
	switch (fleet_hosts_state(p->hosts, row->host_key, row->transport_key,
	    &at)) {
	case FLEET_ACCEPTED:
		if (row->rejected || at != row)
			abort();
		break;
	case FLEET_REJECTED:
		if (at != NULL)
			abort();
		break;
	default:
		abort();
	}
	return 0;
}

static int
must_have_some_left(void *ctx, const struct fleet_token_row *row)
{
	(void)ctx;
	if (row->used > row->count)
		abort();
	return 0;
}

static void
report(struct play *p, const struct statement *s)
{
	const struct fleet_host_row *row = NULL;
	struct err e = {0}, why = {0};
	int was, r;

	was = fleet_hosts_report_check(p->hosts, &p->realm, s, NULL, &why);
	r = fleet_hosts_report(p->hosts, &p->realm, s, &row, &e);
	if (r != was || strcmp(e.msg, why.msg) != 0)
		abort();
	/* By the name that it had, too: its key says which host it is. */
	if (r >= 0 &&
	    (row == NULL || statement_signed_by(s, row->host_key) < 0))
		abort();
	if ((r < 0) != (e.msg[0] != '\0') && r <= 0)
		abort();
}

static void
apply(struct play *p, const struct statement *s)
{
	struct err e = {0}, why = {0};
	int was, r;

	was = fleet_hosts_check(p->hosts, &p->judge, s, &why);
	r = fleet_hosts_fold(p->hosts, &p->judge, s, &e);
	if (r != was || strcmp(e.msg, why.msg) != 0 ||
	    (r != 0 && e.msg[0] == '\0'))
		abort();
	if (r != 0)
		return;
	/* Said again it is known, but for what is not of hosts. */
	if (fleet_hosts_check(p->hosts, &p->judge, s, &e) == 0)
		abort();
}

static void
step(struct play *p, struct slice text)
{
	struct statement s;
	struct err e = {0};

	statement_init(&s, ST_ENROL);
	if (statement_parse("said", text, &s, &e) != 0) {
		if (e.msg[0] == '\0')
			abort();
		statement_clear(&s);
		return;
	}
	if (p->n++ == 0)
		p->realm = s.realm;
	s.verified = true;
	if (s.flags == NULL)
		s.flags = calloc(s.n_sigs + 1, sizeof(*s.flags));
	if (s.type == ST_REPORT)
		report(p, &s);
	else if (s.type == ST_RENEW)
		(void)!fleet_hosts_renew(p->hosts, &p->judge, &s, NULL, NULL);
	else
		apply(p, &s);
	statement_clear(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice rest = slice_of(data, n), part;
	struct conf_diags diags = {0};
	struct play p = {0};

	if (next_part(&rest, &part) &&
	    policy_parse_root(part, &p.policy, &diags) == 0 &&
	    fleet_hosts_new(&p.hosts) == 0) {
		p.judge =
		    (struct fleet_judge){.policy = p.policy, .realm = &p.realm};
		while (p.n < STEPS && next_part(&rest, &part))
			step(&p, part);
		(void)fleet_hosts_each(p.hosts, must_be_found, &p);
		(void)fleet_hosts_each_token(p.hosts, must_have_some_left, &p);
	}
	conf_diags_clear(&diags);
	fleet_hosts_free(p.hosts);
	policy_free(p.policy);
	return 0;
}
