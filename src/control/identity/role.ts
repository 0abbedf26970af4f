/** The identity role: serves Identity.Certify and says long before when its issuer ends. */
import { join } from "node:path";
import { Gauge } from "prom-client";
import { IdentityDefinition } from "../../../proto/gen/identity.ts";
import {
  CLUSTER_DOMAIN,
  CONTROL_PLANE_NAMESPACE,
  CONTROL_PORTS,
  ISSUER_DIRECTORY,
  TRUST_ROOTS_DIRECTORY,
  TRUST_ROOTS_KEY,
} from "../../mesh/names.ts";
import { EventRecorder } from "../events.ts";
import { GrpcServer } from "../grpc/server.ts";
import { grpcMetrics } from "../process/metrics.ts";
import type { Role, RunningRole } from "../process/role.ts";
import { exportCertificateEnds } from "./certificate_ends.ts";
import { type CredentialEvent, watchCredentials } from "./credentials.ts";
import { certify } from "./service.ts";

export const identityRole: Role = {
  adminPort: CONTROL_PORTS.identityAdmin,
  async start({ flags, registry, cluster }): Promise<RunningRole> {
    const port = flags.port("addr", CONTROL_PORTS.identity);
    const controlPlaneNamespace = flags.string("controller-namespace", CONTROL_PLANE_NAMESPACE);
    const trustDomain = flags.string("identity-trust-domain", CLUSTER_DOMAIN);
    const lifetimeMs = flags.duration("identity-issuance-lifetime", "24h0m0s");
    const skewMs = flags.duration("identity-clock-skew-allowance", "20s");
    const issuerDirectory = flags.string("identity-issuer-directory", ISSUER_DIRECTORY);
    const anchorsFile = flags.string(
      "identity-trust-anchors-file",
      join(TRUST_ROOTS_DIRECTORY, TRUST_ROOTS_KEY),
    );

    const events = new EventRecorder(cluster, "linkerd-identity");
    const self = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      name: "linkerd-identity",
      namespace: controlPlaneNamespace,
    };
    const onEvent = (event: CredentialEvent) => {
      if (event.kind === "updated") {
        const until = new Date(event.validUntil).toISOString();
        console.error(`issuer loaded, valid until ${until}`);
        events.report(self, {
          type: "Normal",
          reason: "IssuerUpdated",
          message: `Updated identity issuer, valid until ${until}`,
        });
      } else if (event.kind === "refused") {
        console.error(`issuer refused: ${event.reason}`);
        events.report(self, {
          type: "Warning",
          reason: "IssuerValidationFailed",
          message: `Failed to validate issuer: ${event.reason}`,
        });
      }
    };
    const credentials = await watchCredentials({ issuerDirectory, anchorsFile }, onEvent);
    new Gauge({
      name: "issuer_cert_ttl_seconds",
      help: "Seconds until the issuer, or what it hangs on, ends.",
      registers: [registry],
      collect() {
        const until = credentials.current?.issuer.validUntil;
        this.set(until === undefined ? 0 : (until - Date.now()) / 1000);
      },
    });

    exportCertificateEnds(registry, () => credentials.current?.issuer);

    const server = new GrpcServer(grpcMetrics(registry));
    server.add(IdentityDefinition, {
      certify: (request) =>
        certify({
          domain: { controlPlaneNamespace, trustDomain },
          credentials,
          lifetimeMs,
          skewMs,
          cluster,
          onIssued: (account, identity, validUntil) =>
            events.report({ apiVersion: "v1", kind: "ServiceAccount", ...account }, {
              type: "Normal",
              reason: "IssuedLeafCertificate",
              message: `issued certificate for ${identity} until ${new Date(validUntil).toISOString()}`,
            }),
        }, request),
    });
    await server.listen(port);
    return {
      waitingFor: () =>
        credentials.current === undefined
          ? [`a usable issuer (${credentials.problem ?? "not read yet"})`]
          : [],
      async stop() {
        credentials.stop();
        await server.stop();
      },
    };
  },
};
