/* SPDX-License-Identifier: ISC */
/* The text form of what a host has accepted. */
#include <stdlib.h>

#include "agent/minion/bundle_dir.h"
#include "lib/base/file.h"
#include "lib/base/json.h"

#define HELD_MAX 4096

static int
parse(const json_t *o, struct held *h, struct err *e)
{
	int r;

	if ((r = json_hex(o, "realm", 0, h->realm.b, HASH_LEN, e)) != 0 ||
	    (r = json_u64(o, "policy_version", 0, 1, UINT64_MAX,
		 &h->policy_version, e)) != 0 ||
	    (r = json_hex(o, "policy", 0, h->policy.b, HASH_LEN, e)) != 0 ||
	    (r = json_u64(o, "fleet_version", 0, 1, UINT64_MAX,
		 &h->fleet.version, e)) != 0 ||
	    (r = json_hex(o, "fleet", 0, h->fleet.bundle.b, HASH_LEN, e)) !=
		0 ||
	    (r = json_time(o, "fleet_expires", 0, &h->fleet.expires, e)) != 0)
		return r;
	h->have = h->fleet.have = true;
	return 0;
}

int
held_read(const char *state_dir, struct held *out, struct err *e)
{
	struct held h = {0};
	struct err why = {0};
	char *path, *text = NULL;
	json_t *o = NULL;
	size_t n;
	int r;

	if (path_join(state_dir, "held", &path) != 0)
		return err_nomem(e);
	r = file_read(path, HELD_MAX, &text, &n, &why);
	if (r == ERR_NOTFOUND) {
		r = 0;
	} else if (r == 0 &&
	    ((r = json_read(slice_of(text, n), HELD_MAX, &o, &why)) != 0 ||
		(r = parse(o, &h, &why)) != 0)) {
		/* Not a reason to trust anew whoever comes first. */
		err_prefix(&why, "%s", path);
		r = r == ERR_NOMEM ? r : ERR_CORRUPT;
	}
	if (r == 0)
		*out = h;
	else if (e != NULL)
		*e = why;
	json_decref(o);
	free(text);
	free(path);
	return r;
}

int
held_write(const char *state_dir, const struct held *h, struct err *e)
{
	struct str s = STR_INIT;
	char *path = NULL;
	struct jw w;
	int r;

	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	jw_hex(&w, "realm", h->realm.b, HASH_LEN);
	jw_u64(&w, "policy_version", h->policy_version);
	jw_hex(&w, "policy", h->policy.b, HASH_LEN);
	jw_u64(&w, "fleet_version", h->fleet.version);
	jw_hex(&w, "fleet", h->fleet.bundle.b, HASH_LEN);
	jw_time(&w, "fleet_expires", h->fleet.expires);
	jw_end(&w, '}');
	str_addc(&s, '\n');
	if (str_check(&s) != 0 || path_join(state_dir, "held", &path) != 0)
		r = err_nomem(e);
	else
		r = file_write(path, s.p, s.n, 0600, 0, e);
	free(path);
	str_clear(&s);
	return r;
}
