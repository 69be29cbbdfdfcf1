/* SPDX-License-Identifier: ISC */
/*
 * What nobody can go below who signs N approved requests in one call and
 * records them: only what `writ sign` cannot leave out, with nothing parsed,
 * decided, hashed or encoded in between, on all cores.
 *
 *	bench_floor DIR OUT
 *
 * Reads the requests rNNNNN.req of DIR, as tests/tools/mkrequests makes them,
 * and the decision beside each; verifies a signature of each request and of one
 * decision in 200, and signs as many certificates as there are requests; writes
 * two journals in OUT, each two times and each time waiting for the disk; makes
 * three files for each certificate, one in one directory and two in another, by
 * a thread each.  Signatures are of messages about as long as those of
 * `writ sign`, and bytes about as many, but not the same.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/parallel.h"
#include "lib/statement/statement.h"
#include "tests/bench/bench.h"

#define PER_DECISION 200
#define MESSAGE      500  /* of a statement, and of a certificate */
#define CERTIFICATE  800  /* a line, as a file has it */
#define RECORD       2300 /* its record */
/* What a certificate takes in the journals: its request and the leaf that is to
 * be signed in the log's, that leaf in the signer's, then the signed one. */
#define IN_LOG    2300
#define IN_SIGNER 1300
#define SIGNED    1400

struct floor {
	const char *dir, *out;
	size_t n;
	uint8_t pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES];
	uint8_t message[MESSAGE], sig[crypto_sign_BYTES];
	uint8_t (*sigs)[crypto_sign_BYTES];
	uint8_t bytes[RECORD];
};

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "bench_floor: %s\n", what);
	exit(1);
}

/* --- what goes in -------------------------------------------------------- */

static bool
read_one(const struct floor *f, size_t i, const char *suffix)
{
	struct err e = {0};
	char *path = NULL, *text = NULL;
	size_t n;
	bool there;

	if (path_joinf(&path, "%s/r%05zu.req%s", f->dir, i, suffix) != 0)
		die("out of memory");
	there = file_read(path, STATEMENT_MAX, &text, &n, &e) == 0;
	free(text);
	free(path);
	return there;
}

static void
read_requests(struct floor *f)
{
	while (read_one(f, f->n, ""))
		if (!read_one(f, f->n++, ".olga@example.com"))
			die("a request without its decision");
	if (f->n == 0)
		die("no requests");
}

/* --- signatures ---------------------------------------------------------- */

static void
verify_nth(void *ctx, size_t i)
{
	const struct floor *f = ctx;

	(void)i;
	if (crypto_sign_verify_detached(f->sig, f->message, MESSAGE, f->pk) !=
	    0)
		die("a bad signature");
}

static void
sign_nth(void *ctx, size_t i)
{
	const struct floor *f = ctx;

	(void)crypto_sign_detached(f->sigs[i], NULL, f->message, MESSAGE,
	    f->sk);
}

/* --- journals ------------------------------------------------------------ */

struct journal {
	int fd;
	uint8_t *p;
};

static void
journal_open(const struct floor *f, const char *name, size_t size,
    struct journal *j)
{
	char *path = NULL;

	if (path_join(f->out, name, &path) != 0 ||
	    (j->p = calloc(1, size)) == NULL)
		die("out of memory");
	j->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (j->fd == -1)
		die("no journal");
	free(path);
}

/* n records of that many bytes, copied together, written, and waited for. */
static void
journal_append(const struct floor *f, struct journal *j, size_t n, size_t bytes,
    off_t at)
{
	for (size_t i = 0; i < n; i++)
		for (size_t done = 0; done < bytes; done += RECORD) {
			size_t some = bytes - done;

			memcpy(j->p + i * bytes + done, f->bytes,
			    some < RECORD ? some : RECORD);
		}
	if (pwrite(j->fd, j->p, n * bytes, at) != (ssize_t)(n * bytes) ||
	    fdatasync(j->fd) != 0)
		die("cannot write a journal");
}

static void
journal_close(struct journal *j)
{
	(void)close(j->fd);
	free(j->p);
}

/* --- files --------------------------------------------------------------- */

struct files {
	const struct floor *f;
	const char *name, *suffixes[2];
	size_t sizes[2], n_suffixes;
};

static void *
make_files(void *arg)
{
	const struct files *v = arg;
	const struct floor *f = v->f;
	char name[64], *path = NULL;
	int dir, fd;

	if (path_join(f->out, v->name, &path) != 0)
		die("out of memory");
	if (mkdir(path, 0755) != 0 ||
	    (dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		die("no directory");
	for (size_t i = 0; i < f->n * v->n_suffixes; i++) {
		size_t which = i % v->n_suffixes, size = v->sizes[which];

		(void)snprintf(name, sizeof(name), "%019zu%s",
		    i / v->n_suffixes, v->suffixes[which]);
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0644);
		if (fd == -1 || write(fd, f->bytes, size) != (ssize_t)size)
			die("cannot make a file");
		(void)close(fd);
	}
	(void)close(dir);
	free(path);
	return NULL;
}

static void
make_all_files(const struct floor *f)
{
	struct files certificates = {
	    f, "certificates", {"-cert.pub", NULL}, {CERTIFICATE, 0}, 1};
	struct files records = {
	    f, "records", {".json", "-cert.pub"}, {RECORD, CERTIFICATE}, 2};
	pthread_t other;

	if (pthread_create(&other, NULL, make_files, &certificates) != 0)
		die("no thread");
	(void)make_files(&records);
	(void)pthread_join(other, NULL);
}

int
main(int argc, char **argv)
{
	struct floor f = {0};
	struct journal log, signer;

	if (argc != 3) {
		fprintf(stderr, "usage: bench_floor DIR OUT\n");
		return 2;
	}
	f.dir = argv[1];
	f.out = argv[2];
	if (sodium_init() < 0 || mkdir(f.out, 0755) != 0)
		die("cannot begin");
	(void)crypto_sign_keypair(f.pk, f.sk);
	memset(f.bytes, 'x', sizeof(f.bytes));
	(void)crypto_sign_detached(f.sig, NULL, f.message, MESSAGE, f.sk);
	read_requests(&f);
	if ((f.sigs = calloc(f.n, sizeof(*f.sigs))) == NULL)
		die("out of memory");
	journal_open(&f, "journal", f.n * IN_LOG, &log);
	journal_open(&f, "signer", f.n * IN_SIGNER, &signer);
	parallel_for(f.n + f.n / PER_DECISION, verify_nth, &f);
	journal_append(&f, &log, f.n, IN_LOG, 0);
	journal_append(&f, &signer, f.n, IN_SIGNER, 0);
	parallel_for(f.n, sign_nth, &f);
	journal_append(&f, &log, f.n, SIGNED, (off_t)(f.n * IN_LOG));
	journal_append(&f, &signer, 1, 128, (off_t)(f.n * IN_SIGNER));
	make_all_files(&f);
	journal_close(&log);
	journal_close(&signer);
	free(f.sigs);
	return 0;
}
