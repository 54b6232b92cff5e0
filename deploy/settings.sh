# SPDX-License-Identifier: EPL-2.0
# shellcheck shell=sh
# Reads settings for the scripts of deploy/, in the order of the program: the
# environment, then etc/config.toml in the working directory, then the default.
# Source this file; it needs POSIX sh, sed and nothing else.
#
# It is for what the program does not tell (secrets), and for what has to be known before the program is
# built.  All else is asked of the program: hulykvs --print-config=shell.

# setting NAME MEMBER DEFAULT: prints the value of the environment variable
# NAME, which is called MEMBER in the file.
setting()
{
	setting_value=$(printenv "$1") || setting_value=$(setting_from_file "$2")
	printf '%s\n' "${setting_value:-$3}"
}

# secret NAME MEMBER DEFAULT: the same for a secret, which may be in the file that NAME_FILE names.
secret()
{
	secret_file=$(setting "$1_FILE" "$2_file" '')
	if [ -n "$secret_file" ]; then
		cat "$secret_file"
	else
		setting "$1" "$2" "$3"
	fi
}

# Is it set at all, by the environment or in the file?
setting_given()
{
	[ -n "$(setting "$1" "$2" '')" ]
}

# A text in quotes, on a line of its own.
setting_from_file()
{
	[ -f etc/config.toml ] || return 0
	sed -n \
		-e "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*\"\\([^\"]*\\)\".*/\\1/p" \
		-e "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*'\\([^']*\\)'.*/\\1/p" \
		etc/config.toml | tail -n 1
}
