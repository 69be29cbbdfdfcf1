/* SPDX-License-Identifier: ISC */
#include "ca/client/remote.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/client/unsent.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/json.h"

#define SKEW_MAX 60 /* seconds that the clocks may differ unmentioned */

void
remote_init(struct remote *r, void (*say)(void *ctx, const char *sentence),
    void *ctx)
{
	memset(r, 0, sizeof(*r));
	profile_init(&r->profile);
	trust_init(&r->trust);
	r->say = say;
	r->ctx = ctx;
	r->cancel_fd = -1;
}

void
remote_clear(struct remote *r)
{
	link_free(r->link);
	profile_clear(&r->profile);
	trust_clear(&r->trust);
	standing_free(r->standing);
	free(r->person);
	remote_init(r, NULL, NULL);
}

int
remote_call(struct remote *r, struct str *call, int ms, int *status,
    json_t **body, struct err *e)
{
	int rc;

	if ((rc = str_check(call)) != 0)
		(void)err_nomem(e);
	else
		rc = link_call(r->link, slice_of(call->p, call->n), NULL, NULL,
		    ms, status, body, e);
	str_clear(call);
	if (rc == LINK_CANCELLED)
		rc = err_set(e, ERR_NET, "interrupted");
	return rc;
}

/* --- what is here --------------------------------------------------------- */

static void
tell_expiry(struct remote *r)
{
	struct str text = STR_INIT;

	(void)trust_expiry(&r->trust, clock_now(), &text, NULL);
	if (text.n > 0)
		r->say(r->ctx, text.p);
	str_clear(&text);
}

/* The policy that was fetched before, if there is one; its expiry is asked when
 * it is used. */
static int
load_policy(struct remote *r, struct err *e)
{
	int rc =
	    bundles_load(r->profile.dir, &r->profile.realm, 0, &r->trust, e);

	if (rc == ERR_NOTFOUND)
		err_hint(e, "writ policy pull fetches it");
	return rc < 0 ? rc : 0;
}

int
remote_load(struct remote *r, struct err *e)
{
	int rc;

	if ((rc = profile_load(&r->profile, e)) != 0 ||
	    (rc = load_policy(r, e)) != 0)
		return rc;
	return remote_load_acts(r, e);
}

/* --- connecting ----------------------------------------------------------- */

static int
hello(struct remote *r, struct err *e)
{
	struct str call = STR_INIT;
	const char *person = NULL;
	struct hash realm;
	json_t *body = NULL;
	uint64_t version = 0;
	int64_t now = 0, gap;
	int rc;

	str_add(&call, "{\"call\":\"hello\"}");
	if ((rc = remote_call(r, &call, LINK_CALL_MS, NULL, &body, e)) != 0)
		return rc;
	if ((rc = json_hex(body, "realm", 0, realm.b, HASH_LEN, e)) != 0 ||
	    (rc = json_str(body, "person", JSON_EMPTY_OK, ID_MAX, &person,
		 e)) != 0 ||
	    (rc = json_u64(body, "policy_version", 0, 0, UINT64_MAX, &version,
		 e)) != 0 ||
	    (rc = json_time(body, "now", 0, &now, e)) != 0) {
		err_prefix(e, "%s: hello", r->profile.ca);
		goto out;
	}
	if (!hash_equal(&realm, &r->profile.realm)) {
		char fp[FINGERPRINT_MAX];

		hash_fingerprint(&realm, fp);
		rc = err_set(e, ERR_DENIED,
		    "%s is a CA of another root of trust, %s", r->profile.ca,
		    fp);
		goto out;
	}
	free(r->person);
	if ((r->person = str_dup(person)) == NULL) {
		rc = err_nomem(e);
		goto out;
	}
	r->their_policy = version;
	gap = now - clock_now();
	if (gap > SKEW_MAX || gap < -SKEW_MAX) {
		struct str s = STR_INIT;

		str_addf(&s,
		    "this machine's clock is %lld s %s the CA's; what is "
		    "signed here may be refused",
		    (long long)(gap > 0 ? gap : -gap),
		    gap > 0 ? "behind" : "ahead of");
		r->say(r->ctx, s.p);
		str_clear(&s);
	}
out:
	json_decref(body);
	return rc;
}

static int
connect_link(struct remote *r, const char *known_hosts, bool first,
    struct err *e)
{
	struct link_options o = {.address = r->profile.ca,
	    .known_hosts = known_hosts,
	    .first = first,
	    .identity = r->profile.key,
	    .cancel_fd = r->cancel_fd};
	int rc;

	link_free(r->link);
	r->link = NULL;
	if ((rc = link_open(&o, &r->link, e)) != 0)
		return rc;
	return hello(r, e);
}

int
remote_again(struct remote *r, struct err *e)
{
	char *path = NULL;
	int rc = profile_path(&r->profile, "known_hosts", &path, e);

	if (rc == 0)
		rc = connect_link(r, path, false, e);
	free(path);
	return rc;
}

int
remote_open(struct remote *r, struct err *e)
{
	struct err why = {0};
	int rc;

	if ((rc = profile_load(&r->profile, e)) != 0)
		return rc;
	/* One that is not there is fetched; one that is damaged is not passed
	 * over, since it says which versions were seen. */
	rc = load_policy(r, &why);
	if (rc != 0 && rc != ERR_NOTFOUND) {
		if (e != NULL)
			*e = why;
		return rc;
	}
	if ((rc = remote_again(r, e)) != 0 ||
	    (rc = remote_pull_policy(r, true, e)) != 0)
		return rc;
	tell_expiry(r);
	if ((rc = remote_load_acts(r, e)) != 0 ||
	    (rc = remote_pull_acts(r, e)) != 0)
		return rc;
	return unsent_flush(r, e);
}

/* --- trusting ------------------------------------------------------------- */

/* Known to nobody else until it has proved itself. */
static int
trust_in(struct remote *r, const char *known_hosts, struct err *e)
{
	char *path = NULL, *text = NULL;
	size_t n = 0;
	int rc;

	/* The key may be any: whoever shows it is believed only if his policy
	 * follows from the pinned root. */
	if ((rc = connect_link(r, known_hosts, true, e)) != 0 ||
	    (rc = remote_pull_policy(r, false, e)) != 0)
		return rc;
	if ((rc = trust_expiry(&r->trust, clock_now(), NULL, e)) < 0)
		return rc;
	if ((rc = file_read(known_hosts, PROFILE_FILE_MAX, &text, &n, e)) !=
		0 ||
	    (rc = file_mkdirs(r->profile.dir, 0700, e)) != 0 ||
	    (rc = profile_path(&r->profile, "known_hosts", &path, e)) != 0 ||
	    (rc = file_write(path, text, n, 0600, 0, e)) != 0 ||
	    (rc = remote_pull_policy(r, true, e)) != 0 ||
	    (rc = profile_save(&r->profile, e)) != 0)
		goto out;
	tell_expiry(r);
	if ((rc = remote_load_acts(r, e)) == 0 &&
	    (rc = remote_pull_acts(r, e)) == 0)
		rc = remote_pull_krl(r, e);
out:
	free(text);
	free(path);
	return rc;
}

int
remote_trust(struct remote *r, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = NULL, *hosts = NULL;
	int rc;

	if (path_joinf(&dir, "%s/writ-XXXXXX",
		tmp != NULL && tmp[0] == '/' ? tmp : "/tmp") != 0)
		return err_nomem(e);
	if (mkdtemp(dir) == NULL) {
		rc = err_sys(e, "%s", dir);
		free(dir);
		return rc;
	}
	if (path_join(dir, "known_hosts", &hosts) != 0)
		rc = err_nomem(e);
	else
		rc = trust_in(r, hosts, e);
	if (hosts != NULL)
		(void)unlink(hosts);
	(void)rmdir(dir);
	free(hosts);
	free(dir);
	return rc;
}
