/* SPDX-License-Identifier: ISC */
/*
 * A person's call, as the keeper reads it from the front's frame.  The first
 * byte says which socket it came in by.  What is taken has a function and
 * nothing but the fields of its call.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct kp_call c = {0};
	struct slice json = {0};
	struct err e = {0};
	int r;

	if (n == 0)
		return 0;
	c.control = data[0] & 1;
	if ((r = kp_call_open(&c, slice_of(data + 1, n - 1), &json, &e)) == 0)
		r = kp_call_read(&c, json, &e);
	if (r == 0 && (c.handle == NULL || (c.row == NULL) != c.control))
		abort();
	if (r == 0 && c.control != (c.person[0] == '\0'))
		abort();
	if (r != 0 && e.msg[0] == '\0')
		abort();
	json_decref(c.args);
	free(c.person);
	free(c.address);
	return 0;
}
