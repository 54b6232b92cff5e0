-- SPDX-License-Identifier: EPL-2.0
-- For many small transactions: none waits for the disk.  A crash may undo the last ones, so after a lost connection the
-- program must go through all rows again.
set synchronous_commit = off;
