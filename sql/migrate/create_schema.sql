-- SPDX-License-Identifier: EPL-2.0
create schema if not exists {schema};
