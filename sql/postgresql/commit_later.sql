-- SPDX-License-Identifier: EPL-2.0
-- For many small transactions: none waits for the disk.  A crash may undo the last ones; the next run does them again.
set synchronous_commit = off;
