/* SPDX-License-Identifier: ISC */
#include "lib/keeper/call.h"

#include <stdlib.h>

#include "lib/cli/cli.h"

void
call_head_clear(struct call_head *h)
{
	free(h->name);
	free(h->address);
	*h = (struct call_head){0};
}

int
call_head_read(struct slice payload, struct call_head *out, struct err *e)
{
	struct view v = view_slice(payload);
	struct call_head h = {0};
	char *fingerprint = NULL;
	uint8_t form = 0;
	int r;

	if ((r = view_get_cstring(&v, &h.name)) != 0 ||
	    (r = view_get_cstring(&v, &fingerprint)) != 0 ||
	    (r = view_get_cstring(&v, &h.address)) != 0 ||
	    (r = view_get_u8(&v, &form)) != 0 ||
	    (r = view_get_string(&v, &h.json)) != 0 || (r = view_end(&v)) != 0)
		(void)err_set(e, r, "a call that cannot be read");
	else if (form > FORM_TEXT)
		r = err_set(e, ERR_PARSE, "a call of form %u", form);
	free(fingerprint);
	h.form = (enum call_form)form;
	if (r != 0)
		call_head_clear(&h);
	*out = h;
	return r;
}

int
call_status(const struct err *e)
{
	return e->code == ERR_NOTFOUND ? EXIT_REFUSED
				       : cli_exit_status(e->code);
}
