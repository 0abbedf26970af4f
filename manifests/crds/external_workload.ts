/** ExternalWorkload of workload.linkerd.io: a process outside of the cluster that is part of the mesh. */
import { array, conditions, type Definition, integer, object, type Schema, string } from "./schema.ts";

function spec(tlsField: string, maximumAddresses: number): Schema {
  return object({
    [tlsField]: object({
      identity: string({ minLength: 1, maxLength: 253 }),
      serverName: string({ minLength: 1, maxLength: 253 }),
    }, ["identity", "serverName"]),
    ports: array(object({
      name: string(),
      port: integer({ format: "int32", minimum: 1, maximum: 65_535 }),
      protocol: string({ default: "TCP" }),
    }, ["port"])),
    workloadIPs: array(object({ ip: string() }, ["ip"]), { maxItems: maximumAddresses }),
  }, [tlsField]);
}

const STATUS = object({ conditions: conditions() });
const columns = (
  field: string,
) => [{ name: "Identity", jsonPath: `.spec.${field}.identity`, type: "string" }];

export const externalWorkload: Definition = {
  group: "workload.linkerd.io",
  kind: "ExternalWorkload",
  plural: "externalworkloads",
  categories: ["external"],
  versions: [
    { name: "v1alpha1", spec: spec("meshTls", 1), status: STATUS, columns: columns("meshTls") },
    {
      name: "v1beta1",
      spec: spec("meshTLS", 2),
      status: STATUS,
      columns: columns("meshTLS"),
      isStored: true,
    },
  ],
};
