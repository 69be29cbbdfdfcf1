/* SPDX-License-Identifier: ISC */
/* What this host holds, told to the link: it has no file of root's to look at. */
#include <stdlib.h>

#include "agent/minion/applier.h"
#include "lib/bundle/fleets.h"
#include "lib/ssh/cert.h"

static void
put_master(struct applier *a, const char *address, const char *key)
{
	jw_begin(&a->w, NULL, '{');
	jw_str(&a->w, "address", address);
	jw_str(&a->w, "key", key);
	jw_end(&a->w, '}');
}

/* Those of the fleet that is held; how many. */
static size_t
put_fleet_masters(struct applier *a, const struct fleet *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_masters; i++) {
		const struct authority *key =
		    policy_authority(a->trust.policy, f->masters[i].key);
		struct str line = STR_INIT;

		if (key == NULL || !key->master)
			continue; /* `check` refuses it; a policy may move on */
		pubkey_add_line(&line, key->key, NULL);
		if (str_check(&line) == 0) {
			put_master(a, f->masters[i].address, line.p);
			n++;
		}
		str_clear(&line);
	}
	return n;
}

static void
put_fleet(struct applier *a, const struct fleet *f)
{
	size_t n = 0;

	if (f != NULL) {
		jw_int(&a->w, "interval", f->interval);
		jw_int(&a->w, "splay", f->splay);
	}
	jw_begin(&a->w, "masters", '[');
	if (f != NULL)
		n = put_fleet_masters(a, f);
	/* For the first time, and where the bundle names none that is known. */
	for (size_t i = 0; n == 0 && i < a->config.n_masters; i++)
		put_master(a, a->config.masters[i].address,
		    a->config.masters[i].key);
	jw_end(&a->w, ']');
}

/* The fleet that is held, for its times and masters; NULL: it cannot be had. */
static struct fleet *
read_fleet(struct applier *a)
{
	struct fleet_chain c = {.some_pillar = true};
	struct conf_diags diags = {0};
	struct fleet_held h = a->held.fleet;
	struct fleet *f = NULL;

	if (!a->trust.have || !h.have)
		return NULL;
	if (fleets_load(a->state_dir, &a->trust, true, 0, &h, &c, NULL) >= 0 &&
	    fleet_parse(&c.files, FLEET_SOME_PILLAR, &f, &diags) != 0)
		f = NULL;
	conf_diags_clear(&diags);
	fleet_chain_clear(&c);
	return f;
}

/* By the name that a master gives it: the hash of its line. */
static void
put_certificate(struct applier *a)
{
	char *text = NULL;
	struct hash h;
	size_t n;

	if (applier_read(a, "certificate", CERT_LINE_MAX, &text, &n, NULL) != 0)
		return;
	while (n > 0 && text[n - 1] == '\n')
		n--;
	hash_sha256(text, n, &h);
	jw_hex(&a->w, "certificate", h.b, HASH_LEN);
	free(text);
}

static void
put_held(struct applier *a)
{
	const struct held *h = &a->held;

	jw_bool(&a->w, "accepted", h->host[0] != '\0');
	if (h->host[0] != '\0') {
		jw_str(&a->w, "host", h->host);
		jw_hex(&a->w, "accept", h->accept.b, HASH_LEN);
		if (h->has_renamed)
			jw_hex(&a->w, "renamed", h->renamed.b, HASH_LEN);
	}
	jw_u64(&a->w, "root_version", a->trust.root_version);
	jw_u64(&a->w, "policy_version", h->policy_version);
	if (h->have)
		jw_hex(&a->w, "policy", h->policy.b, HASH_LEN);
	jw_u64(&a->w, "fleet_version", h->fleet.version);
	if (h->fleet.have)
		jw_hex(&a->w, "fleet", h->fleet.bundle.b, HASH_LEN);
	jw_u64(&a->w, "krl_version", h->krl_version);
	if (h->krl_version != 0)
		jw_hex(&a->w, "krl", h->krl.b, HASH_LEN);
	if (h->last.have)
		jw_hex(&a->w, "job", h->last.job.b, HASH_LEN);
	put_certificate(a);
	jw_bool(&a->w, "logins", !a->config.no_logins);
	jw_bool(&a->w, "owed", h->owed);
	jw_bool(&a->w, "enforcing", h->enforcing);
}

void
applier_look(struct applier *a)
{
	uint8_t boot[BOOT_ID_LEN];
	struct fleet *f = read_fleet(a);
	uint64_t number = 0;
	int64_t left = -1;

	boot_id_read(boot);
	jw_begin(&a->w, "held", '{');
	put_held(a);
	put_fleet(a, f);
	jw_u64(&a->w, "seq", a->reports.seq);
	jw_u64(&a->w, "acked", a->reports.acked);
	jw_hex(&a->w, "boot_id", boot, sizeof(boot));
	jw_int(&a->w, "ssh_port",
	    a->config.ssh_port != 0 ? a->config.ssh_port : 22);
	if (applier_waits(a, &number, &left, NULL) == 0 && left >= 0) {
		jw_u64(&a->w, "run", number);
		jw_int(&a->w, "left", left);
	}
	jw_end(&a->w, '}');
	fleet_free(f);
}
