/* SPDX-License-Identifier: ISC */
/* For cppcheck, which is not shown the headers of libraries: the shape of the
 * loops that jansson.h makes by macros. */
#define json_array_foreach(a, i, v) \
	for ((i) = 0; ((v) = json_array_get(a, i)) != NULL; (i)++)
#define json_object_foreach(o, k, v) \
	for ((k) = json_key(o); ((v) = json_object_get(o, k)) != NULL; \
	     (k) = json_key(o))
