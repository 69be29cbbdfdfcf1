/* SPDX-License-Identifier: ISC */
#include "lib/front/limits.h"

#include <stddef.h>
#include <stdlib.h>

#include "lib/conf/schema.h"
#include "lib/net/dest.h"

void
front_limits_init(struct front_limits *l)
{
	*l = (struct front_limits){.sessions = 10000,
	    .waiting = 2000,
	    .per_source = 100,
	    .login_grace = 120,
	    .idle = 12 * 3600};
}

#define LIMIT(f) .offset = offsetof(struct front_limits, f)
#define NUMBER(f, n)                                                          \
	{                                                                     \
#f, conf_unsigned, LIMIT(f), .min = 1, .max = 100000,         \
					     .expect = "a number such as " #n \
	}
static const struct conf_key keys[] = {
    NUMBER(sessions, 10000),
    NUMBER(waiting, 2000),
    NUMBER(per_source, 100),
    {"login_grace", conf_span, LIMIT(login_grace), .min = 1, .max = 600,
	.expect = "a span such as 20s"},
    {"idle", conf_span, LIMIT(idle), .min = 10, .max = 7 * INT64_C(86400),
	.expect = "a span such as 12h"},
    /* The last: a service without guests does not have it. */
    {"guests", conf_unsigned, LIMIT(guests), .min = 1, .max = 10000,
	.expect = "a number such as 64"},
};
#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

void
front_limits_read(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	conf_map(in, n->pos, k->name, n, keys, N_KEYS - 1, field);
}

void
front_limits_read_guests(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	conf_map(in, n->pos, k->name, n, keys, N_KEYS, field);
}

bool
front_is_address(struct conf_in *in, const struct yaml_node *n)
{
	char *host = NULL;
	uint16_t port;
	int r = dest_listen(n->text, &host, &port);

	free(host);
	if (r == 0)
		return true;
	if (r == ERR_NOMEM)
		conf_nomem(in);
	else
		conf_error(in->diags, n->pos,
		    "no address with a port, expected *:2022, "
		    "192.0.2.1:2022 or [2001:db8::1]:2022");
	return false;
}

bool
front_is_user(struct conf_in *in, const struct yaml_node *n)
{
	if (id_is_valid(n->text))
		return true;
	conf_error(in->diags, n->pos,
	    "no name of a user, expected one such as writ-front");
	return false;
}

void
front_read_log_format(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	static const struct conf_word words[] = {
	    {"json", true}, {"text", false}};
	int v;

	if (CONF_WORD(in, k, n, words, &v))
		*(bool *)field = v != 0;
}
