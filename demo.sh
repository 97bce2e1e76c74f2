#!/bin/bash
# SPDX-License-Identifier: MIT
# Shows fetchd at work on a fresh Debian 12: installs what is missing, builds, starts fetchd and a real
# nginx on loopback, submits three batches and draws the task tree in between. Leaves nothing running.
#
#   ./demo.sh          root or sudo is asked for only when packages are missing
set -euo pipefail
cd "$(dirname "$0")"

target=build-demo
started=$SECONDS
folder=""
fetchd_pid=""
background_pid=""

say() {
	local bold="" plain=""
	[ ! -t 1 ] || { bold=$'\033[1m' plain=$'\033[0m'; }
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

cleanup() {
	local status=$?
	trap - EXIT
	[ -z "$background_pid" ] || kill "$background_pid" 2>/dev/null || true
	[ -z "$fetchd_pid" ] || kill "$fetchd_pid" 2>/dev/null || true
	if [ -n "$folder" ]; then
		tests/support/nginx.sh stop "$folder/nginx" || true
		[ "$status" = 0 ] || tail -n 20 "$folder/fetchd.log" >&2 || true
		rm -rf "$folder"
	fi
	exit "$status"
}

fail() {
	echo "demo.sh: $*" >&2
	exit 1
}

build() {
	[ -f "$target/build.ninja" ] ||
		meson setup "$target" --buildtype=release -Dtests=disabled >"$folder/meson.log" ||
		{ cat "$folder/meson.log" >&2; fail "meson setup failed"; }
	ninja -C "$target" >"$folder/ninja.log" || { cat "$folder/ninja.log" >&2; fail "the build failed"; }
	PATH=$PWD/$target/client:$PATH
}

start_fetchd() {
	local tries
	export FETCHD_SOCKET=$folder/fetchd.sock
	"$target/daemon/fetchd" --socket "$FETCHD_SOCKET" 2>"$folder/fetchd.log" &
	fetchd_pid=$!
	for ((tries = 100; tries > 0; tries--)); do
		! fetchctl health >/dev/null 2>&1 || return 0
		kill -0 "$fetchd_pid" 2>/dev/null || fail "fetchd has ended"
		sleep 0.1
	done
	fail "fetchd does not answer"
}

# expect STATUS ARGUMENT...: shows a command of fetchctl and runs it; it has to end with STATUS.
expect() {
	local want=$1 got=0
	shift
	printf '$ fetchctl %s\n' "$*"
	fetchctl "$@" || got=$?
	[ "$got" = "$want" ] || fail "fetchctl ended with $got, not with $want"
	[ "$got" = 0 ] || echo "(exit $got)"
}

# A batch in the background, known to be under way when its URLs are in the tree.
start_background() {
	local tries
	fetchctl submit --name background --output table "$web"/slow/3/{1..4} >"$folder/background" 2>&1 &
	background_pid=$!
	for ((tries = 100; tries > 0; tries--)); do
		fetchctl tree >"$folder/tree"
		! grep -q /slow/3/4 "$folder/tree" || return 0
		sleep 0.02
	done
	cat "$folder/tree" >&2
	fail "the background batch is not in the tree"
}

end_background() {
	wait "$background_pid" || fail "the background batch ended with $?"
	background_pid=""
	cat "$folder/background"
}

stop_fetchd() {
	kill "$fetchd_pid"
	wait "$fetchd_pid" || fail "fetchd ended with $?"
	fetchd_pid=""
}

trap cleanup EXIT
trap 'exit 130' INT TERM
folder=$(mktemp -d)

say "Packages and build"
tests/support/install.sh build demo
build
echo "built in $target/ ($((SECONDS - started)) s)"

say "fetchd and nginx, both on this machine alone"
eval "$(tests/support/nginx.sh start "$folder/nginx")"
web=http://127.0.0.1:$NGINX_HTTP
start_fetchd
fetchctl version
echo "nginx at $web: /ok /slow/SECONDS /failing /redirecting"

say "1. A batch in which everything is well"
expect 0 submit --name well --output table "$web"/ok/{1..5} "$web/redirecting" "$web/slow/0.3"

say "What runs at this moment: a slow batch, as a tree of tasks"
start_background
expect 0 tree

say "2. One failure cancels its siblings at once"
expect 1 submit --name gate --output table "$web/ok/1" "$web"/slow/20/{1..3} "$web/failing"

say "3. A deadline of one second for the whole batch"
expect 3 submit --name deadline --deadline 1s --output table "$web/ok/1" "$web/slow/0.2" "$web"/slow/20/{1..3}

say "The slow batch has gone on undisturbed"
end_background
expect 0 list

say "SIGTERM: fetchd drains and ends"
stop_fetchd
echo "exit 0, after $((SECONDS - started)) s in all"
