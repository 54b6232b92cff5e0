# SPDX-License-Identifier: EPL-2.0
# A bare Debian in a directory, for tests that install things.  Source
# world.bash before.  Only root can make one.
#
#   minimal_root_reason          why none can be made here; prints nothing where one can
#   minimal_root_make RELEASE    makes it once by debootstrap; prints its archive, which is kept in build/roots
#   minimal_root_open RELEASE DIRECTORY
#                                unpacks it there, with the machine's own apt settings
#   minimal_root_in DIRECTORY COMMAND …
#                                runs a command in it, as root with HOME=/root
#   minimal_root_close DIRECTORY removes it
#   minimal_root_copy DIRECTORY  copies into it what a clone or the release archive has
#
# /proc, /dev/pts and /dev/shm are mounted for each command anew, in a mount
# namespace of its own: they are gone when the command ends, however it ends,
# and removing DIRECTORY reaches no file of the machine.  The device nodes are
# those that debootstrap made.

minimal_root_reason()
{
	command -v debootstrap >/dev/null || {
		echo "no debootstrap"
		return
	}
	[ "$(id -u)" -eq 0 ] || echo "only root can make a minimal root"
}

minimal_root_make()
{
	local roots=$WORLD_TOP/build/roots dir

	if [ ! -s "$roots/$1.tar" ]; then
		mkdir -p "$roots" && dir=$(mktemp -d "$roots/$1.XXXXXX") && chmod 755 "$dir" || return 1
		debootstrap --variant=minbase "$1" "$dir" >"$roots/$1.log" 2>&1 || {
			tail -n 20 "$roots/$1.log" >&2
			return 1
		}
		rm -rf "$dir"/var/cache/apt/archives/*.deb "$dir"/var/lib/apt/lists/*
		cp -r /etc/apt/apt.conf.d/. "$dir/etc/apt/apt.conf.d/"
		tar -C "$dir" -c . >"$roots/$1.tar.new" && mv "$roots/$1.tar.new" "$roots/$1.tar" && rm -rf "$dir" || return 1
	fi
	echo "$roots/$1.tar"
}

minimal_root_open()
{
	local archive

	archive=$(minimal_root_make "$1") && mkdir -p "$2" && tar -C "$2" -x -f "$archive" || return 1
	cp /etc/resolv.conf "$2/etc/resolv.conf" 2>/dev/null || :
	printf '#!/bin/sh\nexit 101\n' >"$2/usr/sbin/policy-rc.d"
	chmod 755 "$2/usr/sbin/policy-rc.d"
	minimal_root_in "$2" apt-get -q update >/dev/null
}

minimal_root_in()
{
	local dir=$1 name words=()
	shift

	for name in http_proxy https_proxy no_proxy; do
		[ -z "${!name:-}" ] || words+=("$name=${!name}")
	done
	# shellcheck disable=SC2016 # expanded in there
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "${words[@]}" unshare --mount --propagation private sh -c '
			mount -t proc proc "$1/proc" && mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm" &&
				mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$1/dev/pts" || exit 71
			dir=$1
			shift
			exec chroot "$dir" "$@"' - "$dir" "$@" </dev/null
}

minimal_root_close()
{
	[ -d "$1" ] || return 0
	rm -rf --one-file-system "$1"
}

minimal_root_copy()
{
	mkdir -p "$1" && (cd "$WORLD_TOP" &&
		{ git ls-files -co --exclude-standard -z 2>/dev/null ||
			find . -type f -not -path './build/*' -not -path './var/*' -print0; } | tar c --null -T -) | tar x -C "$1"
}
