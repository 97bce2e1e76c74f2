#!/bin/bash
# SPDX-License-Identifier: MIT
# The Debian packages the project needs, in one place. demo.sh, test.sh and the benchmarks name
# groups; what is missing of them is installed, as root or through sudo. Nothing is missing: nothing
# is asked, and no network is needed.
#
#   tests/support/install.sh [--list] GROUP...
#
#   build   fetchd, fetchctl, libnursery and their manuals
#   demo    what demo.sh talks to
#   test    what the tests need beyond build: Check, both compilers, sanitizers, valgrind, servers
#   aarch64 a compiler, an emulator and libraries for tests on 64-bit ARM
#   package   what makes Debian packages, and looks at them
#   coverage  what counts the lines that tests run
#   bench   what tests/bench needs beyond build
#   peers   other clients and runtimes that tests/bench compares with
set -euo pipefail

packages_of() {
	case $1 in
	build) echo gcc libc6-dev meson ninja-build pkgconf libevent-dev libcurl4-openssl-dev \
		libssl-dev libc-ares-dev libyaml-dev libjansson-dev libpcre2-dev libglib2.0-dev libsqlite3-dev tzdata scdoc ;;
	demo) echo nginx-light libnginx-mod-http-echo openssl ;;
	test) echo check clang clang-format clang-tidy libclang-rt-14-dev llvm g++ valgrind curl openssl \
		python3 python3-jsonschema python3-yaml gdb zsh fish nodejs nginx-light libnginx-mod-http-echo systemd systemd-container prometheus ;;
	aarch64) echo gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static check:arm64 \
		libevent-core-2.1-7:arm64 ;;
	package) echo build-essential debhelper lintian systemd-container curl python3 ;;
	coverage) echo gcovr ;;
	bench) echo nginx-light libnginx-mod-http-echo openssl python3 util-linux gnuplot-nox ;;
	peers) echo wget2 curl aria2 wrk nghttp2-client golang-go python3-aiohttp python3-trio python3-httpx nodejs
		command -v npm >/dev/null || echo npm ;; # comes with the nodejs of other packagers, and conflicts with it
	*)
		echo "install.sh: no group '$1'" >&2
		exit 2
		;;
	esac
}

native=$(dpkg --print-architecture)

# A package may be there for another architecture alone, or for two.
is_missing() {
	local wanted="$native|all"

	case $1 in *:*) wanted=${1#*:} ;; esac
	! dpkg-query -W -f '${db:Status-Status} ${Architecture}\n' "$1" 2>/dev/null |
		grep -qxE "installed ($wanted)"
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "install.sh: needs root, or sudo, for: $*" >&2
		exit 1
	fi
}

# A server that comes with a package (nginx) is not to be started by its installation: we start our
# own, on loopback, with our own configuration. Somebody's existing policy stays as it is.
apt_without_services() {
	as_root sh -c '
		policy=/usr/sbin/policy-rc.d
		if [ ! -e "$policy" ]; then
			trap "rm -f $policy" EXIT
			printf "#!/bin/sh\nexit 101\n" >"$policy"
			chmod 755 "$policy"
		fi
		export DEBIAN_FRONTEND=noninteractive
		apt-get install -y -q --no-install-recommends "$@"' sh "$@"
}

# apt knows the packages of another architecture once dpkg does.
add_architectures() {
	local package
	for package in "$@"; do
		if [[ $package = *:* ]] && ! dpkg --print-foreign-architectures | grep -qx "${package#*:}"; then
			as_root dpkg --add-architecture "${package#*:}"
		fi
	done
}

list_only=false
if [ "${1:-}" = --list ]; then
	list_only=true
	shift
fi

missing=()
for group in "$@"; do
	names=$(packages_of "$group")
	for package in $names; do
		if $list_only; then
			echo "$package"
		elif is_missing "$package"; then
			missing+=("$package")
		fi
	done
done

if [ ${#missing[@]} -gt 0 ]; then
	echo "installing: ${missing[*]}" >&2
	add_architectures "${missing[@]}"
	as_root apt-get update -q >&2
	apt_without_services "${missing[@]}" >&2
fi
