/* SPDX-License-Identifier: ISC */
/*
 * What the files of ssh_ca are to hold.  Pure.
 */
#include <string.h>

#include "agent/states/ssh_ca_impl.h"
#include "agent/states/words.h"
#include "lib/ssh/cert.h"
#include "lib/ssh/krl.h"

int
ca_keys_text(const struct policy *p, struct str *out)
{
	for (size_t i = 0; i < p->user_cas.n; i++) {
		const struct authority *a =
		    policy_authority(p, p->user_cas.v[i]);

		if (a == NULL)
			continue;
		pubkey_add_line(out, a->key, a->name);
		str_addc(out, '\n');
	}
	return str_check(out);
}

int
ca_principals_text(const struct ca_account *a, struct str *out)
{
	str_add(out, STATE_MARK);
	for (size_t i = 0; i < a->principals.n; i++)
		str_addf(out, "%s\n", a->principals.v[i]);
	return str_check(out);
}

/* The version of a KRL; 0 where it is none. */
static uint64_t
version_of(struct slice blob)
{
	struct krl *k = NULL;
	uint64_t v = 0;

	if (krl_parse(blob, &k, NULL) == 0)
		v = krl_version(k);
	krl_free(k);
	return v;
}

/* "7\n"; 0 where it is no such line. */
static uint64_t
recorded(const struct sshd_file *f)
{
	char digits[24];
	uint64_t v;

	if (f->text == NULL || f->n < 2 || f->n > sizeof(digits) ||
	    f->text[f->n - 1] != '\n')
		return 0;
	memcpy(digits, f->text, f->n - 1);
	digits[f->n - 1] = '\0';
	return parse_u64(digits, 1, UINT64_MAX, &v) == 0 ? v : 0;
}

int
ca_krl_choose(const struct state_env *env, const struct sshd_file *krl,
    const struct sshd_file *version, enum ca_krl *out, uint64_t *had,
    struct err *e)
{
	uint64_t there =
	    krl->text != NULL ? version_of(slice_of(krl->text, krl->n)) : 0;
	uint64_t newest = recorded(version);
	uint64_t offered = 0;
	struct krl *k = NULL;
	int r;

	if (newest < there)
		newest = there;
	if (env->krl.n > 0) {
		if ((r = krl_parse(env->krl, &k, e)) != 0)
			return r;
		offered = krl_version(k);
		krl_free(k);
		if (offered != env->krl_version || offered == 0)
			return err_set(e, ERR_PARSE,
			    "the KRL is of version %llu, expected %llu as its "
			    "statement says",
			    (unsigned long long)offered,
			    (unsigned long long)env->krl_version);
	}
	*had = newest;
	if (offered != 0 && offered >= newest)
		*out = CA_KRL_WRITE;
	else if (newest == 0)
		*out = CA_KRL_NONE;
	else
		*out = there == newest ? CA_KRL_KEEP : CA_KRL_STUCK;
	return 0;
}

static int
is_host_key(const struct pubkey *key, const struct strs *host_keys)
{
	bool found = false;

	for (size_t i = 0; i < host_keys->n && !found; i++) {
		struct pubkey *k = NULL;
		int r = pubkey_parse_line(host_keys->v[i],
		    strlen(host_keys->v[i]), &k, NULL, NULL);

		if (r == ERR_NOMEM)
			return r;
		found = r == 0 && pubkey_equal(k, key);
		pubkey_free(k);
	}
	return found;
}

int
ca_host_cert_check(const struct state_env *env, const struct strs *host_keys,
    struct err *e)
{
	char fp[FINGERPRINT_MAX];
	struct buf *blob = NULL;
	struct cert c;
	int r;

	cert_init(&c);
	if ((r = buf_new(&blob, CERT_MAX)) != 0)
		r = err_nomem(e);
	else if ((r = cert_parse_line((const char *)env->host_cert.p,
		      env->host_cert.n, blob, e)) == 0)
		r = cert_parse(buf_slice(blob), &c, e);
	if (r != 0) {
		err_prefix(e, "the host certificate");
		goto out;
	}
	pubkey_fingerprint(c.key, fp);
	if (c.kind != CERT_HOST)
		r = err_set(e, ERR_DENIED,
		    "the host certificate is one for users");
	else if ((r = is_host_key(c.key, host_keys)) == 0)
		r = err_set(e, ERR_DENIED,
		    "the host certificate is of key %s, expected one of "
		    "/etc/ssh/ssh_host_*_key.pub",
		    fp);
	else if (r < 0)
		(void)err_nomem(e);
	else
		r = 0;
out:
	cert_clear(&c);
	buf_free(blob);
	return r;
}

static bool
has_line(const char *text, const char *line, size_t n)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (len == n && strncmp(text, line, n) == 0)
			return true;
		text += len + (text[len] == '\n');
	}
	return false;
}

bool
ca_lines_within(const char *a, const char *b)
{
	while (*a != '\0') {
		size_t n = strcspn(a, "\n");

		if (n > 0 && *a != '#' && !has_line(b, a, n))
			return false;
		a += n + (a[n] == '\n');
	}
	return true;
}
