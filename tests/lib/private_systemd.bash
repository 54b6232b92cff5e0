# SPDX-License-Identifier: EPL-2.0
# A systemd for one test: the system manager as process 1 of namespaces of its own,
# with the units of the test and no others.  /etc may be changed, /run is empty, and
# nothing of it stays.  Source this file; it changes no shell options.
#
#   private_systemd_reason      why it cannot run here; prints nothing where it can
#   private_systemd DIRECTORY COMMAND …
#                               starts systemd with the units in DIRECTORY, runs the
#                               command as root beside it, ends both; the command's
#                               output and status.  systemd's log is in DIRECTORY.log

private_systemd_reason()
{
	local systemd=/lib/systemd/systemd

	[ "$(id -u)" -eq 0 ] || { echo "needs root"; return; }
	[ -x "$systemd" ] || { echo "no systemd"; return; }
	private_systemd_cgroup >/dev/null || { echo "no cgroups"; return; }
	unshare --mount --pid --cgroup --fork sh -c 'mount -t tmpfs none /mnt && mkdir /mnt/u /mnt/w &&
		mount -t overlay none -o lowerdir=/etc,upperdir=/mnt/u,workdir=/mnt/w /etc' 2>/dev/null ||
		echo "cannot make namespaces and overlays here"
}

# The directory of this process in the hierarchy of cgroups that systemd uses.
private_systemd_cgroup()
{
	local top=/sys/fs/cgroup/systemd own

	own=$(sed -n 's/^[0-9]*:name=systemd://p' /proc/self/cgroup)
	if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
		top=/sys/fs/cgroup
		own=$(sed -n 's/^0:://p' /proc/self/cgroup)
	fi
	[ -n "$own" ] && [ -d "$top$own" ] && echo "$top${own%/}"
}

private_systemd()
{
	local directory=$1 cgroup status=0 unit
	shift

	cgroup=$(private_systemd_cgroup)/private-systemd-$BASHPID
	mkdir "$cgroup" || return 1
	# What the manager needs to find; all else is missing on purpose.
	for unit in basic.target sysinit.target shutdown.target; do
		printf '[Unit]\nDescription=%s\n' "$unit" >"$directory/$unit"
	done
	rm -f "$directory.status"
	# shellcheck disable=SC2016 # the inner shell's
	sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$cgroup" \
		unshare --mount --pid --cgroup --ipc --uts --fork --kill-child --mount-proc -- \
		bash -c "$(declare -f private_systemd_files private_systemd_beside); private_systemd_files"'
			private_systemd_beside "$@" &
			exec env -i container=test SYSTEMD_UNIT_PATH="$1" /lib/systemd/systemd --system --unit=basic.target \
				--log-target=console >"$1.log" 2>&1 </dev/null
		' - "$directory" "$@" >"$directory.output" 2>&1 </dev/null 3>&- &
	world_until 120 private_systemd_done $! "$directory.status" || status=1
	# All that runs in it ends with it.
	kill -KILL $! 2>/dev/null
	wait $! 2>/dev/null
	cat "$directory.output"
	[ "$status" -ne 0 ] || status=$(cat "$directory.status")
	world_until 10 private_systemd_remove "$cgroup" && return "$status"
}

private_systemd_remove()
{
	find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
	[ ! -d "$1" ]
}

private_systemd_done()
{
	[ -s "$2" ] || world_gone "$1"
}

# Within the namespaces.
private_systemd_files()
{
	set -e
	mount --make-rprivate /
	mount -t tmpfs -o mode=755 none /run
	mkdir -p /run/systemd/system /run/etc/upper /run/etc/work
	mount -t overlay none -o lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work /etc
	if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
		mount -t cgroup2 none /sys/fs/cgroup
	else
		mount -t tmpfs -o mode=755 none /sys/fs/cgroup
		mkdir /sys/fs/cgroup/systemd
		mount -t cgroup -o none,name=systemd none /sys/fs/cgroup/systemd
	fi
	# systemd mounts credentials in a namespace of its own, from which they have to come here.
	mount --make-rshared /
	set +e
}

private_systemd_beside()
{
	local directory=$1
	shift

	until [ -S /run/systemd/private ]; do
		sleep 0.05
	done
	"$@"
	echo $? >"$directory.new" && mv "$directory.new" "$directory.status"
}
