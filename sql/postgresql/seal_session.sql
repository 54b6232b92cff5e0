-- SPDX-License-Identifier: EPL-2.0
-- What a crash takes back is as it was before, and is done again by the next run.
set synchronous_commit = off;
