import Foundation
import MartletBase

/// The two gateways' files: the same in two languages.
enum StormFiles {
    /// A configuration that many copy for Langchain-Chatchat, with other addresses. Left out are its backup server
    /// (there are two backends here) and its `/healthz`, which needs a module that nginx does not come with. Around it
    /// stands what any nginx needs, with more than enough connections.
    static func nginx(port: Int, backends: [Int], folder: String) -> String {
        let servers = backends.map { "        server 127.0.0.1:\($0) weight=3 max_fails=2 fail_timeout=30s;" }
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "    \($0)_temp_path \(folder)/\($0);" }
        return """
            \(geteuid() == 0 ? "user root;" : "")
            worker_processes auto;
            worker_rlimit_nofile 65536;
            daemon off;
            pid \(folder)/nginx.pid;
            error_log \(folder)/nginx-error.log crit;
            events { worker_connections 16384; }
            http {
                access_log off;
            \(paths.joined(separator: "\n"))
                upstream chatchat_backend {
                    least_conn;
            \(servers.joined(separator: "\n"))
                }
                server {
                    listen 127.0.0.1:\(port);
                    server_name chat.internal.company.com;
                    location / {
                        proxy_pass http://chatchat_backend;
                        proxy_set_header Host $host;
                        proxy_set_header X-Real-IP $remote_addr;
                        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                        proxy_set_header X-Forwarded-Proto $scheme;
                        proxy_read_timeout 600s;
                        proxy_send_timeout 600s;
                        proxy_connect_timeout 30s;
                        proxy_buffering on;
                        proxy_buffer_size 128k;
                        proxy_buffers 4 256k;
                    }
                }
            }

            """
    }

    /// The same for Martlet. What nginx has no word for: `health`, and a `first_byte` of its own beside the 600 s
    /// between two reads.
    static func martlet(port: Int, backends: [Int], firstByte: Duration) -> String {
        let targets = backends.map { port in
            "      - {url: \"http://127.0.0.1:\(port)\", weight: 3, max_fails: 2, fail_timeout: 30s, host: preserve}"
        }
        return """
            listen: 127.0.0.1:\(port)
            console: {address: "127.0.0.1:0"}
            pools:
              chatchat:
                timeouts: {connect: 30s, first_byte: \(firstByte.text), idle: 600s}
                health: {path: /api/kb/health, interval: \(firstByte.text), timeout: \(firstByte.text)}
                targets:
            \(targets.joined(separator: "\n"))

            """
    }
}
