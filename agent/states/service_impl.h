/* SPDX-License-Identifier: ISC */
/*
 * Parameters of the state service.
 */
#ifndef AGENT_STATES_SERVICE_IMPL_H
#define AGENT_STATES_SERVICE_IMPL_H

#include "lib/conf/schema.h"

#define SERVICE_NAME_MAX 128

enum service_want { UNSAID = 0, NO, YES, MASKED };
enum service_watch { NOTHING = 0, RELOAD, RESTART };

struct service_params {
	char *name;
	enum service_want  running, enabled;
	enum service_watch on_watch;
};
/* As state_ops.parse and .params_clear. */
void service_parse(struct conf_in *in, const struct yaml_node *n,
    void *params);
void service_params_clear(void *params);

#endif
