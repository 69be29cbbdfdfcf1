/* SPDX-License-Identifier: ISC */
#include "ca/common/config_service.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/conf/schema.h"
#include "lib/conf/yaml.h"

void
service_config_init(struct service_config *s)
{
	static const int64_t reminders[] = {5 * 60, 15 * 60, 60 * 60};

	memset(s, 0, sizeof(*s));
	s->tick = 5 * 60;
	memcpy(s->reminders, reminders, sizeof(reminders));
	s->n_reminders = sizeof(reminders) / sizeof(reminders[0]);
	front_limits_init(&s->limits);
}

void
service_config_clear(struct service_config *s)
{
	strs_clear(&s->listen);
	free(s->transport);
	free(s->runtime);
	free(s->store);
	free(s->metrics);
	free(s->users.front);
	free(s->users.keeper);
	free(s->users.signer);
	free(s->users.notify);
	service_config_init(s);
}

/* --- readers -------------------------------------------------------------- */

/* reminders: [5m, 15m], ascending */
static void
read_reminders(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	const struct conf_key one = {.name = k->name,
	    .expect = "spans such as 5m, ascending",
	    .min = 1,
	    .max = 7 * INT64_C(86400)};
	struct service_config *s = field;
	int64_t v[SERVICE_REMINDERS_MAX];

	if (!conf_is_list(in, k, n))
		return;
	for (size_t i = 0; i < n->n; i++) {
		v[i] = 0;
		conf_span(in, &one, n->items[i], &v[i]);
		if (v[i] == 0)
			return; /* said already */
		if (i > 0 && v[i] <= v[i - 1]) {
			conf_bad(in, &one, n->items[i]);
			return;
		}
	}
	memcpy(s->reminders, v, n->n * sizeof(v[0]));
	s->n_reminders = n->n;
}

#define USER(f)                                                      \
	{                                                            \
#f, conf_text, offsetof(struct service_users, f),    \
		    .min = 1, .max = ID_MAX, .check = front_is_user, \
		    .expect = "a user such as writ-" #f              \
	}
static const struct conf_key user_keys[] = {
    USER(front),
    USER(keeper),
    USER(signer),
    USER(notify),
};

static void
read_users(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	conf_map(in, n->pos, k->name, n, user_keys,
	    sizeof(user_keys) / sizeof(user_keys[0]), field);
}

#define FIELD(f) .offset = offsetof(struct service_config, f)
static const struct conf_key service_keys[] = {
    {"listen", conf_texts, FIELD(listen), .min = 1, .max = FRONT_LISTEN_MAX,
	.check = front_is_address, .expect = "a list such as [\"*:2022\"]"},
    {"transport", conf_text, FIELD(transport), .min = 1, .max = 4096,
	.expect = "a file such as keys/transport"},
    {"runtime", conf_text, FIELD(runtime), .min = 1, .max = 4096,
	.expect = "a directory such as run"},
    {"store", conf_text, FIELD(store), .min = 1, .max = 4096,
	.expect = "a file such as store/writ.db"},
    {"tick", conf_span, FIELD(tick), .min = 1, .max = 86400,
	.expect = "a span such as 5m"},
    {"reminders", read_reminders, .min = 0, .max = SERVICE_REMINDERS_MAX,
	.expect = "a list of spans such as [5m, 15m, 60m]"},
    {"metrics", conf_text, FIELD(metrics), .min = 3, .max = 255,
	.check = front_is_address,
	.expect = "an address such as 127.0.0.1:9464"},
    {"log_format", front_read_log_format, FIELD(log_json),
	.expect = "text or json"},
    {"users", read_users, FIELD(users),
	.expect = "front, keeper, signer, notify"},
    {"limits", front_limits_read, FIELD(limits), .expect = FRONT_LIMITS_EXPECT},
};

void
service_config_read(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	conf_map(in, n->pos, k->name, n, service_keys,
	    sizeof(service_keys) / sizeof(service_keys[0]), field);
}

/* --- defaults ------------------------------------------------------------- */

int
service_config_finish(struct service_config *s, const char *dir)
{
	if (s->listen.n == 0 && strs_add(&s->listen, "*:2022") != 0)
		return ERR_NOMEM;
	if (path_default(&s->transport, dir, "keys/transport") != 0 ||
	    path_default(&s->runtime, dir, "run") != 0 ||
	    path_default(&s->store, dir, "store/writ.db") != 0)
		return ERR_NOMEM;
	return 0;
}
