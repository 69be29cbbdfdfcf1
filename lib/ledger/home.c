/* SPDX-License-Identifier: ISC */
#include "lib/ledger/home.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"

void
log_home_init(struct log_home *h)
{
	memset(h, 0, sizeof(*h));
	h->retention = LOG_RETENTION;
	h->partial = LOG_PARTIAL;
}

void
log_home_clear(struct log_home *h)
{
	free(h->log);
	strs_clear(&h->copies);
	free(h->endpoint);
	free(h->region);
	free(h->credentials);
	log_home_init(h);
}

bool
log_home_is_place(struct conf_in *in, const struct yaml_node *n)
{
	if (strncmp(n->text, "dir:", 4) == 0 ||
	    strncmp(n->text, "s3://", 5) == 0)
		return true;
	conf_error(in->diags, n->pos,
	    "unknown kind of store, expected dir:PATH or s3://BUCKET/PREFIX");
	return false;
}

static void
read_addressing(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	static const struct conf_word words[] = {
	    {"path", false}, {"host", true}};
	int v;

	if (CONF_WORD(in, k, n, words, &v))
		*(bool *)field = v != 0;
}

#define FIELD(f) .offset = offsetof(struct log_home, f)
static const struct conf_key s3_keys[] = {
    {"endpoint", conf_text, FIELD(endpoint), .min = 1, .max = 255,
	.expect = "an address such as https://s3.example.com"},
    {"region", conf_text, FIELD(region), .min = 1, .max = 64,
	.expect = "a region such as eu-north-1"},
    {"credentials", conf_text, FIELD(credentials), .min = 1, .max = 4096,
	.expect = "env, file:PATH[#PROFILE] or process:PROGRAM ARG ..."},
    {"addressing", read_addressing, FIELD(virtual_host),
	.expect = "path or host"},
};

void
log_home_read_s3(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	conf_map(in, n->pos, k->name, n, s3_keys,
	    sizeof(s3_keys) / sizeof(s3_keys[0]), field);
}

int
log_home_starts_nothing(const struct log_home *h, const char *file,
    struct err *e)
{
	if (h->credentials == NULL ||
	    strncmp(h->credentials, "process:", 8) != 0)
		return 0;
	(void)err_set(e, ERR_DENIED,
	    "%s: 's3: credentials' names a program, and the keeper "
	    "starts none",
	    file);
	err_hint(e,
	    "let a timer run it and write a file, and name that: file:PATH");
	return ERR_DENIED;
}

static int
absolute(const char *dir, const char *path, char **out)
{
	return path[0] == '/' ? path_joinf(out, "%s", path)
			      : path_join(dir, path, out);
}

int
log_home_dir(const struct log_home *h, const char *dir, char **out)
{
	if (strncmp(h->log, "dir:", 4) == 0)
		return absolute(dir, h->log + 4, out);
	return path_join(dir, "log", out);
}

int
log_home_url(const struct log_home *h, const char *dir, char **out)
{
	char *path = NULL;
	int r;

	if (strncmp(h->log, "dir:", 4) != 0)
		return (*out = str_dup(h->log)) != NULL ? 0 : ERR_NOMEM;
	if ((r = absolute(dir, h->log + 4, &path)) == 0)
		r = path_joinf(out, "dir:%s", path);
	free(path);
	return r;
}

void
log_home_blob(const struct log_home *h, struct blob_config *out)
{
	*out = (struct blob_config){.endpoint = h->endpoint,
	    .region = h->region,
	    .credentials = h->credentials,
	    .virtual_host = h->virtual_host,
	    .retention_secs = h->retention,
	    .partial_secs = h->partial};
}
