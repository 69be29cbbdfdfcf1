/* SPDX-License-Identifier: ISC */
/*
 * lib/blob from the command line, for tests of buckets and directories.
 *
 *	blobtool [-e ENDPOINT] [-r REGION] [-c CREDENTIALS] [-l RETENTION_SECS]
 *	    [-p PARTIAL_SECS] [-t TIMEOUT_MS] [-T CONNECT_MS] URL COMMAND ...
 *
 *	make-bucket [lock]	probe
 *	put KEY FILE [flag...]	flags: mutable partial nosync
 *	put-many PREFIX COUNT SIZE	objects PREFIX/0 ... of made up bytes
 *	get KEY [VERSION]	exists KEY
 *	list [PREFIX]		KEY VERSION SIZE latest|old [deleted] [other]
 *
 * Exit status 0; 3 for "other bytes were there first"; 4 for "not there";
 * 1 for a failure, whose code and sentence are on standard error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/blob/blob.h"
#include "lib/blob/s3.h"

#define EXIT_FOREIGN 3
#define EXIT_ABSENT  4

static int
cmd_make_bucket(struct blob_store *s, int argc, char **argv, struct err *e)
{
	return s3_make_bucket(s, argc > 0 && strcmp(argv[0], "lock") == 0, e);
}

static int
cmd_probe(struct blob_store *s, int argc, char **argv, struct err *e)
{
	(void)argc;
	(void)argv;
	return blob_probe(s, e);
}

static int
cmd_put(struct blob_store *s, int argc, char **argv, struct err *e)
{
	unsigned flags = 0;
	char *text = NULL;
	size_t n = 0;
	int r;

	if (argc < 2)
		return err_set(e, ERR_USAGE, "put KEY FILE [flag...]");
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "mutable") == 0)
			flags |= BLOB_MUTABLE;
		else if (strcmp(argv[i], "partial") == 0)
			flags |= BLOB_PARTIAL;
		else if (strcmp(argv[i], "nosync") == 0)
			flags |= BLOB_NOSYNC;
		else
			return err_set(e, ERR_USAGE, "unknown flag");
	}
	if ((r = file_read(argv[1], BLOB_OBJECT_MAX, &text, &n, e)) == 0)
		r = blob_put(s, argv[0], slice_of(text, n), flags, e);
	free(text);
	return r;
}

static int
cmd_put_many(struct blob_store *s, int argc, char **argv, struct err *e)
{
	uint64_t count, size;
	struct blob_item *items;
	struct str text = STR_INIT;
	int r = 0;

	if (argc != 3 || parse_u64(argv[1], 1, 100000, &count) != 0 ||
	    parse_u64(argv[2], 8, 1000000, &size) != 0)
		return err_set(e, ERR_USAGE, "put-many PREFIX COUNT SIZE");
	if ((items = calloc(count, sizeof(*items))) == NULL)
		return err_nomem(e);
	for (uint64_t i = 0; i < size; i++)
		str_addc(&text, (char)('a' + i % 26));
	for (uint64_t i = 0; i < count && r == 0; i++) {
		char *key = NULL;

		r = path_joinf(&key, "%s/%llu", argv[0], (unsigned long long)i);
		items[i] = (struct blob_item){
		    .key = key, .data = slice_of(text.p, text.n - i % 7)};
	}
	if (r == 0)
		r = blob_put_many(s, items, count, e);
	for (uint64_t i = 0; i < count; i++) {
		if (r == 0 && items[i].result != 0)
			r = items[i].result;
		free((void *)(uintptr_t)items[i].key);
	}
	free(items);
	str_clear(&text);
	return r;
}

static int
cmd_get(struct blob_store *s, int argc, char **argv, struct err *e)
{
	uint8_t *p = NULL;
	size_t n = 0;
	int r;

	if (argc < 1)
		return err_set(e, ERR_USAGE, "get KEY [VERSION]");
	r = argc > 1
	    ? blob_get_version(s, argv[0], argv[1], BLOB_OBJECT_MAX, &p, &n, e)
	    : blob_get(s, argv[0], BLOB_OBJECT_MAX, &p, &n, e);
	if (r == 0 && fwrite(p, 1, n, stdout) != n)
		r = err_sys(e, "write");
	free(p);
	return r;
}

static int
cmd_exists(struct blob_store *s, int argc, char **argv, struct err *e)
{
	int r;

	if (argc != 1)
		return err_set(e, ERR_USAGE, "exists KEY");
	r = blob_exists(s, argv[0], e);
	return r == 1 ? EXIT_ABSENT : r;
}

static int
print_one(void *ctx, const struct blob_info *i)
{
	(void)ctx;
	printf("%s %s %llu %s%s%s\n", i->key, i->version[0] ? i->version : "-",
	    (unsigned long long)i->size, i->latest ? "latest" : "old",
	    i->deleted ? " deleted" : "", i->other ? " other" : "");
	return 0;
}

static int
cmd_list(struct blob_store *s, int argc, char **argv, struct err *e)
{
	return blob_list(s, argc > 0 ? argv[0] : "", print_one, NULL, e);
}

static const struct {
	const char *name;
	int (*run)(struct blob_store *s, int argc, char **argv, struct err *e);
} commands[] = {
    {"make-bucket", cmd_make_bucket},
    {"probe", cmd_probe},
    {"put", cmd_put},
    {"put-many", cmd_put_many},
    {"get", cmd_get},
    {"exists", cmd_exists},
    {"list", cmd_list},
};

static int
run(const struct blob_config *c, int argc, char **argv, struct err *e)
{
	struct blob_store *s = NULL;
	int r;

	if (argc < 2)
		return err_set(e, ERR_USAGE, "blobtool [options] URL COMMAND");
	if ((r = blob_open(argv[0], c, &s, e)) != 0)
		return r;
	r = ERR_USAGE;
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			r = commands[i].run(s, argc - 2, argv + 2, e);
	blob_close(s);
	return r;
}

static int
number(const char *text)
{
	uint64_t v;

	if (parse_u64(text, 0, INT32_MAX, &v) != 0) {
		fprintf(stderr, "blobtool: %s is not a number\n", text);
		exit(2);
	}
	return (int)v;
}

int
main(int argc, char **argv)
{
	struct blob_config c = {0};
	struct err e = {0};
	int opt, r;

	while ((opt = getopt(argc, argv, "+e:r:c:l:p:t:T:")) != -1) {
		switch (opt) {
		case 'e':
			c.endpoint = optarg;
			break;
		case 'r':
			c.region = optarg;
			break;
		case 'c':
			c.credentials = optarg;
			break;
		case 'l':
			c.retention_secs = number(optarg);
			break;
		case 'p':
			c.partial_secs = number(optarg);
			break;
		case 't':
			c.timeout_ms = number(optarg);
			break;
		case 'T':
			c.connect_ms = number(optarg);
			break;
		default:
			return 2;
		}
	}
	r = run(&c, argc - optind, argv + optind, &e);
	if (fflush(stdout) != 0)
		r = ERR_SYS;
	if (r < 0) {
		fprintf(stderr, "blobtool: %s: %s\n", err_text(r), e.msg);
		if (e.hint[0] != '\0')
			fprintf(stderr, "blobtool: hint: %s\n", e.hint);
		return 1;
	}
	return r == BLOB_FOREIGN ? EXIT_FOREIGN : r;
}
