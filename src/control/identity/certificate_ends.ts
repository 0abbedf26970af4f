/** When the issuer and every trust anchor end, one sample each: what metrics-api reads for the dashboard. */
import type { X509Certificate } from "node:crypto";
import { Gauge, type Registry } from "prom-client";
import { CERTIFICATE_END_METRIC } from "../../mesh/names.ts";
import { certificateName, type Issuer } from "./trust.ts";

/** @param current the issuer in use; without one there are no samples */
export function exportCertificateEnds(registry: Registry, current: () => Issuer | undefined): void {
  new Gauge({
    name: CERTIFICATE_END_METRIC,
    help: "When the issuer and each trust anchor end, in seconds since 1970.",
    labelNames: ["use", "name", "serial"],
    registers: [registry],
    collect() {
      this.reset();
      const issuer = current();
      if (issuer === undefined) return;
      const put = (use: string, one: X509Certificate) =>
        this.set(
          { use, name: certificateName(one), serial: one.serialNumber },
          Date.parse(one.validTo) / 1000,
        );
      put("issuer", issuer.certificate);
      for (const anchor of issuer.anchors) put("anchor", anchor);
    },
  });
}
