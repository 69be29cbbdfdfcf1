/* SPDX-License-Identifier: ISC */
/* Fleets for tests: files in one text, and the contract's. */
#ifndef TESTS_UNIT_FLEETCASE_H
#define TESTS_UNIT_FLEETCASE_H

#include "agent/fleet/fleet.h"

/* The files of a text, each after a line "==> PATH"; sorted. */
void fleetcase_split(const char *text, struct policy_files *out);
/* What such a text is as a fleet, which has no errors; fleet_free. */
struct fleet *fleetcase_parse(const char *text);
/* tests/data/fleet/contract. */
void fleetcase_contract(struct policy_files *out);

#endif
