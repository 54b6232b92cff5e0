# SPDX-License-Identifier: EPL-2.0
# A private copy of this system for a test: it may install programs, add users
# and listen on any port, and nothing of it stays.  Files are an overlay over /,
# kept in memory; the network is its own loopback; processes have their own
# numbers, and end with it.  Source this file; it changes no shell options.
#
#   private_system_possible     whether this user may make one here, or why not
#   private_system_start        makes it
#   private_system COMMAND …    runs a command in it, as root, in /
#   private_system_end          ends it, with all that runs in it
#
# Everything is kept in the exported PRIVATE_SYSTEM (a directory) and PRIVATE_PID.

private_system_possible()
{
	[ "$(id -u)" -eq 0 ] || { echo "needs root"; return 1; }
	unshare --mount --net --pid --fork sh -c 'mount -t tmpfs none /mnt && mkdir /mnt/u /mnt/w &&
		mount -t overlay none -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt' 2>/dev/null || {
		echo "cannot make namespaces and overlays here"
		return 1
	}
}

private_system_start()
{
	export PRIVATE_SYSTEM PRIVATE_PID
	PRIVATE_SYSTEM=$(mktemp -d /tmp/hkv-system.XXXXXX) || return 1
	# The pipe's end tells that all is there.
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount --net --pid --fork --kill-child -- bash -c '
		set -e
		cd "$1"
		mount -t tmpfs -o mode=755 none .
		cd "$1"
		mkdir upper work root
		mount -t overlay none -o lowerdir=/,upperdir=upper,workdir=work root
		mount -t proc none root/proc
		mount --rbind /dev root/dev
		mount -t tmpfs none root/run
		mount -t tmpfs -o mode=1777 none root/tmp
		ip link set lo up
		cd root
		mkfifo tmp/end
		echo ready >tmp/ready
		exec chroot . sh -c "read -r line </tmp/end"
	' - "$PRIVATE_SYSTEM" </dev/null >"$PRIVATE_SYSTEM.log" 2>&1 3>&- &
	PRIVATE_PID=''
	world_until 20 private_system_up $! || { cat "$PRIVATE_SYSTEM.log" >&2; return 1; }
}

# private_system_up UNSHARE: its child is process 1 of the private system.
private_system_up()
{
	PRIVATE_PID=$(pgrep -P "$1") && [ -e "/proc/$PRIVATE_PID/root/tmp/ready" ]
}

private_system()
{
	nsenter --target "$PRIVATE_PID" --mount --net --pid --root --wd -- "$@" 3>&-
}

# Process 1 ends, and the kernel ends all others.
private_system_end()
{
	[ -z "${PRIVATE_PID:-}" ] || kill -KILL "$PRIVATE_PID" 2>/dev/null || :
	[ -z "${PRIVATE_SYSTEM:-}" ] || rm -rf "$PRIVATE_SYSTEM" "$PRIVATE_SYSTEM.log"
	PRIVATE_PID=''
}
