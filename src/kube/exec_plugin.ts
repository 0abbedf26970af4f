/**
 * Credentials from a command (`users[].user.exec`), as cloud providers' kubeconfigs have them.
 *
 * Source: client.authentication.k8s.io/v1 ExecCredential.
 */
import { Buffer } from "node:buffer";
import type { Credentials } from "./http_client.ts";

export interface ExecConfig {
  apiVersion: string;
  command: string;
  args?: string[] | null;
  env?: { name: string; value: string }[] | null;
  installHint?: string;
  provideClusterInfo?: boolean;
  interactiveMode?: "Never" | "IfAvailable" | "Always";
}

interface ExecCredential {
  status?: {
    token?: string;
    clientCertificateData?: string;
    clientKeyData?: string;
    expirationTimestamp?: string;
  };
}

/** Seconds before its expiry at which a credential is fetched anew. */
const EARLY_MS = 10_000;

/**
 * A function that runs the plugin when it has no valid credential.
 *
 * @throws Error with the plugin's own message and its install hint
 */
export function execCredentials(
  config: ExecConfig,
  cluster: { server: string; caCertificate?: string },
): () => Promise<Credentials> {
  let running: Promise<Credentials> | undefined;
  let validUntil = 0;
  return () => {
    if (running === undefined || Date.now() >= validUntil) {
      validUntil = Infinity;
      running = run(config, cluster).then((result) => {
        validUntil = result.expires - EARLY_MS;
        return result.credentials;
      });
      running.catch(() => {
        // The caller who awaits it sees the failure; here only the next call is allowed to try again.
        validUntil = 0;
      });
    }
    return running;
  };
}

async function run(
  config: ExecConfig,
  cluster: { server: string; caCertificate?: string },
): Promise<{ credentials: Credentials; expires: number }> {
  const info = {
    apiVersion: config.apiVersion,
    kind: "ExecCredential",
    spec: {
      interactive: config.interactiveMode !== "Never" && Deno.stdin.isTerminal(),
      ...(config.provideClusterInfo === true
        ? {
          cluster: {
            server: cluster.server,
            ...(cluster.caCertificate === undefined
              ? {}
              : { "certificate-authority-data": Buffer.from(cluster.caCertificate).toString("base64") }),
          },
        }
        : {}),
    },
  };
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(config.command, {
      args: config.args ?? [],
      env: {
        ...Object.fromEntries((config.env ?? []).map(({ name, value }) => [name, value])),
        KUBERNETES_EXEC_INFO: JSON.stringify(info),
      },
      stdin: config.interactiveMode === "Never" ? "null" : "inherit",
      stdout: "piped",
      stderr: "inherit",
    }).output();
  } catch (error) {
    const hint = config.installHint === undefined ? "" : `\n${config.installHint}`;
    throw new Error(`cannot run credential plugin ${config.command}: ${(error as Error).message}${hint}`);
  }
  if (!output.success) throw new Error(`credential plugin ${config.command} exited with ${output.code}`);
  const { status } = JSON.parse(new TextDecoder().decode(output.stdout)) as ExecCredential;
  if (status === undefined) throw new Error(`credential plugin ${config.command} returned no status`);
  return {
    credentials: {
      ...(status.token === undefined ? {} : { token: status.token }),
      ...(status.clientCertificateData === undefined
        ? {}
        : { clientCertificate: status.clientCertificateData }),
      ...(status.clientKeyData === undefined ? {} : { clientKey: status.clientKeyData }),
    },
    expires: status.expirationTimestamp === undefined ? Infinity : Date.parse(status.expirationTimestamp),
  };
}
