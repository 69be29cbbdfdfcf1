/* SPDX-License-Identifier: ISC */
/* The text form of what a host has accepted. */
#include <stdio.h>

#include "agent/minion/bundle_dir.h"
#include "agent/minion/state_file.h"

#define HELD_MAX 4096

/* Files had none once: then the next policy may come of any root. */
static int
parse_root(const json_t *o, struct held *h, struct err *e)
{
	int r;

	if (json_object_get(o, "root_version") == NULL)
		return 0;
	if ((r = json_u64(o, "root_version", 0, 1, BUNDLE_ROOTS_MAX,
		 &h->root_version, e)) != 0)
		return r;
	return json_hex(o, "root", 0, h->root.b, HASH_LEN, e);
}

static int
parse_fleet(const json_t *o, struct held *h, struct err *e)
{
	int r;

	if (json_object_get(o, "fleet_version") == NULL)
		return 0;
	if ((r = json_u64(o, "fleet_version", 0, 1, UINT64_MAX,
		 &h->fleet.version, e)) != 0 ||
	    (r = json_hex(o, "fleet", 0, h->fleet.bundle.b, HASH_LEN, e)) !=
		0 ||
	    (r = json_time(o, "fleet_expires", 0, &h->fleet.expires, e)) != 0 ||
	    (r = json_bool(o, "enforcing", JSON_OPTIONAL, &h->enforcing, e)) !=
		0)
		return r;
	h->fleet.have = true;
	return 0;
}

static int
parse_job(const json_t *o, struct held *h, struct err *e)
{
	int r;

	if (json_object_get(o, "job") == NULL)
		return 0;
	if ((r = json_hex(o, "job", 0, h->last.job.b, HASH_LEN, e)) != 0 ||
	    (r = json_time(o, "job_at", 0, &h->last.at, e)) != 0 ||
	    (r = json_bool(o, "owed", 0, &h->owed, e)) != 0)
		return r;
	h->last.have = true;
	return 0;
}

static int
parse_accept(const json_t *o, struct held *h, struct err *e)
{
	const char *id = NULL;
	int r;

	if (json_object_get(o, "host") == NULL)
		return 0;
	if ((r = json_str(o, "host", 0, ID_MAX, &id, e)) != 0 ||
	    (r = json_hex(o, "accept", 0, h->accept.b, HASH_LEN, e)) != 0 ||
	    (r = json_time(o, "accepted_at", 0, &h->accepted_at, e)) != 0)
		return r;
	h->has_renamed = json_object_get(o, "renamed") != NULL;
	if (h->has_renamed &&
	    (r = json_hex(o, "renamed", 0, h->renamed.b, HASH_LEN, e)) != 0)
		return r;
	(void)snprintf(h->host, sizeof(h->host), "%s", id);
	return 0;
}

static int
parse_krl(const json_t *o, struct held *h, struct err *e)
{
	int r;

	if (json_object_get(o, "krl") == NULL)
		return 0;
	if ((r = json_u64(o, "krl_version", 0, 1, UINT64_MAX, &h->krl_version,
		 e)) != 0 ||
	    (r = json_hex(o, "krl", 0, h->krl.b, HASH_LEN, e)) != 0)
		return r;
	return json_time(o, "krl_next", JSON_OPTIONAL, &h->krl_next, e);
}

static int
parse(const json_t *o, void *out, struct err *e)
{
	struct held *h = out;
	int r;

	if ((r = json_hex(o, "realm", 0, h->realm.b, HASH_LEN, e)) != 0 ||
	    (r = json_u64(o, "policy_version", 0, 1, UINT64_MAX,
		 &h->policy_version, e)) != 0 ||
	    (r = json_hex(o, "policy", 0, h->policy.b, HASH_LEN, e)) != 0)
		return r;
	h->have = true;
	if ((r = parse_root(o, h, e)) != 0 || (r = parse_fleet(o, h, e)) != 0 ||
	    (r = parse_job(o, h, e)) != 0 || (r = parse_accept(o, h, e)) != 0 ||
	    (r = parse_krl(o, h, e)) != 0)
		return r;
	return 0;
}

int
held_read(const char *state_dir, struct held *out, struct err *e)
{
	struct held h = {0};
	int r = state_file_read(state_dir, "held", HELD_MAX, parse, &h, e);

	/* A broken one is no reason to trust anew whoever comes first. */
	if (r == 0)
		*out = h;
	return r;
}

int
held_write(const char *state_dir, const struct held *h, struct err *e)
{
	struct str s = STR_INIT;
	struct jw w;
	int r;

	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	jw_hex(&w, "realm", h->realm.b, HASH_LEN);
	jw_u64(&w, "policy_version", h->policy_version);
	jw_hex(&w, "policy", h->policy.b, HASH_LEN);
	if (h->root_version != 0) {
		jw_u64(&w, "root_version", h->root_version);
		jw_hex(&w, "root", h->root.b, HASH_LEN);
	}
	if (h->fleet.have) {
		jw_u64(&w, "fleet_version", h->fleet.version);
		jw_hex(&w, "fleet", h->fleet.bundle.b, HASH_LEN);
		jw_time(&w, "fleet_expires", h->fleet.expires);
		jw_bool(&w, "enforcing", h->enforcing);
	}
	if (h->last.have) {
		jw_hex(&w, "job", h->last.job.b, HASH_LEN);
		jw_time(&w, "job_at", h->last.at);
		jw_bool(&w, "owed", h->owed);
	}
	if (h->host[0] != '\0') {
		jw_str(&w, "host", h->host);
		jw_hex(&w, "accept", h->accept.b, HASH_LEN);
		jw_time(&w, "accepted_at", h->accepted_at);
		if (h->has_renamed)
			jw_hex(&w, "renamed", h->renamed.b, HASH_LEN);
	}
	if (h->krl_version != 0) {
		jw_u64(&w, "krl_version", h->krl_version);
		jw_hex(&w, "krl", h->krl.b, HASH_LEN);
		if (h->krl_next != 0)
			jw_time(&w, "krl_next", h->krl_next);
	}
	jw_end(&w, '}');
	r = state_file_write(state_dir, "held", &s, e);
	str_clear(&s);
	return r;
}
