/* SPDX-License-Identifier: ISC */
#include "lib/notify/channels.h"

#include <stdlib.h>
#include <string.h>

#include "lib/conf/schema.h"
#include "lib/conf/yaml.h"
#include "lib/notify/channels_impl.h"

static void
wipe(char **text)
{
	if (*text != NULL)
		mem_wipe(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

static void
channel_clear(struct channel *c)
{
	free(c->name);
	/* A webhook's address is a credential too. */
	wipe(&c->url);
	wipe(&c->secret);
	free(c->from);
	free(c->user);
	wipe(&c->password);
	free(c->to);
	for (size_t i = 0; i < c->n_addresses; i++) {
		free(c->addresses[i].person);
		free(c->addresses[i].address);
	}
	free(c->addresses);
	strs_clear(&c->argv);
	strs_clear(&c->groups);
	strs_clear(&c->persons);
	strs_clear(&c->kinds);
	memset(c, 0, sizeof(*c));
}

void
channels_clear(struct channels *c)
{
	for (size_t i = 0; i < c->n; i++)
		channel_clear(&c->v[i]);
	c->n = 0;
}

/* --- what a value may be -------------------------------------------------- */

bool
address_is_valid(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	const char *at = strchr(s, '@');
	char set[sizeof(letters) + 32];
	size_t n;

	if (at == NULL || at == s || strlen(s) > 254)
		return false;
	n = sizeof(letters) - 1;
	memcpy(set, letters, n);
	memcpy(set + n, ".!#$%&'*+/=?^_`{|}~-", 21);
	if (s + strspn(s, set) != at)
		return false;
	memcpy(set + n, ".-", 3);
	return at[1] != '\0' && at[1] != '.' && at[1] != '-' &&
	    at[1 + strspn(at + 1, set)] == '\0';
}

static bool
is_address(struct conf_in *in, const struct yaml_node *n)
{
	char quoted[QUOTE_MAX];

	if (address_is_valid(n->text))
		return true;
	conf_error(in->diags, n->pos,
	    "%s is no mail address, expected one such as writ@example.com",
	    str_quoten(quoted, n->text, n->n));
	return false;
}

static bool
is_id(struct conf_in *in, const struct yaml_node *n)
{
	char quoted[QUOTE_MAX];

	if (id_is_valid(n->text))
		return true;
	conf_error(in->diags, n->pos, "%s is no name, expected [a-z0-9._@+-]",
	    str_quoten(quoted, n->text, n->n));
	return false;
}

static bool
is_kind(struct conf_in *in, const struct yaml_node *n)
{
	char quoted[QUOTE_MAX];

	if (notice_kind_is_valid(n->text))
		return true;
	conf_error(in->diags, n->pos,
	    "%s is no kind of notice, expected a word such as waiting",
	    str_quoten(quoted, n->text, n->n));
	return false;
}

/* The host of SCHEME://[USER@]HOST[:PORT][/...]; 0 when there is none. */
static size_t
host_of(const char *url, const char **host)
{
	const char *p = strstr(url, "://"), *end;

	if (p == NULL)
		return 0;
	p += 3;
	end = p + strcspn(p, "/?#");
	/* A name and a password there would go to logs; login: is their place. */
	if (memchr(p, '@', (size_t)(end - p)) != NULL)
		return 0;
	*host = p;
	if (*p == '[')
		return strcspn(p, "]") + 1 <= (size_t)(end - p)
		    ? strcspn(p, "]") + 1
		    : 0;
	return strcspn(p, ":/?#");
}

bool
url_is_loopback(const char *url)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
	const char *host;
	size_t n = host_of(url, &host);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (n == strlen(names[i]) && memcmp(host, names[i], n) == 0)
			return true;
	return false;
}

/* Graphic ASCII alone, one of two schemes, a host. */
static bool
is_url(struct conf_in *in, const struct yaml_node *n, const char *secure,
    const char *plain, const char *expect)
{
	const char *host;
	bool ok = strncmp(n->text, secure, strlen(secure)) == 0 ||
	    strncmp(n->text, plain, strlen(plain)) == 0;

	for (size_t i = 0; i < n->n && ok; i++)
		ok = n->text[i] > ' ' && n->text[i] < 0x7f;
	if (ok && host_of(n->text, &host) > 0)
		return true;
	/* Not quoted: a webhook's address is a secret. */
	conf_error(in->diags, n->pos, "not an address as expected: %s", expect);
	return false;
}

static bool
is_webhook(struct conf_in *in, const struct yaml_node *n)
{
	if (!is_url(in, n, "https://", "http://",
		"https://HOST/PATH, without a user name"))
		return false;
	if (strncmp(n->text, "https://", 8) == 0 || url_is_loopback(n->text))
		return true;
	conf_error(in->diags, n->pos,
	    "what is sent over http:// can be read on its way, expected "
	    "https:// (http:// to this machine alone)");
	return false;
}

static bool
is_server(struct conf_in *in, const struct yaml_node *n)
{
	return is_url(in, n, "smtps://", "smtp://",
	    "smtps://HOST or smtp://HOST:PORT, without a user name");
}

/* --- one channel ---------------------------------------------------------- */

static void
read_argv(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct strs *argv = field;

	if (!conf_is_list(in, k, n))
		return;
	for (size_t i = 0; i < n->n; i++)
		if (!conf_is(in, k, n->items[i], YAML_TEXT))
			return;
	if (n->items[0]->text[0] != '/') {
		conf_error(in->diags, n->items[0]->pos,
		    "'exec' wants the absolute path of a program first, such "
		    "as /usr/local/bin/page");
		return;
	}
	strs_clear(argv);
	for (size_t i = 0; i < n->n; i++)
		if (strs_add(argv, n->items[i]->text) != 0)
			conf_nomem(in);
}

static void
read_template(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, struct channel *c)
{
	const char *at = strstr(n->text, "{person}");

	if (at == NULL || strstr(at + 1, "{person}") != NULL ||
	    !text_is_clean(n->text, n->n, NULL)) {
		conf_bad(in, k, n);
		return;
	}
	free(c->to);
	if ((c->to = str_dup(n->text)) == NULL)
		conf_nomem(in);
}

static int
by_person(const void *a, const void *b)
{
	const struct channel_address *x = a, *y = b;

	return strcmp(x->person, y->person);
}

static void
read_addresses(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, struct channel *c)
{
	if (n->n == 0 || n->n > CHANNEL_PEOPLE_MAX) {
		conf_error(in->diags, n->pos,
		    "'to' has %zu entries, expected 1 to %d", n->n,
		    CHANNEL_PEOPLE_MAX);
		return;
	}
	for (size_t i = 0; i < n->n; i++) {
		const struct yaml_pair *p = &n->pairs[i];
		struct channel_address *a;

		if (!conf_is(in, k, p->value, YAML_TEXT) ||
		    !is_address(in, p->value))
			continue;
		if (!id_is_valid(p->key)) {
			conf_error(in->diags, p->pos,
			    "not the id of a person, expected [a-z0-9._@+-]");
			continue;
		}
		if (vec_grow(&c->addresses, c->n_addresses, &c->cap_addresses,
			CHANNEL_PEOPLE_MAX) != 0) {
			conf_nomem(in);
			return;
		}
		a = &c->addresses[c->n_addresses++];
		a->person = str_dup(p->key);
		a->address = str_dup(p->value->text);
		if (a->person == NULL || a->address == NULL) {
			free(a->person);
			free(a->address);
			c->n_addresses--;
			conf_nomem(in);
			return;
		}
	}
	if (c->n_addresses > 1)
		qsort(c->addresses, c->n_addresses, sizeof(*c->addresses),
		    by_person);
}

static void
read_to(struct conf_in *in, const struct conf_key *k, const struct yaml_node *n,
    void *field)
{
	if (n->kind == YAML_MAP)
		read_addresses(in, k, n, field);
	else if (conf_is(in, k, n, YAML_TEXT))
		read_template(in, k, n, field);
}

#define FIELD(f) .offset = offsetof(struct channel, f)
static const struct conf_key login_keys[] = {
    {"user", conf_text, FIELD(user), .required = true, .min = 1, .max = 255,
	.expect = "a user name"},
    {"password", conf_text, FIELD(password), .required = true, .min = 1,
	.max = 1024, .expect = "a password"},
};

static const struct conf_key for_keys[] = {
    {"groups", conf_texts, FIELD(groups), .min = 1, .max = 100, .check = is_id,
	.expect = "a list of groups of the policy"},
    {"persons", conf_texts, FIELD(persons), .min = 1, .max = 1000,
	.check = is_id, .expect = "a list of persons"},
    {"kinds", conf_texts, FIELD(kinds), .min = 1, .max = 32, .check = is_kind,
	.expect = "a list of kinds such as waiting"},
};

static void
read_login(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	conf_map(in, n->pos, k->name, n, login_keys,
	    sizeof(login_keys) / sizeof(login_keys[0]), field);
}

static void
read_for(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	conf_map(in, n->pos, k->name, n, for_keys,
	    sizeof(for_keys) / sizeof(for_keys[0]), field);
}

static const struct conf_key channel_keys[] = {
    {"name", conf_text, FIELD(name), .min = 1, .max = ID_MAX, .check = is_id,
	.expect = "a name for the channel"},
    {"webhook", conf_text, FIELD(url), .min = 1, .max = 4096,
	.check = is_webhook, .expect = "an address such as https://HOST/PATH"},
    {"secret", conf_text, FIELD(secret), .min = 16, .max = 1024,
	.expect = "a secret that the receiver has too"},
    {"chat", conf_bool, FIELD(chat), .expect = "yes or no"},
    {"mail", conf_text, FIELD(url), .min = 1, .max = 4096, .check = is_server,
	.expect = "a server such as smtps://mail.example.com"},
    {"from", conf_text, FIELD(from), .min = 3, .max = 254, .check = is_address,
	.expect = "the address that mail comes from"},
    {"login", read_login, .expect = "user and password"},
    {"to", read_to,
	.expect = "\"{person}\" or a mapping of persons to addresses"},
    {"exec", read_argv, FIELD(argv), .min = 1, .max = CHANNEL_ARGS_MAX,
	.expect = "a list: a program's absolute path and its arguments"},
    {"for", read_for, .expect = "groups, persons, kinds"},
};

/* Which kind a key belongs to; those of all are not here. */
static const struct {
	const char *key;
	enum channel_kind kind;
	bool makes; /* says that the channel is of that kind */
	bool required;
} places[] = {
    {"webhook", CHANNEL_WEBHOOK, true, true},
    {"mail", CHANNEL_MAIL, true, true},
    {"exec", CHANNEL_EXEC, true, true},
    {"secret", CHANNEL_WEBHOOK, false, false},
    {"chat", CHANNEL_WEBHOOK, false, false},
    {"from", CHANNEL_MAIL, false, true},
    {"login", CHANNEL_MAIL, false, false},
    {"to", CHANNEL_MAIL, false, true},
};
#define N_PLACES (sizeof(places) / sizeof(places[0]))

static const char *const kind_names[] = {"", "webhook", "mail", "exec"};

static bool
set_kind(struct conf_in *in, const struct yaml_node *n, struct channel *c)
{
	for (size_t i = 0; i < N_PLACES; i++) {
		if (!places[i].makes || yaml_get(n, places[i].key) == NULL)
			continue;
		if (c->kind != 0) {
			conf_error(in->diags, n->pos,
			    "one channel is %s and %s, expected one of them",
			    kind_names[c->kind], places[i].key);
			return false;
		}
		c->kind = places[i].kind;
	}
	if (c->kind == 0)
		conf_error(in->diags, n->pos,
		    "a channel of no kind, expected one of webhook, mail, "
		    "exec");
	return c->kind != 0;
}

/* Keys of one kind with another say that somebody means something else. */
static void
check_places(struct conf_in *in, const struct yaml_node *n, struct channel *c)
{
	for (size_t i = 0; i < N_PLACES; i++) {
		const struct yaml_node *v = yaml_get(n, places[i].key);

		if (v != NULL && places[i].kind != c->kind)
			conf_error(in->diags, v->pos,
			    "'%s' belongs to %s, and this channel is %s",
			    places[i].key, kind_names[places[i].kind],
			    kind_names[c->kind]);
		if (v == NULL && places[i].kind == c->kind &&
		    places[i].required)
			conf_error(in->diags, n->pos,
			    "a channel of %s has no '%s'", kind_names[c->kind],
			    places[i].key);
	}
}

static void
read_channel(struct conf_in *in, const struct yaml_node *n, struct channel *c)
{
	conf_map(in, n->pos, "a channel", n, channel_keys,
	    sizeof(channel_keys) / sizeof(channel_keys[0]), c);
	if (n->kind != YAML_MAP || !set_kind(in, n, c))
		return;
	check_places(in, n, c);
	if (c->name == NULL && (c->name = str_dup(kind_names[c->kind])) == NULL)
		conf_nomem(in);
}

/* --- the file --------------------------------------------------------------
 */

static void
read_channels(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct channels *c = field;

	if (!conf_is_list(in, k, n))
		return;
	for (size_t i = 0; i < n->n; i++) {
		struct channel *ch = &c->v[c->n++];

		read_channel(in, n->items[i], ch);
		for (size_t j = 0; j + 1 < c->n && ch->name != NULL; j++)
			if (c->v[j].name != NULL &&
			    strcmp(c->v[j].name, ch->name) == 0) {
				conf_error(in->diags, n->items[i]->pos,
				    "a second channel named '%s', expected "
				    "another 'name'",
				    ch->name);
				break;
			}
	}
}

static const struct conf_key file_keys[] = {
    {"channels", read_channels, 0, .required = true, .min = 0,
	.max = CHANNELS_MAX, .expect = "a list of channels"},
};

int
channels_parse(const char *file, struct slice text, struct channels *out,
    struct conf_diags *diags)
{
	struct conf_in in = {.diags = diags};
	struct yaml_doc doc = {0};
	struct channels c = {0};
	int r;

	r = yaml_parse(file, text, &doc, diags);
	if (r == 0 && doc.root == NULL)
		conf_error(diags, (struct conf_pos){file, 1, 1},
		    "empty, expected channels:");
	else if (r == 0)
		conf_map(&in, doc.root->pos, "notify.yaml", doc.root, file_keys,
		    sizeof(file_keys) / sizeof(file_keys[0]), &c);
	if (diags->failed)
		r = ERR_NOMEM;
	else if (r == 0 && diags->n_errors > 0)
		r = ERR_PARSE;
	if (r == 0) {
		channels_clear(out);
		*out = c;
		c.n = 0;
	}
	yaml_doc_clear(&doc);
	channels_clear(&c);
	return r;
}
