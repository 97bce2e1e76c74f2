#!/bin/bash
# SPDX-License-Identifier: MIT
# A real nginx on loopback, with everything it has (configuration, certificates, logs) in one folder.
#
#   nginx.sh start FOLDER   prints the assignments below when it accepts connections
#   nginx.sh stop FOLDER    returns when it has ended
#   nginx.sh hold FOLDER    start; stop at the end of standard input
#
#   NGINX_HTTP=PORT          /ok/…  /slow/SECONDS  /failing (503)  /redirecting (302 to /ok)  /status
#   NGINX_HTTPS=PORT         the same over TLS with HTTP/2, certificate for localhost and 127.0.0.1
#   NGINX_EXPIRED=PORT       … the certificate has expired
#   NGINX_MISNAMED=PORT      … it is somebody else's
#   NGINX_SELF_SIGNED=PORT   … nobody has signed it
#   NGINX_OLD_TLS=PORT       … TLS 1.0 alone
#   NGINX_CA=FILE            what signed the first three
#   NGINX_ASKING=PORT        … asks for a certificate of the client's, and answers 400 without
#   NGINX_CLIENT=FILE        one, with its key
#   NGINX_FRESH=PORT         … every request has a connection of its own, with a whole handshake
#
# nginx cannot be told "any free port", so a block of numbers is tried until one is free. The numbers
# lie below those that the kernel gives to outgoing connections.
set -euo pipefail

tries=20
block=8

make_key() {
	openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
}

# leaf NAME SUBJECT_ALT_NAME: NAME.key and NAME.pem, signed by ca.pem, valid from $from to $to
make_leaf() {
	make_key "$1"
	openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
	openssl ca -batch -notext -config ca.conf -in "$1.csr" -out "$1.pem" \
		-startdate "$from" -enddate "$to" -extfile <(echo "subjectAltName=$2")
}

make_certificates() {
	local from=20200101000000Z to=20491231235959Z
	cat >ca.conf <<-END
		[ca]
		default_ca = one
		[one]
		database = ca.index
		serial = ca.serial
		new_certs_dir = .
		certificate = ca.pem
		private_key = ca.key
		default_md = sha256
		policy = any
		unique_subject = no
		[any]
		commonName = supplied
		[req]
		distinguished_name = name
		[name]
		[authority]
		basicConstraints = critical,CA:TRUE
		subjectKeyIdentifier = hash
	END
	: >ca.index
	echo 01 >ca.serial
	make_key ca
	openssl req -config ca.conf -extensions authority -x509 -key ca.key -subj "/CN=a test authority" \
		-days 3650 -out ca.pem
	make_leaf good DNS:localhost,IP:127.0.0.1,IP:::1
	make_leaf misnamed DNS:elsewhere.example
	make_leaf client DNS:client.example
	cat client.key >>client.pem
	to=20210101000000Z
	make_leaf expired DNS:localhost,IP:127.0.0.1
	make_key self-signed
	openssl req -config ca.conf -x509 -key self-signed.key -subj /CN=localhost -days 3650 \
		-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -out self-signed.pem
}

# One server block: its listen line, and what else it needs.
server() {
	cat <<-END
		server {
			listen $1;
			${2:-}
			location / { return 404 "no\n"; }
			location /ok { return 200 "ok\n"; }
			location /failing { return 503 "no\n"; }
			location /redirecting { return 302 /ok; }
			location /status { stub_status; }
			location ~ ^/slow/(?<seconds>[0-9.]+) { echo_sleep \$seconds; echo ok; }
		}
	END
}

tls() {
	echo "ssl_certificate $1.pem; ssl_certificate_key $1.key;"
}

write_config() {
	local port=$1 user=""
	[ "$(id -u)" != 0 ] || user="user root;" # the folder is the caller's alone
	cat >nginx.conf <<-END
		load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;
		$user
		pid nginx.pid;
		error_log error.log;
		worker_processes 1;
		worker_rlimit_nofile $(ulimit -Hn);
		events { worker_connections $(($(ulimit -Hn) - 100)); multi_accept on; }
		http {
			access_log off;
			default_type text/plain;
			keepalive_timeout 600;
			keepalive_requests 1000000000;
			lingering_close off;
			client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp;
			uwsgi_temp_path temp; scgi_temp_path temp;
			$(server "127.0.0.1:$port backlog=4096")
			$(server "127.0.0.1:$((port + 1)) ssl http2 backlog=4096" "$(tls good)")
			$(server "127.0.0.1:$((port + 2)) ssl" "$(tls expired)")
			$(server "127.0.0.1:$((port + 3)) ssl" "$(tls misnamed)")
			$(server "127.0.0.1:$((port + 4)) ssl" "$(tls self-signed)")
			$(server "127.0.0.1:$((port + 5)) ssl" "$(tls good)
				ssl_protocols TLSv1; ssl_ciphers ALL:@SECLEVEL=0;")
			$(server "127.0.0.1:$((port + 6)) ssl" "$(tls good)
				ssl_verify_client on; ssl_client_certificate ca.pem;")
			$(server "127.0.0.1:$((port + 7)) ssl backlog=4096" "$(tls good)
				keepalive_timeout 0; ssl_session_cache off; ssl_session_tickets off;")
		}
	END
}

# A port that somebody else has is noticed here, where nginx itself would first try for seconds.
is_free() {
	local i
	for ((i = $1; i < $1 + block; i++)); do
		! (exec 3<>"/dev/tcp/127.0.0.1/$i") 2>/dev/null || return 1
	done
}

start() {
	local port
	mkdir -p "$1/temp"
	cd "$1"
	make_certificates >openssl.log 2>&1 || { cat openssl.log >&2; exit 1; }
	for ((; tries > 0; tries--)); do
		port=$((20000 + RANDOM % 2000 * block))
		is_free "$port" || continue
		write_config "$port"
		# a daemon keeps what it is given, so it is not given the caller's output
		if nginx -p . -e error.log -c nginx.conf </dev/null >start.log 2>&1; then
			echo "NGINX_HTTP=$port NGINX_HTTPS=$((port + 1)) NGINX_EXPIRED=$((port + 2))" \
				"NGINX_MISNAMED=$((port + 3)) NGINX_SELF_SIGNED=$((port + 4))" \
				"NGINX_OLD_TLS=$((port + 5)) NGINX_CA=$PWD/ca.pem" \
				"NGINX_ASKING=$((port + 6)) NGINX_CLIENT=$PWD/client.pem NGINX_FRESH=$((port + 7))"
			return
		fi
		grep -q 'Address already in use' error.log || break
		: >error.log
	done
	echo "nginx.sh: nginx does not start" >&2
	cat start.log error.log >&2
	exit 1
}

# Gone, or a zombie that its parent, the system's first process, has not yet collected.
has_ended() {
	local state
	{ read -r _ _ state _ <"/proc/$1/stat"; } 2>/dev/null || return 0
	[ "$state" = Z ]
}

stop() {
	local pid i
	pid=$(cat "$1/nginx.pid" 2>/dev/null) || return 0
	kill "$pid" 2>/dev/null || return 0
	for ((i = 0; i < 500; i++)); do
		! has_ended "$pid" || return 0
		sleep 0.02
	done
	echo "nginx.sh: nginx ($pid) does not end" >&2
	return 1
}

case ${1:-}:$# in
start:2) start "$2" ;;
stop:2) stop "$2" ;;
hold:2)
	trap 'stop "$2"' EXIT
	(start "$2")
	while read -r _; do :; done
	;;
*)
	sed -n '3,/^set /{/^#/s/^# \{0,1\}//p}' "$0" >&2
	exit 2
	;;
esac
