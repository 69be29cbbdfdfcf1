/* SPDX-License-Identifier: ISC */
/*
 * libcurl, loaded when the first bucket is opened, for lib/blob; and for
 * lib/notify, which has no other way to reach people either.
 *
 * Linking it would cost every run of every command several milliseconds, for
 * the forty libraries that come with it; most runs never talk to anybody.
 */
#ifndef LIB_BLOB_S3_CURL_H
#define LIB_BLOB_S3_CURL_H

#include <curl/curl.h>

#include "lib/base/err.h"

/* Name and type of each function taken from the library: one list. */
#define S3_CURL_LIST(X)                                            \
	X(CURLcode, global_init, (long))                           \
	X(curl_version_info_data *, version_info, (CURLversion))   \
	X(time_t, getdate, (const char *, const time_t *))         \
	X(CURL *, easy_init, (void))                               \
	X(CURLcode, easy_setopt, (CURL *, CURLoption, ...))        \
	X(CURLcode, easy_getinfo, (CURL *, CURLINFO, ...))         \
	X(const char *, easy_strerror, (CURLcode))                 \
	X(CURLcode, easy_perform, (CURL *))                        \
	X(void, easy_cleanup, (CURL *))                            \
	X(CURLM *, multi_init, (void))                             \
	X(CURLMcode, multi_setopt, (CURLM *, CURLMoption, ...))    \
	X(CURLMcode, multi_add_handle, (CURLM *, CURL *))          \
	X(CURLMcode, multi_remove_handle, (CURLM *, CURL *))       \
	X(CURLMcode, multi_perform, (CURLM *, int *))              \
	X(CURLMcode, multi_poll,                                   \
	    (CURLM *, struct curl_waitfd *, unsigned, int, int *)) \
	X(CURLMsg *, multi_info_read, (CURLM *, int *))            \
	X(CURLMcode, multi_cleanup, (CURLM *))                     \
	X(struct curl_slist *, slist_append,                       \
	    (struct curl_slist *, const char *))                   \
	X(void, slist_free_all, (struct curl_slist *))

struct s3_curl {
#define X(type, name, args) type(*name) args;
	S3_CURL_LIST(X)
#undef X
};

/*
 * The library, loaded once a process and kept: *out is valid for ever.
 * ERR_NOTFOUND: not installed, or older than 7.75 (no AWS signatures).
 */
int s3_curl_load(const struct s3_curl **out, struct err *e) MUST_CHECK;

#endif
