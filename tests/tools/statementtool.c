/* SPDX-License-Identifier: ISC */
/*
 * lib/statement from the command line, for interop tests.
 *
 *	statementtool request BY KEY.pub	the message of a request, to
 *sign statementtool krl BY			that of a revocation list
 *	statementtool verify FILE		parse and verify; prints the
 *name, the type and the signers' keys
 *	statementtool tell FILE			in words
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/statement/statement.h"

static int
print_message(struct statement *s, struct err *e)
{
	struct str out = STR_INIT;
	int r;

	if ((r = statement_encode(s, &out, e)) == 0)
		(void)fwrite(out.p, 1, out.n, stdout);
	str_clear(&out);
	return r;
}

static int
make_request(const char *by, const char *path, struct err *e)
{
	struct statement s;
	char *line = NULL;
	size_t n = 0;
	int r;

	statement_init(&s, ST_REQUEST);
	s.by = str_dup(by);
	s.at = 1772445600;
	s.u.r.kind = CERT_USER;
	s.u.r.grant = str_dup("deploy");
	s.u.r.reason = str_dup("ship d\xc5\xafvod \"4.2\"");
	s.u.r.length = 3600;
	if ((r = strs_add(&s.u.r.principals, "deploy")) == 0 &&
	    (r = file_read(path, PUBKEY_LINE_MAX, &line, &n, e)) == 0 &&
	    (r = pubkey_parse_line(line, n, &s.u.r.subject, NULL, e)) == 0)
		r = print_message(&s, e);
	free(line);
	statement_clear(&s);
	return r;
}

static int
make_krl(const char *by, struct err *e)
{
	struct statement s;
	int r;

	statement_init(&s, ST_KRL);
	s.by = str_dup(by);
	s.at = 1772445600;
	s.u.krl.version = 7;
	s.u.krl.size = 44;
	s.u.krl.next_update = s.at + 900;
	r = print_message(&s, e);
	statement_clear(&s);
	return r;
}

static void
print_verified(const struct statement *s)
{
	struct str line = STR_INIT;
	char hex[HASH_HEX];

	hash_hex(&s->hash, hex);
	printf("%s %s\n", hex, statement_type_name(s->type));
	for (size_t i = 0; i < s->n_sigs; i++) {
		str_reset(&line);
		pubkey_add_line(&line, s->sigs[i].key, NULL);
		printf("%s\n", line.p);
	}
	str_clear(&line);
}

static int
read_file(const char *path, bool in_words, struct err *e)
{
	struct str words = STR_INIT;
	struct statement s;
	char *text = NULL;
	size_t n = 0;
	int r;

	statement_init(&s, 0);
	if ((r = file_read(path, STATEMENT_MAX + 1, &text, &n, e)) == 0 &&
	    (r = statement_parse(path, slice_of(text, n), &s, e)) == 0 &&
	    (r = statement_verify(&s, e)) == 0) {
		statement_describe(&s, &words);
		if (in_words)
			(void)fputs(words.p, stdout);
		else
			print_verified(&s);
	}
	free(text);
	str_clear(&words);
	statement_clear(&s);
	return r;
}

int
main(int argc, char *argv[])
{
	struct err e = {0};
	int r;

	if (argc == 4 && strcmp(argv[1], "request") == 0)
		r = make_request(argv[2], argv[3], &e);
	else if (argc == 3 && strcmp(argv[1], "krl") == 0)
		r = make_krl(argv[2], &e);
	else if (argc == 3 && strcmp(argv[1], "verify") == 0)
		r = read_file(argv[2], false, &e);
	else if (argc == 3 && strcmp(argv[1], "tell") == 0)
		r = read_file(argv[2], true, &e);
	else
		r = err_set(&e, ERR_USAGE, "see the head of statementtool.c");
	if (r != 0)
		fprintf(stderr, "statementtool: %s\n",
		    e.msg[0] != '\0' ? e.msg : err_text(r));
	return r != 0;
}
