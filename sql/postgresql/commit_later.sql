-- SPDX-License-Identifier: EPL-2.0
-- For many small transactions: none waits for the disk.  A crash may undo the last ones: who
-- sends this goes through all rows again after a lost connection.
set synchronous_commit = off;
