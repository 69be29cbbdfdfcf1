/* SPDX-License-Identifier: ISC */
/* writ-ca-front: faces the network, see lib/front/front.h. */
#include "ca/common/calls.h"
#include "ca/common/config.h"
#include "lib/front/program.h"

static struct config config;

static int
load(const char *dir, struct front_config *out, struct err *e)
{
	const struct service_config *s = &config.service;
	int r;

	if ((r = config_load(dir, &config, e)) != 0)
		return r;
	*out = (struct front_config){.listen = &s->listen,
	    .metrics = s->metrics,
	    .transport = s->transport,
	    .runtime = s->runtime,
	    .user = s->users.front,
	    .limits = &s->limits,
	    .log_json = s->log_json};
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct front_words words = {.program = "writ-ca",
	    .noun = "CA",
	    .advice = "Ask a security officer to enrol it, or offer another "
		      "one (ssh -i FILE)."};
	const struct front_program p = {.name = "writ-ca-front",
	    .config_name = "writ.yaml",
	    .words = &words,
	    .calls = &ca_calls,
	    .load = load};
	int status;

	config_init(&config);
	status = front_main(&p, argc, argv);
	config_clear(&config);
	return status;
}
