/* SPDX-License-Identifier: ISC */
/* writ-master-front: faces the network, see lib/front/front.h. */
#include "agent/master/calls.h"
#include "agent/master/config.h"
#include "lib/front/program.h"

static struct master_config config;

static int
load(const char *dir, struct front_config *out, struct err *e)
{
	int r;

	if ((r = master_config_load(dir, &config, e)) != 0)
		return r;
	*out = (struct front_config){.listen = &config.listen,
	    .metrics = config.metrics,
	    .transport = config.transport,
	    .runtime = config.runtime,
	    .user = config.users.front,
	    .limits = &config.limits,
	    .log_json = config.log_json};
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct front_words words = {.program = "writ-master",
	    .noun = "master",
	    .advice = "A person's key is one of the signed policy: offer that "
		      "one (ssh -i FILE). A host enrols by writ-agent run."};
	const struct front_program p = {.name = "writ-master-front",
	    .config_name = "master.yaml",
	    .words = &words,
	    .calls = &master_calls,
	    .load = load};
	int status;

	master_config_init(&config);
	status = front_main(&p, argc, argv);
	master_config_clear(&config);
	return status;
}
