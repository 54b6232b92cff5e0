/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_report: what `hulykvs-migrate status` prints, one fact on each line.
 * For migrate.
 */
#ifndef HULYKVS_MIGRATE_REPORT_H
#define HULYKVS_MIGRATE_REPORT_H

#include "migrate/state.h"

void migrate_report(
    FILE *out, const struct migrate_db *db, const struct migrate_steps *steps, const struct migrate_state *state);

#endif
