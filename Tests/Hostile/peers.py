"""The servers that Martlet is compared with, each in front of the same recorder."""

import contextlib
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

NGINX = """
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log crit;
events {{ worker_connections 4000; }}
http {{
    access_log off;
    client_max_body_size 16m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream recorder {{ server 127.0.0.1:{backend}; keepalive 64; }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{
            proxy_pass http://recorder;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
    }}
}}
"""

HAPROXY = """
global
    nbthread 1
    maxconn 4000
defaults
    mode http
    timeout connect 2s
    timeout client 20s
    timeout server 20s
frontend front
    bind 127.0.0.1:{port} backlog 1024
    http-request set-header X-Forwarded-For %[src]
    default_backend recorder
backend recorder
    server one 127.0.0.1:{backend}
"""


def installed(name):
    return shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


def version(name):
    words = subprocess.run([installed(name), "-v"], capture_output=True, text=True).stdout
    words += subprocess.run([installed(name), "-v"], capture_output=True, text=True).stderr
    return next(word for word in words.replace("/", " ").split() if word[0].isdigit()).split("-")[0]


@contextlib.contextmanager
def nginx(backend):
    user = f"user {pathlib.Path.home().owner()};"
    with folder() as place, running("nginx", place, NGINX, ["-c"], backend=backend, user=user) as port:
        yield port


@contextlib.contextmanager
def haproxy(backend):
    with folder() as place, running("haproxy", place, HAPROXY, ["-f"], backend=backend) as port:
        yield port


PEERS = {"nginx": nginx, "haproxy": haproxy}


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield pathlib.Path(name)


@contextlib.contextmanager
def running(name, place, configuration, option, **words):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file = place / f"{name}.conf"
    file.write_text(configuration.format(folder=place, port=port, **words))
    process = subprocess.Popen(
        [installed(name), *option, file], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        await_port(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(10)
        process.stderr.close()


def await_port(port, process):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(process.stderr.read().decode())
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("nothing listens")
