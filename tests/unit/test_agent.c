/* SPDX-License-Identifier: ISC */
/* A real ssh-agent, and one that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/crypto/ed25519.h"
#include "lib/key/agent.h"
#include "lib/key/key_impl.h"
#include "lib/ssh/cert.h"
#include "tests/unit/env.h"
#include "tests/unit/sshtool.h"

static struct err err;
static pid_t agent;

static const char *const names[] = {"ed25519", "p256", "p384", "p521", "rsa"};
static const char *const kinds[][2] = {{"ed25519", "256"}, {"ecdsa", "256"},
    {"ecdsa", "384"}, {"ecdsa", "521"}, {"rsa", "2048"}};
#define N 5

static struct pubkey *
public_of(const char *name)
{
	struct pubkey *pub = NULL;
	struct str file = STR_INIT;
	size_t n;
	char *line;

	str_addf(&file, "%s.pub", name);
	line = sshtool_read(file.p, &n);
	assert_int_equal(pubkey_parse_line(line, n, &pub, NULL, NULL), 0);
	free(line);
	str_clear(&file);
	return pub;
}

static int
group_setup(void **state)
{
	if (sshtool_setup(state) != 0)
		return 1;
	agent = sshtool_agent_start("agent");
	setenv("SSH_AUTH_SOCK", sshtool_path("agent"), 1);
	for (size_t i = 0; i < N; i++) {
		sshtool_run("ssh-keygen", "-q", "-t", kinds[i][0], "-b",
		    kinds[i][1], "-N", "", "-f", sshtool_path(names[i]), NULL);
		sshtool_run("ssh-add", "-q", sshtool_path(names[i]), NULL);
	}
	sshtool_run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
	    sshtool_path("absent"), NULL);
	return 0;
}

static int
group_teardown(void **state)
{
	sshtool_agent_stop(agent);
	return sshtool_teardown(state);
}

static void
every_type_signs_and_rsa_by_sha2_512(void **state)
{
	struct slice msg = slice_str("message");

	(void)state;
	for (size_t i = 0; i < N; i++) {
		struct pubkey *pub = public_of(names[i]);
		struct key *k = NULL;
		struct buf *sig = NULL;

		print_message("%s\n", names[i]);
		assert_int_equal(key_from_agent(NULL, pub, &k, &err), 0);
		assert_true(pubkey_equal(key_public(k), pub));
		assert_int_equal(buf_new(&sig, 8192), 0);
		for (int j = 0; j < 3; j++) {
			buf_reset(sig);
			assert_int_equal(key_sign(k, msg, sig, &err), 0);
			assert_int_equal(pubkey_verify(pub, key_sig_alg(k),
					     buf_slice(sig), msg, NULL, &err),
			    0);
		}
		if (i == 4)
			assert_memory_equal(buf_slice(sig).p + 4,
			    "rsa-sha2-512", 12);
		buf_free(sig);
		key_free(k);
		pubkey_free(pub);
	}
}

static void
an_ed25519_key_signs_notes_and_stays_there(void **state)
{
	struct pubkey *pub = public_of("ed25519");
	struct slice msg = slice_str("note");
	struct key *k = NULL;
	struct str text = STR_INIT;
	uint8_t sig[64];

	(void)state;
	assert_int_equal(key_from_agent(sshtool_path("agent"), pub, &k, &err),
	    0);
	assert_int_equal(key_sign_ed25519(k, msg, sig, &err), 0);
	assert_true(ed25519_verify(pubkey_ed25519(pub), msg.p, msg.n, sig));
	assert_int_equal(key_encode_openssh(k, "", NULL, 0, &text, &err),
	    ERR_DENIED);
	key_free(k);
	pubkey_free(pub);
}

static void
a_key_the_agent_lacks_is_not_found(void **state)
{
	struct pubkey *pub = public_of("absent");
	struct key *k = NULL;

	(void)state;
	assert_int_equal(key_from_agent(NULL, pub, &k, &err), ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "SHA256:"));
	assert_null(k);
	pubkey_free(pub);
}

static int
find_comment(void *ctx, struct slice blob, struct slice comment)
{
	unsigned *n = ctx;

	(void)blob;
	*n += slice_is(comment, "alice/1");
	return 0;
}

/* Key and certificate both, and gone when their time is over. */
static void
a_key_made_here_goes_in_with_its_certificate(void **state)
{
	struct key *k = NULL, *back = NULL;
	struct str pub = STR_INIT;
	struct buf *blob = NULL;
	unsigned found = 0;
	char *line;
	size_t n;

	(void)state;
	assert_int_equal(key_generate(PUBKEY_ED25519, &k, &err), 0);
	pubkey_add_line(&pub, key_public(k), "");
	sshtool_write("made.pub", pub.p, pub.n);
	sshtool_run("ssh-keygen", "-q", "-s", sshtool_path("ed25519"), "-I",
	    "alice/1", "-n", "deploy", sshtool_path("made.pub"), NULL);
	line = sshtool_read("made-cert.pub", &n);
	assert_int_equal(buf_new(&blob, CERT_MAX), 0);
	assert_int_equal(cert_parse_line(line, n, blob, &err), 0);
	assert_true(agent_there(NULL));
	assert_int_equal(agent_add(NULL, k, buf_slice(blob), "alice/1", 3600,
			     &err),
	    0);
	assert_int_equal(agent_each(NULL, find_comment, &found, &err), 0);
	assert_int_equal(found, 2);
	assert_int_equal(key_from_agent(NULL, key_public(k), &back, &err), 0);
	assert_int_equal(agent_remove(NULL, buf_slice(blob), &err), 0);
	assert_int_equal(agent_remove(NULL, pubkey_blob(key_public(k)), &err),
	    0);
	assert_int_equal(agent_remove(NULL, buf_slice(blob), &err), ERR_DENIED);
	found = 0;
	assert_int_equal(agent_each(NULL, find_comment, &found, &err), 0);
	assert_int_equal(found, 0);
	/* What lies in an agent has no secret to give. */
	assert_int_equal(agent_add(NULL, back, buf_slice(blob), "x", 1, &err),
	    ERR_DENIED);
	key_free(back);
	key_free(k);
	buf_free(blob);
	free(line);
	str_clear(&pub);
}

static void
no_agent_is_said(void **state)
{
	struct pubkey *pub = public_of("absent");
	struct key *k = NULL;
	char longer[200];
	char *old = env_copy("SSH_AUTH_SOCK");

	(void)state;
	unsetenv("SSH_AUTH_SOCK");
	assert_int_equal(key_from_agent(NULL, pub, &k, &err), ERR_NET);
	assert_non_null(strstr(err.msg, "SSH_AUTH_SOCK"));
	setenv("SSH_AUTH_SOCK", old, 1);
	assert_int_equal(key_from_agent(sshtool_path("none"), pub, &k, &err),
	    ERR_NET);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(key_from_agent(longer, pub, &k, &err), ERR_LIMIT);
	free(old);
	pubkey_free(pub);
}

static void
a_message_that_fits_no_frame_is_refused_before_it_is_sent(void **state)
{
	struct pubkey *pub = public_of("ed25519");
	struct key *k = NULL;
	struct buf *sig = NULL;
	size_t room;
	uint8_t *big = calloc(1, AGENT_FRAME_MAX);

	(void)state;
	room = AGENT_FRAME_MAX - 1 - 4 - pubkey_blob(pub).n - 4 - 4;
	assert_int_equal(key_from_agent(NULL, pub, &k, &err), 0);
	assert_int_equal(buf_new(&sig, 8192), 0);
	assert_int_equal(key_sign(k, slice_of(big, room + 1), sig, &err),
	    ERR_LIMIT);
	assert_int_equal(buf_len(sig), 0);
	/* The connection is as good as before; OpenSSH takes all but this. */
	assert_int_equal(key_sign(k, slice_of(big, room - 4096), sig, &err), 0);
	free(big);
	buf_free(sig);
	key_free(k);
	pubkey_free(pub);
}

static void
a_refusal_leaves_the_connection_usable(void **state)
{
	struct pubkey *pub = public_of("p256");
	struct key *k = NULL;
	struct buf *sig = NULL;

	(void)state;
	assert_int_equal(key_from_agent(NULL, pub, &k, &err), 0);
	assert_int_equal(buf_new(&sig, 8192), 0);
	sshtool_run("ssh-add", "-q", "-d", sshtool_path("p256"), NULL);
	assert_int_equal(key_sign(k, slice_str("m"), sig, &err), ERR_DENIED);
	sshtool_run("ssh-add", "-q", sshtool_path("p256"), NULL);
	assert_int_equal(key_sign(k, slice_str("m"), sig, &err), 0);
	buf_free(sig);
	key_free(k);
	pubkey_free(pub);
}

/*
 * The liar: answers the first request with `list` and the second with `sig`,
 * frames and all, then waits until we hang up.
 */
struct lies {
	struct buf *list, *sig;
	bool close_early; /* after what it has to say */
};

static int
listen_at(const char *name)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	unlink(sshtool_path(name));
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", sshtool_path(name));
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void
lie(int fd, const struct lies *l)
{
	uint8_t in[65536];
	int c = accept(fd, NULL, NULL);
	struct slice s;

	for (int i = 0; i < 2; i++) {
		if (read(c, in, sizeof(in)) <= 0)
			_exit(0);
		s = buf_slice(i == 0 ? l->list : l->sig);
		if (s.n > 0 && write(c, s.p, s.n) != (ssize_t)s.n)
			_exit(1);
		if (l->close_early && (i == 1 || buf_len(l->sig) == 0))
			_exit(0);
	}
	while (read(c, in, sizeof(in)) > 0)
		continue;
	_exit(0);
}

static pid_t
liar_start(const struct lies *l)
{
	int fd = listen_at("liar");
	pid_t pid = fork();

	if (pid == 0)
		lie(fd, l);
	close(fd);
	return pid;
}

static void
put_list(struct buf *b, const struct pubkey *pub)
{
	struct slice blob = pubkey_blob(pub);

	assert_int_equal(buf_put_u32(b, (uint32_t)(1 + 4 + 4 + blob.n + 4)), 0);
	assert_int_equal(buf_put_u8(b, 12), 0);
	assert_int_equal(buf_put_u32(b, 1), 0);
	assert_int_equal(buf_put_string(b, blob.p, blob.n), 0);
	assert_int_equal(buf_put_cstring(b, ""), 0);
}

static void
put_answer(struct buf *b, struct slice sig)
{
	assert_int_equal(buf_put_u32(b, (uint32_t)(1 + 4 + sig.n)), 0);
	assert_int_equal(buf_put_u8(b, 14), 0);
	assert_int_equal(buf_put_string(b, sig.p, sig.n), 0);
}

/* What key_from_agent and, where that is 0, key_sign say to the liar. */
static int
ask_liar(const struct lies *l, const struct pubkey *pub, bool *opened)
{
	struct key *k = NULL;
	struct buf *sig = NULL;
	pid_t pid = liar_start(l);
	int r;

	err = (struct err){0};
	r = key_agent_open(sshtool_path("liar"), pub, 300, 300, &k, &err);
	*opened = r == 0;
	if (r == 0) {
		assert_int_equal(buf_new(&sig, 8192), 0);
		r = key_sign(k, slice_str("message"), sig, &err);
		assert_int_equal(buf_len(sig), 0);
		if (r == ERR_NET || r == ERR_LIMIT)
			assert_int_equal(key_sign(k, slice_str("message"), sig,
					     NULL),
			    ERR_NET);
	}
	buf_free(sig);
	key_free(k);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return r;
}

/* Stopped, or at a token that says nothing: the connections that were given up
 * fill its queue, and whoever comes then would wait for ever. */
static void
an_agent_whose_queue_is_full_is_given_up(void **state)
{
	struct pubkey *pub = public_of("ed25519");
	struct key *k = NULL;
	int fd = listen_at("liar"), n = 0;

	(void)state;
	err = (struct err){0};
	/* A queue of one has room for two. */
	while (n < 4 && strstr(err.msg, "take a connection") == NULL) {
		assert_int_equal(key_agent_open(sshtool_path("liar"), pub, 50,
				     50, &k, &err),
		    ERR_NET);
		assert_null(k);
		n++;
	}
	assert_int_equal(n, 3);
	close(fd);
	pubkey_free(pub);
}

static void
hostile_lists_are_refused(void **state)
{
	static const struct {
		const char *name;
		uint8_t p[24];
		size_t n;
		bool close;
		int want;
	} cases[] = {
	    {"no answer", {0}, 0, true, ERR_NET},
	    {"silence", {0}, 0, false, ERR_NET},
	    {"half a length", {0, 0}, 2, true, ERR_NET},
	    {"empty frame", {0, 0, 0, 0}, 4, false, ERR_LIMIT},
	    {"a byte above the limit", {0, 4, 0, 1}, 4, false, ERR_LIMIT},
	    {"4 GiB", {255, 255, 255, 255}, 4, false, ERR_LIMIT},
	    {"cut short", {0, 0, 0, 9, 12, 0}, 6, true, ERR_NET},
	    {"promised and not sent", {0, 0, 0, 9, 12, 0}, 6, false, ERR_NET},
	    {"failure", {0, 0, 0, 1, 5}, 5, false, ERR_DENIED},
	    {"another message", {0, 0, 0, 1, 14}, 5, false, ERR_NET},
	    {"no count", {0, 0, 0, 1, 12}, 5, false, ERR_NET},
	    {"no keys", {0, 0, 0, 5, 12, 0, 0, 0, 0}, 9, false, ERR_NOTFOUND},
	    {"more keys said than sent", {0, 0, 0, 5, 12, 0, 0, 0, 1}, 9, false,
		ERR_NET},
	    {"a billion keys", {0, 0, 0, 5, 12, 64, 0, 0, 0}, 9, false,
		ERR_NET},
	    {"more than said", {0, 0, 0, 6, 12, 0, 0, 0, 0, 7}, 10, false,
		ERR_NET},
	    {"a blob past the end",
		{0, 0, 0, 10, 12, 0, 0, 0, 1, 0, 0, 1, 0, 9}, 14, false,
		ERR_NET},
	};
	struct pubkey *pub = public_of("ed25519");
	bool opened;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lies l = {.close_early = cases[i].close};

		print_message("%s\n", cases[i].name);
		assert_int_equal(buf_new(&l.list, 64), 0);
		assert_int_equal(buf_new(&l.sig, 64), 0);
		assert_int_equal(buf_put(l.list, cases[i].p, cases[i].n), 0);
		assert_int_equal(ask_liar(&l, pub, &opened), cases[i].want);
		assert_false(opened);
		buf_free(l.list);
		buf_free(l.sig);
	}
	pubkey_free(pub);
}

static void
hostile_signatures_are_refused(void **state)
{
	static const struct {
		const char *name;
		uint8_t p[24];
		size_t n;
		bool close;
		int want;
	} cases[] = {
	    {"hung up", {0}, 0, true, ERR_NET},
	    {"silence", {0}, 0, false, ERR_NET},
	    {"failure", {0, 0, 0, 1, 5}, 5, false, ERR_DENIED},
	    {"4 GiB", {255, 255, 255, 255}, 4, false, ERR_LIMIT},
	    {"a list", {0, 0, 0, 5, 12, 0, 0, 0, 0}, 9, false, ERR_NET},
	    {"no signature", {0, 0, 0, 1, 14}, 5, false, ERR_NET},
	    {"empty signature", {0, 0, 0, 5, 14, 0, 0, 0, 0}, 9, false,
		ERR_CRYPTO},
	    {"past the end", {0, 0, 0, 5, 14, 0, 0, 0, 9}, 9, false, ERR_NET},
	    {"more than said", {0, 0, 0, 6, 14, 0, 0, 0, 0, 1}, 10, false,
		ERR_NET},
	};
	struct pubkey *pub = public_of("ed25519");
	bool opened;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lies l = {.close_early = cases[i].close};

		print_message("%s\n", cases[i].name);
		/* A liar with nothing to say may only hang up later. */
		assert_int_equal(buf_new(&l.list, 1024), 0);
		assert_int_equal(buf_new(&l.sig, 64), 0);
		put_list(l.list, pub);
		assert_int_equal(buf_put(l.sig, cases[i].p, cases[i].n), 0);
		assert_int_equal(ask_liar(&l, pub, &opened), cases[i].want);
		assert_true(opened);
		buf_free(l.list);
		buf_free(l.sig);
	}
	pubkey_free(pub);
}

/* A well-made signature: by `signer` over text, named alg. */
static int
answer_with(const char *asked, const char *signer, const char *text,
    const char *alg)
{
	struct lies l = {0};
	struct pubkey *pub = public_of(asked);
	struct key *k = NULL;
	struct buf *sig = NULL, *renamed = NULL;
	struct slice name, raw;
	struct view v;
	bool opened;
	int r;

	assert_int_equal(key_load_file(sshtool_path(signer), NULL, &k, &err),
	    0);
	assert_int_equal(buf_new(&sig, 8192), 0);
	assert_int_equal(buf_new(&renamed, 8192), 0);
	assert_int_equal(buf_new(&l.list, 8192), 0);
	assert_int_equal(buf_new(&l.sig, 8192), 0);
	assert_int_equal(key_sign(k, slice_str(text), sig, &err), 0);
	v = view_slice(buf_slice(sig));
	assert_int_equal(view_get_string(&v, &name), 0);
	assert_int_equal(view_get_string(&v, &raw), 0);
	assert_int_equal(buf_put_cstring(renamed, alg), 0);
	assert_int_equal(buf_put_string(renamed, raw.p, raw.n), 0);
	put_list(l.list, pub);
	put_answer(l.sig, buf_slice(renamed));
	r = ask_liar(&l, pub, &opened);
	assert_true(opened);
	buf_free(l.list);
	buf_free(l.sig);
	buf_free(sig);
	buf_free(renamed);
	key_free(k);
	pubkey_free(pub);
	return r;
}

static void
signatures_of_another_kind_are_refused(void **state)
{
	(void)state;
	assert_int_equal(answer_with("ed25519", "absent", "message",
			     "ssh-ed25519"),
	    ERR_CRYPTO);
	assert_non_null(strstr(err.msg, "ssh-ed25519"));
	assert_int_equal(answer_with("ed25519", "ed25519", "massage",
			     "ssh-ed25519"),
	    ERR_CRYPTO);
	assert_int_equal(answer_with("rsa", "rsa", "message", "ssh-rsa"),
	    ERR_CRYPTO);
	assert_int_equal(answer_with("rsa", "rsa", "message", "rsa-sha2-256"),
	    ERR_CRYPTO);
	assert_non_null(strstr(err.msg, "rsa-sha2-512"));
	assert_int_equal(answer_with("p256", "p256", "message",
			     "ecdsa-sha2-nistp384"),
	    ERR_CRYPTO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_type_signs_and_rsa_by_sha2_512),
	    cmocka_unit_test(an_ed25519_key_signs_notes_and_stays_there),
	    cmocka_unit_test(a_key_the_agent_lacks_is_not_found),
	    cmocka_unit_test(a_key_made_here_goes_in_with_its_certificate),
	    cmocka_unit_test(no_agent_is_said),
	    cmocka_unit_test(
		a_message_that_fits_no_frame_is_refused_before_it_is_sent),
	    cmocka_unit_test(a_refusal_leaves_the_connection_usable),
	    cmocka_unit_test(an_agent_whose_queue_is_full_is_given_up),
	    cmocka_unit_test(hostile_lists_are_refused),
	    cmocka_unit_test(hostile_signatures_are_refused),
	    cmocka_unit_test(signatures_of_another_kind_are_refused),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
