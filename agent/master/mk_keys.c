/* SPDX-License-Identifier: ISC */
/* Whose keys may come in: people by the policy, hosts by their acceptances, but
 * what the revocation list revokes. */
#include <stdio.h>

#include "agent/master/mk_impl.h"
#include "lib/keeper/key_table.h"
#include "lib/ssh/krl.h"

struct filling {
	struct key_table *table;
	const struct krl *revoked; /* NULL: none is held */
};

static int
add(struct filling *f, const char *name, const struct pubkey *key)
{
	if (f->revoked != NULL && krl_revokes_key(f->revoked, key))
		return 0;
	return key_table_add(f->table, name, key);
}

static int
add_people(struct filling *f, const struct policy *p)
{
	int r = 0;

	for (size_t i = 0; i < p->n_people && r == 0; i++)
		for (size_t j = 0; j < p->people[i].n_keys && r == 0; j++)
			r = add(f, p->people[i].id, p->people[i].keys[j].key);
	return r;
}

static int
add_host(void *ctx, const struct fleet_host_row *row)
{
	char name[sizeof("host/") + ID_MAX];

	if (row->rejected)
		return 0;
	(void)snprintf(name, sizeof(name), "host/%s", row->id);
	return add(ctx, name, row->transport_key);
}

static int
add_all(void *ctx, struct key_table *t)
{
	struct mk *k = ctx;
	struct filling f = {.table = t, .revoked = k->krl.keys};
	int r = add_people(&f, content_trust(k->content)->policy);

	return r != 0 ? r : fleet_hosts_each(k->hosts, add_host, &f);
}

int
mk_send_keys(void *ctx, struct conn *to, struct err *e)
{
	return key_table_send(to, add_all, ctx, e);
}
