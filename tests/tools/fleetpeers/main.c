/* SPDX-License-Identifier: ISC */
/*
 * Many agents of a master, in one process, that speak what agents speak: they ask
 * in, are accepted, attend, fetch their order and report.
 *
 *	fleetpeers HOST:PORT HOSTKEY.pub ROOT.yaml FIRST N OPERATOR ID
 *
 * Hosts are h<FIRST>.example.com and on; OPERATOR is the key file of the person
 * ID.  A line of standard input at a time, each answered by one line, the seconds
 * it took first:
 *
 *	enrol		all ask in and are accepted
 *	attend		all connect, and know what they are to have
 *	drop		all go
 *	order FLEET M	an order, signed, to hosts h0 to h<M-1>, all in one
 *			batch, to have the fleet whose statement is in that file
 *	results		until each of ours has its order and its report of it is
 *			in the log
 *	logins N	each of ours that attends reports N times who logged in, of
 *			LOGINS each, over the last 90 days
 *	ask CALL	a call of the operator's, JSON
 *	push FLEET HOST	an order to a real agent, until its result is there; the
 *			operator is connected before
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/file.h"
#include "tests/tools/fleetpeers/peers.h"

_Noreturn void
fp_die(const char *what, const struct err *e)
{
	fprintf(stderr, "fleetpeers: %s: %s\n", what, e != NULL ? e->msg : "");
	exit(1);
}

void
fp_need(int r, const char *what, const struct err *e)
{
	if (r != 0)
		fp_die(what, e);
}

double
fp_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

char *
fp_read_all(const char *path, size_t *n)
{
	struct err e = {0};
	char *text = NULL;

	fp_need(file_read(path, 1024 * 1024, &text, n, &e), path, &e);
	return text;
}

static const struct {
	const char *word;
	double (*run)(struct fleet *f, char *words);
} commands[] = {{"enrol", fp_enrol}, {"attend", fp_attend}, {"drop", fp_drop},
    {"order", fp_order}, {"results", fp_results}, {"push", fp_push},
    {"logins", fp_logins}, {"ask", fp_ask}};

static void
obey(struct fleet *f, char *line)
{
	char *rest = strchr(line, ' ');
	double took;

	if (rest != NULL)
		*rest++ = '\0';
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(line, commands[i].word) == 0) {
			took = commands[i].run(f, rest != NULL ? rest : line);
			printf("%.4f %s\n", took, line);
			(void)fflush(stdout);
			return;
		}
	fp_die(line, NULL);
}

static void
make_peers(struct fleet *f)
{
	struct err e = {0};

	if ((f->v = calloc(f->n, sizeof(*f->v))) == NULL)
		abort();
	for (size_t i = 0; i < f->n; i++) {
		struct peer *p = &f->v[i];

		p->f = f;
		p->number = f->first + i;
		(void)snprintf(p->id, sizeof(p->id), "h%zu.example.com",
		    p->number);
		fp_need(key_generate(PUBKEY_ED25519, &p->host, &e), "key", &e);
		fp_need(key_generate(PUBKEY_ED25519, &p->link, &e), "key", &e);
	}
}

int
main(int argc, char **argv)
{
	struct fleet f = {0};
	struct err e = {0};
	char line[1024], *text, *port;
	size_t n;

	if (argc != 8) {
		fprintf(stderr,
		    "usage: fleetpeers HOST:PORT HOSTKEY.pub ROOT.yaml FIRST N "
		    "OPERATOR ID\n");
		return 2;
	}
	f.host = argv[1];
	if ((port = strrchr(argv[1], ':')) == NULL)
		fp_die("HOST:PORT", NULL);
	*port++ = '\0';
	f.port = (uint16_t)strtoul(port, NULL, 10);
	f.host_key = fp_read_all(argv[2], &n);
	text = fp_read_all(argv[3], &n);
	hash_sha256(text, n, &f.realm);
	free(text);
	f.first = strtoul(argv[4], NULL, 10);
	f.n = strtoul(argv[5], NULL, 10);
	f.operator_text = fp_read_all(argv[6], &n);
	fp_need(key_parse(argv[6], slice_of(f.operator_text, n), NULL,
		    &f.operator, & e),
	    argv[6], &e);
	f.operator_id = argv[7];
	/* Pages that come and go with each answer would be what is measured. */
	(void)mallopt(M_MMAP_THRESHOLD, 64 * 1024 * 1024);
	(void)mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
	TAILQ_INIT(&f.due);
	fp_need(loop_new(&f.loop, &e), "loop", &e);
	make_peers(&f);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		obey(&f, line);
	}
	return 0;
}
