/**
 * linkerd2-proxy-init: makes the connections of a pod pass through its proxy, then exits.
 *
 * It speaks to nf_tables itself, so the image needs no iptables; as an init container it runs in every meshed pod.
 */
import { inNamespaces, namespaceObstacle, openNamespaceFile } from "../linux/namespace.ts";
import { explainNftables, openNftables } from "../linux/netlink/nftables/batch.ts";
import { type InitOptions, parseOptions, UsageError } from "./options.ts";
import { applyRules, formatRule, type Rule, rulesOf } from "./rules.ts";

const CLOSE_WAIT = "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait";

/**
 * Does what the command line says, in the network namespace of the calling thread.
 * @param write takes one line of log
 * @returns the exit status
 */
export function runInit(args: readonly string[], write: (line: string) => void): number {
  let options: InitOptions, rules: Rule[];
  try {
    options = parseOptions(args);
    rules = rulesOf(options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    write(`proxy-init: ${error.message}`);
    return 1;
  }
  const log = (level: "info" | "error", text: string) => {
    if (level === "info" && /^(warn|warning|error|fatal|panic)$/.test(options.logLevel)) return;
    const time = new Date().toISOString();
    write(
      options.logFormat === "json"
        ? JSON.stringify({ level, msg: text, time })
        : `time="${time}" level=${level} msg=${JSON.stringify(text)}`,
    );
  };
  if (options.isSimulated) {
    for (const rule of rules) write(formatRule(rule));
    return 0;
  }
  const apply = () => {
    const connection = openNftables();
    try {
      applyRules(connection, rules, options.hasIPv6);
    } finally {
      connection.close();
    }
    if (options.closeWaitSeconds > 0) Deno.writeTextFileSync(CLOSE_WAIT, String(options.closeWaitSeconds));
  };
  try {
    if (options.networkNamespace === undefined) apply();
    else {
      using namespace = openNamespaceFile(options.networkNamespace, "net");
      inNamespaces({ enter: [namespace] }, apply);
    }
  } catch (error) {
    const obstacle = options.networkNamespace === undefined ? undefined : namespaceObstacle();
    log("error", obstacle ?? explainNftables(error));
    return 1;
  }
  const { incomingProxyPort, outgoingProxyPort } = options;
  log(
    "info",
    `inbound connections go to :${incomingProxyPort}, outbound ones to :${outgoingProxyPort} (${rules.length} rules)`,
  );
  return 0;
}

if (import.meta.main) Deno.exit(runInit(Deno.args, (line) => console.error(line)));
