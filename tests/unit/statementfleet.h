/* SPDX-License-Identifier: ISC */
/*
 * The parts of which tests make messages about a fleet and of its hosts; all by
 * petra.
 */
#ifndef TESTS_UNIT_STATEMENTFLEET_H
#define TESTS_UNIT_STATEMENTFLEET_H

#include "tests/unit/statementcase.h"

#define KEY_2          \
	"ssh-ed25519 " \
	"AAAAC3NzaC1lZDI1NTE5AAAAILq0uLV+GvWAcMIAbgAGqDrAFpKCj5XX6b3J2IN3zx9T"
#define LATER "2026-03-02T22:00:00Z"

#define BY_PETRA(type)                                                     \
	"{\"v\":1,\"type\":\"" type "\",\"realm\":\"" REALM                \
	"\",\"by\":\"petra@example.com\",\"at\":\"2026-03-02T10:00:00Z\"," \
	"\"nonce\":\"" NONCE "\""
#define FLEET(version, rest)                                     \
	BY_PETRA("fleet")                                        \
	",\"version\":\"" version "\",\"expires\":\"" LATER "\"" \
	",\"manifest\":\"" HASH_A "\",\"size\":\"120\"" rest "}\n"
#define HOSTS ",\"hosts\":\"2\",\"tree\":\"" HASH_A "\""
#define JOB(mode, failures)                                                  \
	BY_PETRA("job")                                                      \
	",\"version\":\"4\",\"bundle\":\"" HASH_A "\",\"targets\":\"" HASH_B \
	"\",\"size\":\"24\"" HOSTS ",\"mode\":\"" mode                       \
	"\",\"max_failures\":\"" failures "\",\"expires\":\"" LATER "\"}\n"
#define JOB_OF(hosts)                                                        \
	BY_PETRA("job")                                                      \
	",\"version\":\"4\",\"bundle\":\"" HASH_A "\",\"targets\":\"" HASH_B \
	"\",\"size\":\"24\"" hosts ",\"mode\":\"test\""                      \
	",\"max_failures\":\"0\",\"expires\":\"" LATER "\"}\n"
#define KEYS        ",\"host_key\":\"" KEY "\",\"transport_key\":\"" KEY_2 "\""
#define ENROL(rest) BY_PETRA("enrol") KEYS ",\"hostname\":\"Web-1\"" rest "}\n"
#define BOOT        ",\"boot_id\":\"" NONCE "\""
#define ACCEPT(keys, rest)                                              \
	BY_PETRA("accept")                                              \
	",\"host\":\"web-1.example.com\",\"enrol\":\"" HASH_A "\"" keys \
	",\"names\":[\"web-1.example.com\"]" rest "}\n"
#define UNTIL ",\"renew_until\":\"2027-03-02T10:00:00Z\""
#define TOKEN(hosts, rest)                                              \
	BY_PETRA("token")                                               \
	",\"key\":\"" KEY "\",\"hosts\":\"" hosts "\",\"count\":\"1\"," \
	"\"expires\":\"" LATER "\"" rest "}\n"
#define REPORT(seq, rest)  \
	BY_PETRA("report") \
	",\"seq\":\"" seq "\"" rest "}\n"
#define HELD                                                     \
	BOOT ",\"root_version\":\"1\",\"policy_version\":\"2\"," \
	     "\"fleet_version\":\"3\",\"krl_version\":\"0\",\"quiet\":\"0\""
#define RUN ",\"mode\":\"enforce\",\"outcome\":\"changed\",\"states\":\"7\""

#endif
