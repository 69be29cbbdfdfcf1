/* SPDX-License-Identifier: ISC */
#include "lib/key/key.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/crypto/ed25519.h"
#include "lib/crypto/secmem.h"
#include "lib/key/key_impl.h"
#include "lib/ssh/sshsig.h"

static const struct {
	enum pubkey_type type;
	const char *alg;
} algs[] = {
    {PUBKEY_ED25519, "ssh-ed25519"},
    {PUBKEY_ECDSA256, "ecdsa-sha2-nistp256"},
    {PUBKEY_ECDSA384, "ecdsa-sha2-nistp384"},
    {PUBKEY_ECDSA521, "ecdsa-sha2-nistp521"},
    {PUBKEY_RSA, "rsa-sha2-512"},
    {PUBKEY_SK_ED25519, "sk-ssh-ed25519@openssh.com"},
    {PUBKEY_SK_ECDSA256, "sk-ecdsa-sha2-nistp256@openssh.com"},
};

int
key_new(const struct key_ops *ops, struct pubkey *pub, void *state,
    struct key **out, struct err *e)
{
	struct key *k = calloc(1, sizeof(*k));
	struct key on_stack = {.ops = ops, .pub = pub, .state = state};

	if (k == NULL) {
		ops->free(&on_stack);
		pubkey_free(pub);
		return err_nomem(e);
	}
	*k = on_stack;
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		if (algs[i].type == pubkey_type(pub))
			k->alg = algs[i].alg;
	if (k->alg == NULL) {
		key_free(k);
		return err_set(e, ERR_PARSE, "no algorithm for this key type");
	}
	*out = k;
	return 0;
}

void
key_free(struct key *k)
{
	if (k == NULL)
		return;
	k->ops->free(k);
	pubkey_free(k->pub);
	free(k->comment);
	free(k);
}

const struct pubkey *
key_public(const struct key *k)
{
	return k->pub;
}

const char *
key_comment(const struct key *k)
{
	return k->comment != NULL ? k->comment : "";
}

bool
key_is_shared(const struct key *k)
{
	return k->ops->shared;
}

const char *
key_sig_alg(const struct key *k)
{
	return k->alg;
}

int
key_sign(struct key *k, struct slice msg, struct buf *out, struct err *e)
{
	size_t before = buf_len(out);
	int r = k->ops->sign(k, msg, out, e);

	if (r != 0)
		buf_truncate(out, before);
	return r;
}

int
key_selftest(struct key *k, struct err *e)
{
	static const char text[] = "public and private part are one key";
	struct slice msg = slice_str(text);
	struct buf *sig = NULL;
	int r;

	if ((r = buf_new(&sig, KEY_SIG_MAX)) != 0)
		return err_nomem(e);
	if ((r = key_sign(k, msg, sig, e)) != 0)
		goto out;
	r = pubkey_verify(k->pub, k->alg, buf_slice(sig), msg, NULL, e);
	if (r != 0 && r != ERR_NOMEM)
		r = err_set(e, ERR_PARSE,
		    "the private part does not belong to the public part");
out:
	buf_free(sig);
	return r;
}

int
key_sign_ed25519(struct key *k, struct slice msg, uint8_t out[64],
    struct err *e)
{
	struct buf *blob = NULL;
	struct slice alg, raw;
	struct view v;
	int r;

	if (pubkey_type(k->pub) != PUBKEY_ED25519)
		return err_set(e, ERR_CRYPTO,
		    "an Ed25519 key is needed here, this one is %s",
		    pubkey_short_name(k->pub));
	if ((r = buf_new(&blob, KEY_SIG_MAX)) != 0)
		return err_nomem(e);
	if ((r = key_sign(k, msg, blob, e)) != 0)
		goto out;
	v = view_slice(buf_slice(blob));
	if (view_get_string(&v, &alg) != 0 || view_get_string(&v, &raw) != 0 ||
	    view_end(&v) != 0 || raw.n != ED25519_SIG_LEN) {
		r = err_set(e, ERR_CRYPTO, "malformed Ed25519 signature");
		goto out;
	}
	memcpy(out, raw.p, ED25519_SIG_LEN);
out:
	buf_free(blob);
	return r;
}

int
key_sshsig(struct key *k, const char *ns, struct slice msg, struct str *out,
    struct err *e)
{
	struct buf *data = NULL, *sig = NULL;
	int r;

	if ((r = buf_new(&data, SSHSIG_MAX)) != 0 ||
	    (r = buf_new(&sig, KEY_SIG_MAX)) != 0 ||
	    (r = sshsig_signed_data(ns, "sha512", msg, data)) != 0) {
		(void)err_set(e, r, "prepare a signature: %s", err_text(r));
		goto out;
	}
	if ((r = key_sign(k, buf_slice(data), sig, e)) != 0)
		goto out;
	r = sshsig_add_armor(out, k->pub, ns, "sha512", buf_slice(sig));
	if (r != 0)
		(void)err_set(e, r, "armor a signature: %s", err_text(r));
out:
	buf_free(sig);
	buf_free(data);
	return r;
}

int
key_generate(enum pubkey_type t, struct key **out, struct err *e)
{
	if (t == PUBKEY_ED25519)
		return key_ed25519_generate(out, e);
	return key_evp_generate(t, out, e);
}

int
passphrase_get(const struct passphrase *p, const char *what, char **out,
    size_t *n, struct err *e)
{
	void *buf = NULL;
	size_t len = 0;
	int r;

	if (p == NULL || p->ask == NULL)
		return err_set(e, ERR_DENIED,
		    "%s: encrypted, and there is nobody to ask for the "
		    "passphrase",
		    what);
	if ((r = secmem_alloc(PASSPHRASE_MAX, &buf)) != 0)
		return err_set(e, r,
		    "no locked memory for a passphrase (see ulimit -l)");
	if (p->ask(p->ctx, what, buf, PASSPHRASE_MAX, &len) != 0)
		r = err_set(e, ERR_DENIED, "%s: no passphrase given", what);
	else if (len > PASSPHRASE_MAX)
		r = err_set(e, ERR_LIMIT,
		    "%s: a passphrase has at most %d bytes", what,
		    PASSPHRASE_MAX);
	if (r != 0) {
		secmem_free(buf);
		return r;
	}
	*out = buf;
	*n = len;
	return 0;
}

/* The kinds of text that people hand us, by the first line that says so. */
static const struct kind {
	const char *mark;
	int (*parse)(const char *name, struct slice text,
	    const struct passphrase *pass, struct key **out, struct err *e);
	const char *wrong; /* where there is no parse: what it is */
} kinds[] = {
    {OPENSSH_BEGIN, key_openssh_parse, NULL},
    {"-----BEGIN RSA PRIVATE KEY-----", key_pem_parse, NULL},
    {"-----BEGIN EC PRIVATE KEY-----", key_pem_parse, NULL},
    {"-----BEGIN EC PARAMETERS-----", key_pem_parse, NULL},
    {"-----BEGIN PRIVATE KEY-----", key_pem_parse, NULL},
    {"-----BEGIN ENCRYPTED PRIVATE KEY-----", key_pem_parse, NULL},
    {"-----BEGIN DSA PRIVATE KEY-----", NULL, "a DSA key"},
    {"-----BEGIN PUBLIC KEY-----", NULL, "a public key"},
    {"-----BEGIN CERTIFICATE-----", NULL, "an X.509 certificate"},
    {"PuTTY-User-Key-File", NULL, "a PuTTY key"},
    {"ssh-", NULL, "a public key"},
    {"ecdsa-", NULL, "a public key"},
    {"sk-", NULL, "a public key"},
};

static bool
starts_with(struct slice s, const char *mark)
{
	size_t n = strlen(mark);

	return s.n >= n && memcmp(s.p, mark, n) == 0;
}

int
key_parse(const char *name, struct slice text, const struct passphrase *pass,
    struct key **out, struct err *e)
{
	const struct kind *k = kinds;

	if (text.n > KEY_FILE_MAX)
		return err_set(e, ERR_LIMIT,
		    "%s: larger than %d bytes, which no private key is", name,
		    KEY_FILE_MAX);
	while (text.n > 0 && strchr(" \t\r\n", text.p[0]) != NULL &&
	    text.p[0] != '\0')
		text = slice_of(text.p + 1, text.n - 1);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++, k++) {
		if (!starts_with(text, k->mark))
			continue;
		if (k->parse != NULL)
			return k->parse(name, text, pass, out, e);
		return err_set(e, ERR_PARSE, "%s: %s, expected a private key",
		    name, k->wrong);
	}
	return err_set(e, ERR_PARSE,
	    "%s: not a private key in OpenSSH or PEM format", name);
}

/* What ssh(1) demands: nobody else may read it, nobody else may change it. */
static int
check_file(int fd, const char *path, uid_t owner, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(e, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_DENIED, "%s: not a regular file", path);
	if (st.st_uid != 0 && st.st_uid != geteuid() && st.st_uid != owner)
		return err_set(e, ERR_DENIED,
		    "%s: belongs to uid %u, expected root or yourself", path,
		    (unsigned)st.st_uid);
	if ((st.st_mode & 077) != 0) {
		(void)err_set(e, ERR_DENIED,
		    "%s: mode %04o lets others in, expected 0600", path,
		    (unsigned)st.st_mode & 07777);
		err_hint(e, "chmod 600 %s", path);
		return ERR_DENIED;
	}
	return 0;
}

int
key_load_file(const char *path, const struct passphrase *pass, struct key **out,
    struct err *e)
{
	return key_load_file_of(path, NULL, pass, out, e);
}

int
key_load_file_of(const char *path, const char *user,
    const struct passphrase *pass, struct key **out, struct err *e)
{
	const struct passwd *pw = user != NULL ? getpwnam(user) : NULL;
	uid_t owner = pw != NULL ? pw->pw_uid : geteuid();
	char *text = NULL;
	size_t n = 0;
	int fd, r;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1 && errno == ENOENT)
		return err_set(e, ERR_NOTFOUND, "%s: no such file", path);
	if (fd == -1)
		return err_sys(e, "%s", path);
	if ((r = check_file(fd, path, owner, e)) == 0 &&
	    (r = file_read_fd(fd, path, KEY_FILE_MAX, &text, &n, e)) == 0)
		r = key_parse(path, slice_of(text, n), pass, out, e);
	close(fd);
	if (text != NULL)
		mem_wipe(text, n);
	free(text);
	return r;
}
