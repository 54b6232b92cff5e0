-- SPDX-License-Identifier: EPL-2.0
begin isolation level serializable
