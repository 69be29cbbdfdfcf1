/* SPDX-License-Identifier: ISC */
#include "lib/key/person.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/key/key_impl.h"
#include "lib/proc/child.h"
#include "lib/ssh/sshsig.h"

int
person_read_pubkey(const char *path, struct pubkey **out, struct err *e)
{
	char *text = NULL;
	size_t n = 0;
	int r;

	if ((r = file_read(path, PUBKEY_LINE_MAX, &text, &n, e)) != 0)
		return r;
	if ((r = pubkey_parse_line(text, n, out, NULL, e)) != 0)
		err_prefix(e, "%s", path);
	free(text);
	return r;
}

static int
read_beside(const char *path, struct pubkey **out, struct err *e)
{
	char *beside = NULL;
	int r;

	if ((r = path_joinf(&beside, "%s.pub", path)) != 0)
		return err_nomem(e);
	r = person_read_pubkey(beside, out, e);
	free(beside);
	return r;
}

/* What a private key file says about its public part, or "" beside it. */
static int
from_text(const char *path, struct slice text, struct pubkey **out,
    struct err *e)
{
	static const char begin[] = "-----BEGIN ";
	int r;

	if (text.n >= strlen(OPENSSH_BEGIN) &&
	    memcmp(text.p, OPENSSH_BEGIN, strlen(OPENSSH_BEGIN)) == 0)
		return key_openssh_public(path, text, out, e);
	if (text.n < strlen(begin) || memcmp(text.p, begin, strlen(begin)) != 0)
		return person_read_pubkey(path, out, e);
	/* PEM: nothing is in the clear when it is encrypted. */
	if ((r = read_beside(path, out, e)) == ERR_NOTFOUND) {
		r = err_set(e, r, "%s: the public key is not beside it", path);
		err_hint(e, "ssh-keygen -y -f %s > %s.pub", path, path);
	}
	return r;
}

/*
 * In the order in which ssh-keygen looks, so that the key we announce is the
 * one that it will use: a stale .pub beside an OpenSSH key does not count.
 */
int
person_pubkey(const char *path, struct pubkey **out, struct err *e)
{
	struct err first = {0};
	char *text = NULL;
	size_t n = 0;
	int r;

	r = file_read(path, KEY_FILE_MAX, &text, &n, &first);
	if (r == 0) {
		r = from_text(path, slice_of(text, n), out, e);
		mem_wipe(text, n);
		free(text);
		return r;
	}
	/* A private key that is in the agent alone, named as it was. */
	if (r == ERR_NOTFOUND && read_beside(path, out, NULL) == 0)
		return 0;
	if (e != NULL)
		*e = first;
	return r;
}

/*
 * Where there is a terminal, ssh-keygen asks there, as it does for git.  Left
 * alone it would see that its standard input is a pipe, take that for "no
 * terminal", and with DISPLAY set look for a graphical askpass program that
 * may not be there.
 */
static bool
asks_on_terminal(void)
{
	int fd;

	if (getenv("SSH_ASKPASS_REQUIRE") != NULL)
		return false;
	fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd == -1)
		return false;
	close(fd);
	return true;
}

/* Its last line that says something, without what ends lines on a terminal. */
static int
said_no(const struct child_result *r, bool shown, struct err *e)
{
	const char *p = r->err_text;
	size_t n = strlen(p), start;
	char quoted[QUOTE_MAX];

	while (n > 0 && strchr("\r\n ", p[n - 1]) != NULL)
		n--;
	for (start = n; start > 0 && p[start - 1] != '\n'; start--)
		continue;
	if (n == start)
		return err_set(e, ERR_DENIED, "ssh-keygen did not sign%s",
		    shown ? ", for the reason it gave" : "");
	if (text_is_clean(p + start, n - start, NULL))
		return err_set(e, ERR_DENIED, "ssh-keygen did not sign: %.*s",
		    (int)(n - start), p + start);
	return err_set(e, ERR_DENIED, "ssh-keygen did not sign: %s",
	    str_quoten(quoted, p + start, n - start));
}

/* One block and nothing else, by that key, over these bytes. */
static int
check_signature(const struct child_result *r, const struct pubkey *key,
    const char *ns, struct slice msg, struct err *e)
{
	struct sshsig s;
	size_t used = 0;
	int rc;

	sshsig_init(&s);
	if ((rc = sshsig_parse_armor(slice_of(r->out, r->out_len), &s, &used,
		 e)) != 0)
		goto out;
	if (used != r->out_len)
		rc = err_set(e, ERR_PARSE,
		    "more than one signature on standard output");
	else if (!pubkey_equal(s.key, key))
		rc = err_set(e, ERR_BADSIG,
		    "signed with another key than the public key says");
	else
		rc = sshsig_verify(&s, ns, msg, NULL, e);
out:
	sshsig_clear(&s);
	if (rc != 0)
		err_prefix(e, "signature of ssh-keygen");
	return rc;
}

/*
 * Standard error is the person's own terminal where it is one: OpenSSH says
 * there when to touch a token, and says nothing at all when it is a pipe.  -q
 * leaves out the notice that standard input is signed.
 */
int
person_sign(const char *path, const char *ns, struct slice msg, struct str *out,
    struct err *e)
{
	const char *const argv[] = {
	    "ssh-keygen", "-q", "-Y", "sign", "-n", ns, "-f", path, NULL};
	struct child_run run = {
	    .argv = argv,
	    .in = msg,
	    .out_max = SSHSIG_ARMOR_MAX,
	    .err_through = isatty(STDERR_FILENO) == 1,
	};
	struct child_result res = {0};
	struct pubkey *key = NULL;
	const char *more = NULL, **env = NULL;
	int r;

	if ((r = person_pubkey(path, &key, e)) != 0)
		return r;
	if (asks_on_terminal())
		more = "SSH_ASKPASS_REQUIRE=never";
	if ((r = child_env_with(more, &env)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	run.env = env;
	if ((r = child_run(&run, &res, e)) != 0)
		goto out;
	if (res.status != 0) {
		r = said_no(&res, run.err_through, e);
		goto out;
	}
	if ((r = check_signature(&res, key, ns, msg, e)) != 0)
		goto out;
	str_addn(out, res.out, res.out_len);
	if ((r = str_check(out)) != 0)
		(void)err_nomem(e);
out:
	child_result_clear(&res);
	free(env);
	pubkey_free(key);
	return r;
}
