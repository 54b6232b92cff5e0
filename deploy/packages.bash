# SPDX-License-Identifier: EPL-2.0
# shellcheck shell=bash
# Installs Debian packages for the scripts of this project, and only them: no
# service is started, no PostgreSQL cluster made.  Source this file.
#
#   packages_install PACKAGE …   installs those that are missing; shows what it does
#   packages_undo                takes back what is in the system for the moment of an
#                                installation: to be called from the EXIT trap

packages_root=()   # words in front of what needs root
packages_held=()   # files that were put into the system for a moment

packages_install()
{
	local missing=() package

	command -v apt-get >/dev/null || {
		echo "==> no apt-get here: taking it for granted that these are installed: $*"
		return
	}
	for package; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
	done
	if [ ${#missing[@]} -eq 0 ]; then
		echo "==> all packages are there"
		return
	fi
	echo "==> installing ${missing[*]}"
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || {
			echo "neither root nor sudo is here to do that" >&2
			return 1
		}
		packages_root=(sudo)
	fi
	packages_hold_services
	"${packages_root[@]}" apt-get -q update &&
		"${packages_root[@]}" env DEBIAN_FRONTEND=noninteractive \
			apt-get -q -y --no-install-recommends install "${missing[@]}" || return 1
	packages_rest "${missing[@]}"
	packages_undo
}

# Packages start their services, and PostgreSQL's makes a cluster, unless told otherwise.
packages_hold_services()
{
	local policy=/usr/sbin/policy-rc.d cluster=/etc/postgresql-common/createcluster.d/hulykvs.conf

	if [ ! -e "$policy" ]; then
		packages_held+=("$policy")
		"${packages_root[@]}" sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
	fi
	packages_held+=("$cluster")
	"${packages_root[@]}" sh -c "mkdir -p ${cluster%/*} && echo 'create_main_cluster = false' >$cluster"
}

packages_undo()
{
	[ ${#packages_held[@]} -eq 0 ] || "${packages_root[@]}" rm -f "${packages_held[@]}"
	packages_held=()
}

# A web server that came with this is not to start with the machine either.
packages_rest()
{
	local package

	[ -d /run/systemd/system ] || return 0
	for package; do
		case $package in
		nginx | lighttpd) "${packages_root[@]}" systemctl --quiet disable "$package" ;;
		esac
	done
}
