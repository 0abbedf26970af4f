/** The configuration files of the application (nginx) and of the peers (HAProxy, Envoy): one thread each. */
import { SERVER_NAME } from "./certificates.ts";
import { SERVER_IP } from "./environment.ts";

export const APPLICATION_PORT = 9000, HTTP2_APPLICATION_PORT = 9001;

/** The application behind every candidate: a fixed answer of 49 bytes. */
export function nginx(directory: string): string {
  return `worker_processes 1; daemon off; pid ${directory}/nginx.pid; error_log /dev/null;
events { worker_connections 20000; }
http { access_log off; keepalive_requests 100000000; keepalive_timeout 3600; server {
listen ${APPLICATION_PORT} backlog=16384; listen ${HTTP2_APPLICATION_PORT} http2;
location / { return 200 "hello world, this is a response body of some size\\n"; } } }
`;
}

function haproxy(bind: string, server: string): string {
  return `global
  nbthread 1
  maxconn 9900
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  http-reuse always
frontend f
  bind 0.0.0.0:${bind}
  default_backend b
backend b
  server s ${server}
`;
}

/** HAProxy beside the server: mutual TLS in, plain HTTP to the application. */
export function haproxyInbound(
  directory: string,
  port: number,
  alpn: string,
  application = `127.0.0.1:${APPLICATION_PORT}`,
): string {
  const tls = `ssl crt ${directory}/server.pem ca-file ${directory}/ca.crt verify required`;
  return haproxy(`${port} ${tls} alpn ${alpn} ssl-min-ver TLSv1.3`, application);
}

/** HAProxy beside the client: plain HTTP in, mutual TLS to the other HAProxy. */
export function haproxyOutbound(
  directory: string,
  port: number,
  peerPort: number,
  alpn: string,
  bind = `${port}`,
): string {
  const tls = `ssl verify required ca-file ${directory}/ca.crt crt ${directory}/client.pem`;
  const name = `sni str(${SERVER_NAME}) verifyhost ${SERVER_NAME}`;
  return haproxy(bind, `${SERVER_IP}:${peerPort} ${tls} ${name} alpn ${alpn}`);
}

/** HAProxy as one hop without TLS. */
export function haproxyPlain(port: number): string {
  return haproxy(`${port}`, `${SERVER_IP}:${APPLICATION_PORT}`);
}

const TLS_PARAMS =
  "tls_params: { tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_3 }";
const ENVOY_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";

function envoy(
  port: number,
  downstreamTls: string,
  address: string,
  upstreamPort: number,
  upstreamTls: string,
) {
  const http = "type.googleapis.com/envoy.extensions.filters";
  return `static_resources:
  listeners:
  - address: { socket_address: { address: 0.0.0.0, port_value: ${port} } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": ${http}.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bench
          codec_type: AUTO
          generate_request_id: false
          route_config: { virtual_hosts: [ { name: s, domains: ["*"], routes: [ { match: { prefix: "/" }, route: { cluster: next, timeout: 0s } } ] } ] }
          http_filters: [ { name: envoy.filters.http.router, typed_config: { "@type": ${http}.http.router.v3.Router } } ]
${downstreamTls}
  clusters:
  - name: next
    type: STATIC
    circuit_breakers: { thresholds: [ { max_connections: 100000, max_pending_requests: 100000, max_requests: 100000 } ] }
    load_assignment: { cluster_name: next, endpoints: [ { lb_endpoints: [ { endpoint: { address: { socket_address: { address: ${address}, port_value: ${upstreamPort} } } } } ] } ] }
${upstreamTls}
`;
}

function certificate(directory: string, side: string): string {
  return `tls_certificates: [ { certificate_chain: { filename: ${directory}/${side}.crt }, ` +
    `private_key: { filename: ${directory}/${side}.key } } ]`;
}

/** Envoy beside the server. */
export function envoyInbound(directory: string, port: number): string {
  const tls = `      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": ${ENVOY_TLS}.DownstreamTlsContext
          require_client_certificate: true
          common_tls_context:
            alpn_protocols: [h2, http/1.1]
            ${TLS_PARAMS}
            ${certificate(directory, "server")}
            validation_context: { trusted_ca: { filename: ${directory}/ca.crt } }`;
  return envoy(port, tls, "127.0.0.1", APPLICATION_PORT, "");
}

/** Envoy beside the client. */
export function envoyOutbound(directory: string, port: number, peerPort: number, isHttp2: boolean): string {
  const protocol = `    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http2_protocol_options: {} }
`;
  const tls = `    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": ${ENVOY_TLS}.UpstreamTlsContext
        sni: ${SERVER_NAME}
        common_tls_context:
          alpn_protocols: [${isHttp2 ? "h2" : "http/1.1"}]
          ${TLS_PARAMS}
          ${certificate(directory, "client")}
          validation_context: { trusted_ca: { filename: ${directory}/ca.crt }, match_typed_subject_alt_names: [ { san_type: DNS, matcher: { exact: ${SERVER_NAME} } } ] }`;
  return envoy(port, "", SERVER_IP, peerPort, (isHttp2 ? protocol : "") + tls);
}
