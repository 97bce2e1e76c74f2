#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs inside the container that `boot` starts, as root, under its systemd: fetchd as a service, from
# installation to stop. The waits are for events: a held request, a connection that is answered again.
# shellcheck disable=SC2317 # check calls what seems unreachable
set -uo pipefail

socket=/run/fetchd/api.sock
n_cases=0
n_failed=0

# check NAME COMMAND...
check() {
	local name=$1 output
	shift
	n_cases=$((n_cases + 1))
	if output=$("$@" 2>&1); then
		echo "ok $n_cases - $name"
	else
		n_failed=$((n_failed + 1))
		echo "not ok $n_cases - $name"
		printf '%s\n' "$output" | tail -n 20 | sed 's/^/#   /'
	fi
}

finish() {
	if [ $n_failed != 0 ]; then
		journalctl --quiet --boot --unit=fetchd.service --unit=fetchd.socket --output=short-monotonic |
			tail -n 60 | sed 's/^/# /'
	fi
	echo "1..$n_cases"
	exit 0
}

api() { # PATH CURL-OPTION...
	local path=$1
	shift
	curl --silent --show-error --max-time 30 --unix-socket "$socket" "http://fetchd$path" "$@"
}

status_of() {
	api "$1" --output /dev/null --write-out '%{http_code}'
}

unit() { # PROPERTY
	systemctl show --property="$1" --value fetchd.service
}

is() { # EXPECTED COMMAND...
	local expected=$1 found
	shift
	found=$("$@")
	[ "$found" = "$expected" ] || { echo "'$found' instead of '$expected'"; return 1; }
}

has() { # PATTERN COMMAND...
	local pattern=$1 found
	shift
	found=$("$@")
	[[ $found =~ $pattern ]] || { echo "'$found' does not match '$pattern'"; return 1; }
}

becomes() { # EXPECTED COMMAND...; asks until it does, for twenty seconds
	local until=$((SECONDS + 20))
	until is "$@" >/dev/null; do
		[ "$SECONDS" -lt "$until" ] || { is "$@"; return; }
	done
}

# connect GROUPS - as somebody who is not root; prints what connect() says
connect() {
	setpriv --reuid 54321 --regid 54321 --groups "$1" python3 -c "
import errno, socket
s = socket.socket(socket.AF_UNIX)
print(errno.errorcode.get(s.connect_ex('$socket'), 'connected'))"
}

# The origin takes commands on its input and answers each with a line.
coproc origin { exec /boot-test/t_origin; }
read -r line <&"${origin[0]}"
port=${line#*http=} port=${port%% *}

origin_ask() {
	local answer
	echo "$*" >&"${origin[1]}"
	read -r -t 20 answer <&"${origin[0]}"
	echo "$answer"
}

batch() { # PATH-AT-THE-ORIGIN...
	local urls='' path
	for path in "$@"; do
		urls+="${urls:+,}\"http://127.0.0.1:$port$path\""
	done
	api /v1/batches --data "{\"urls\":[$urls],\"deadline\":\"25s\",\"timeout\":\"20s\"}"
}

# ---- installation ----------------------------------------------------------------------------------
packages=/boot-test/packages
if [ -d $packages ]; then
	check "the packages can be installed" dpkg --no-triggers --install $packages/*.deb
	check "that starts the service" is active unit ActiveState
	check "also after the next boot" is enabled systemctl is-enabled fetchd.service
	check "and its socket" is enabled systemctl is-enabled fetchd.socket
	check "a program is made with the library" eval 'ldconfig; echo "int main(void) { return nur_now() < 0; }" |
		cc -include nursery.h -o /tmp/program -x c - $(pkg-config --cflags --libs nursery)'
	systemctl stop fetchd.service fetchd.socket
else
	ldconfig
	check "sysusers.d makes the user" systemd-sysusers
	check "tmpfiles.d makes the folder" systemd-tmpfiles --create --prefix=/run/fetchd
fi
mkdir -p /etc/systemd/system/fetchd.service.d
cat >/etc/systemd/system/fetchd.service.d/quick.conf <<-'EOT'
	[Unit]
	StartLimitIntervalSec=0
	[Service]
	WatchdogSec=3s
	TimeoutStopSec=2s
EOT
systemctl daemon-reload
config=$(systemctl cat fetchd.service | sed -n 's/^ExecStart=.*--config *//p')
check "the shipped configuration is in order" fetchd --check --config "$config"
check "the socket starts" systemctl start fetchd.socket

# ---- activation ------------------------------------------------------------------------------------
check "nothing runs before the first connection" is inactive unit ActiveState
check "the first connection is answered" is 200 status_of /v1/health/live
[ $n_failed = 0 ] || finish # the rest would only wait
check "the service is active" is active unit ActiveState
check "it says in a line what it does" has '.' unit StatusText
check "it does not run as root" is fetchd stat -c %U "/proc/$(unit MainPID)"
check "no capability is left" has $'CapEff:\t0000000000000000' cat "/proc/$(unit MainPID)/status"
check "system calls are filtered" has $'Seccomp:\t2' cat "/proc/$(unit MainPID)/status"
check "fetchctl finds it" fetchctl health

# ---- who may ---------------------------------------------------------------------------------------
check "a stranger may not connect" is EACCES connect 54321
check "a member of the group may" is connected connect "$(getent group fetchd | cut -d: -f3)"
check "and is known by his own number, and by the group" has 'uid 54321 has submit \(access: group fetchd\)' \
	setpriv --reuid 54321 --regid 54321 --groups "$(getent group fetchd | cut -d: -f3)" \
	curl --silent --max-time 30 --unix-socket "$socket" --request POST http://fetchd/v1/reload

# ---- shut in ---------------------------------------------------------------------------------------
# A process in the service's place: its unit, with another program.
probe=$(systemctl show --property=FragmentPath --value fetchd.service | xargs dirname)/fetchd-probe.service
sed -e '/^Requires=/d; /^Restart=/d; /^ExecReload=/d; s/^Type=.*/Type=oneshot/' \
	-e 's|^ExecStart=.*|ExecStart=/boot-test/probe\nExecPaths=/boot-test/probe\nStandardOutput=file:/tmp/probe|' \
	"$(unit FragmentPath)" >"$probe"
systemctl daemon-reload
check "a program in the service's place runs" systemctl start fetchd-probe.service
while IFS=: read -r name expected; do
	check "shut in: $name:$expected" is "$name:$expected" grep "^$name:" /tmp/probe
done <<-'EOT'
	write state: yes
	write /tmp: yes
	TCP: yes
	TCP on IPv6: yes
	send to loopback: yes
	write /usr: EROFS
	write /etc: EROFS
	write /run: EACCES
	read /root: EACCES
	list /home: EACCES
	read of init: ENOENT
	read /proc/meminfo: ENOENT
	set-user-ID bit: EPERM
	netlink: EAFNOSUPPORT
	packet socket: EAFNOSUPPORT
	raw socket: EPERM
	vsock: EAFNOSUPPORT
	send to multicast: EPERM
	execute a program: EACCES
	writable code: EPERM
	user namespace: EPERM
	mount: EPERM
	ptrace: EPERM
	personality: EPERM
	real time: EPERM
	io_uring: EPERM
	keyring: EPERM
	bpf: EPERM
	kexec: EPERM
EOT

# ---- work ------------------------------------------------------------------------------------------
check "a batch is fetched" has '"outcome": ?"ok"' batch /ok/1 /ok/2
check "a failure is one" has '"outcome": ?"failed"' batch /status/503
check "messages are in the journal with their place" \
	has '"CODE_FILE"' journalctl --quiet --unit=fetchd --output=json

# ---- another configuration -------------------------------------------------------------------------
pid=$(unit MainPID)
more=$(dirname "$config")/conf.d/more.yaml
echo 'limits: {in_flight: 777}' >"$more"
check "a reload is well" systemctl reload fetchd.service
check "what it brought is in effect" has '"limits.in_flight","value":"777"' api /v1/config
echo 'limits: {in_fligt: 1}' >"$more"
check "a reload of a wrong one fails" is 1 eval 'systemctl reload fetchd.service 2>/dev/null; echo $?'
check "systemd knows why" is exit-code unit ReloadResult
journalctl --sync
check "the journal says where it is wrong, twice" has "$more:1:10: .*$more:1:10: " \
	journalctl --quiet --unit=fetchd --output=cat
check "the service goes on" is active unit ActiveState
check "as it was" has '"limits.in_flight","value":"777"' api /v1/config
rm "$more"
systemctl kill --kill-who=main --signal=HUP fetchd.service
check "a hang-up signal reloads, too" becomes 3 eval \
	'api /v1/config | sed -En "s/.*\"generation\": ?([0-9]+).*/\1/p"'
check "by the same process" is "$pid" unit MainPID

# ---- accidents -------------------------------------------------------------------------------------
pid=$(unit MainPID)
kill -STOP "$pid"
check "while it hangs, a connection waits for the next one" is 200 status_of /v1/health/live
check "the watchdog has ended the hung one" is 1 unit NRestarts
check "and another runs" test "$(unit MainPID)" != "$pid"

refused=0
kill -KILL "$(unit MainPID)"
for _ in {1..30}; do
	[ "$(status_of /v1/health/live)" = 200 ] || refused=$((refused + 1))
done
check "no connection is refused around a crash" is 0 echo $refused

pid=$(unit MainPID)
touch /tmp/restarting
while [ -e /tmp/restarting ]; do
	connect "$(getent group fetchd | cut -d: -f3)"
done >/tmp/connects 2>&1 &
check "it can be restarted" systemctl restart fetchd.service
rm /tmp/restarting
wait $!
check "that is another process" test "$(unit MainPID)" != "$pid"
check "and no connection is refused meanwhile" is connected sort -u /tmp/connects

# ---- an upgrade ------------------------------------------------------------------------------------
if [ -d $packages ]; then
	pid=$(unit MainPID)
	touch /tmp/upgrading
	while [ -e /tmp/upgrading ]; do
		connect "$(getent group fetchd | cut -d: -f3)"
	done >/tmp/connects 2>&1 &
	check "the packages can be upgraded" dpkg --no-triggers --install $packages/fetchd_*.deb
	rm /tmp/upgrading
	wait $!
	check "another daemon runs" test "$(unit MainPID)" != "$pid"
	check "nobody was refused" is connected sort -u /tmp/connects
fi

# ---- the examples ----------------------------------------------------------------------------------
# A root of its own with a credential in it, and a second socket that is somebody else's. Then the journal.
mkdir -p /etc/credstore /var/lib/fetchd-root
echo not-for-everybody >/etc/credstore/fetchd.token
chmod 400 /etc/credstore/fetchd.token
# shellcheck disable=SC2016 # a placeholder of the configuration
echo 'defaults: {user_agent: "${credential:token}"}' >"$(dirname "$config")/conf.d/agent.yaml"
cp /boot-test/examples/{credentials,root-directory}.conf /etc/systemd/system/fetchd.service.d/
cat >/etc/systemd/system/another.socket <<-'EOT'
	[Socket]
	ListenStream=/run/another.sock
	FileDescriptorName=another
	Service=fetchd.service
EOT
systemctl daemon-reload
systemctl stop fetchd.service 2>/dev/null
systemctl start another.socket
check "in a root of its own it starts" systemctl start fetchd.service
check "and finds its socket by its name" is 200 status_of /v1/health/live
check "a credential stands in the configuration" has 'User-Agent: not-for-everybody' \
	api /v1/batches --data "{\"urls\":[\"http://127.0.0.1:$port/echo\"],\"capture\":\"text\"}"
check "it is shown to nobody" has '"\$\{credential:token\}"' api /v1/config
check "there is nothing else in that root" is '' find "/proc/$(unit MainPID)/root/" -maxdepth 1 -name boot-test
rm "$(dirname "$config")/conf.d/agent.yaml" /etc/systemd/system/fetchd.service.d/{credentials,root-directory}.conf
cp /boot-test/examples/log-namespace.conf /etc/systemd/system/fetchd.service.d/
systemctl stop another.socket
systemctl daemon-reload
systemctl restart fetchd.service
journalctl --namespace=fetchd --sync
check "messages are in a journal of its own" \
	has listening journalctl --quiet --namespace=fetchd --unit=fetchd --output=cat
check "and only there" is '' journalctl --quiet --unit=fetchd --output=cat "_PID=$(unit MainPID)"
rm /etc/systemd/system/fetchd.service.d/log-namespace.conf
systemctl daemon-reload
systemctl restart fetchd.service

# ---- what is on disk -------------------------------------------------------------------------------
check "the state folder is nobody else's" is 'fetchd 700' stat -c '%U %a' /var/lib/fetchd
check "so is the store" is 'fetchd 600' stat -c '%U %a' /var/lib/fetchd/batches.db
place=$(api /v1/batches --header 'Prefer: respond-async' --output /dev/null --dump-header - \
	--data "{\"urls\":[\"http://127.0.0.1:$port/hold/kept\"],\"deadline\":\"60s\"}" |
	tr -d '\r' | sed -n 's/^[Ll]ocation: *//p')
check "a detached batch is running" has reached origin_ask 'wait held>=1 20000'
kill -KILL "$(unit MainPID)"
origin_ask 'wait held<=0 20000' >/dev/null
check "after a crash it is fetched again" has reached origin_ask 'wait held>=1 20000'
check "and may end" has 'released 1' origin_ask 'release kept'
check "well" becomes '"outcome":"ok","policy"' eval "api '$place' | grep -o '\"outcome\":\"ok\",\"policy\"'"

# ---- stop ------------------------------------------------------------------------------------------
batch /hold/stop >/tmp/held &
held=$!
check "a batch is running" has reached origin_ask 'wait held>=1 20000'
kill -TERM "$(unit MainPID)"
check "told to end, it says that it stops" becomes deactivating unit ActiveState
check "new work is refused" is 503 status_of /v1/health/ready
check "the running batch may end" has 'released 1' origin_ask 'release stop'
wait $held
check "and ends well" has '"outcome": ?"ok"' cat /tmp/held
check "then the daemon has ended" becomes inactive unit ActiveState
check "well" is success unit Result

batch /slow/4000 >/tmp/held &
held=$!
origin_ask 'wait held>=1 20000' >/dev/null
systemctl stop fetchd.service 2>/dev/null # it warns that the socket may start it again
wait $held
check "a stop waits longer than TimeoutStopSec= for a batch" has '"outcome": ?"ok"' cat /tmp/held
check "without being killed" is success unit Result

systemctl stop fetchd.socket fetchd.service
check "the folder is empty" is '' ls -A /run/fetchd
check "no process is left" is '' find /proc -maxdepth 1 -user fetchd

# ---- a bad configuration ---------------------------------------------------------------------------
echo 'limits: {in_fligt: 1}' >"$config"

check "a bad configuration does not start" is 1 eval 'systemctl start fetchd.service; echo $?'
check "and says 78" is 78 unit ExecMainStatus
check "and is not tried again" is 0 unit NRestarts
check "the journal says where it is wrong" \
	has "$config:1:10: " journalctl --quiet --unit=fetchd --output=cat

if [ -d $packages ]; then
	check "the package goes away" dpkg --no-triggers --purge fetchd fetchd-dbgsym
	check "its units with it" is not-found unit LoadState
	check "and its state" test ! -e /var/lib/fetchd
fi

check "systemd ignored nothing of the units" is '' sh -c \
	'journalctl --quiet --boot | grep -E "fetchd\.(service|socket):[0-9]+:"'
finish
