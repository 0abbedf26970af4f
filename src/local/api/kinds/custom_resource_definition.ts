/** Rules of CustomResourceDefinitions; what makes them served is in registry/custom.ts. */
import type { CustomResourceDefinition } from "../../../kube/kinds.ts";
import { timeText } from "../object.ts";
import type { Strategy } from "./strategy.ts";

export const customResourceDefinitionStrategy: Strategy = {
  setDefaults(object) {
    const { spec } = object as unknown as CustomResourceDefinition;
    if (spec?.names === undefined) return;
    spec.names.singular ??= spec.names.kind?.toLowerCase();
    spec.names.listKind ??= `${spec.names.kind}List`;
    spec.conversion ??= { strategy: "None" };
  },
  prepareForCreate(object, context) {
    const { spec } = object as unknown as CustomResourceDefinition;
    const lastTransitionTime = timeText(context.now());
    const condition = (type: string, reason: string, message: string) => ({
      type,
      status: "True",
      lastTransitionTime,
      reason,
      message,
    });
    // Served as soon as it is stored, so it is established from the start.
    object["status"] = {
      conditions: [
        condition("NamesAccepted", "NoConflicts", "no conflicts found"),
        condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
      ],
      acceptedNames: spec?.names,
      storedVersions: (spec?.versions ?? []).filter(({ storage }) => storage).map(({ name }) => name),
    };
  },
  prepareForUpdate(object, old) {
    const { spec } = object as unknown as CustomResourceDefinition;
    const status = old["status"] as { storedVersions?: string[] } | undefined;
    const storing = (spec?.versions ?? []).filter(({ storage }) => storage).map(({ name }) => name);
    object["status"] = {
      ...status,
      acceptedNames: spec?.names,
      storedVersions: [...new Set([...(status?.storedVersions ?? []), ...storing])],
    };
  },
  validate(object, errors, old) {
    const { metadata, spec } = object as unknown as CustomResourceDefinition;
    if (spec?.names === undefined || spec.group === undefined) return;
    const expected = `${spec.names.plural}.${spec.group}`;
    if (metadata?.name !== expected) {
      errors.invalid("metadata.name", metadata?.name, `must be spec.names.plural+"."+spec.group`);
    }
    if (spec.scope !== "Namespaced" && spec.scope !== "Cluster") {
      errors.unsupported("spec.scope", spec.scope, ["Cluster", "Namespaced"]);
    }
    if (spec.conversion?.strategy === "Webhook") {
      errors.unsupported("spec.conversion.strategy", "Webhook", ["None"]);
    }
    const storing = (spec.versions ?? []).filter(({ storage }) => storage);
    if (storing.length !== 1) {
      errors.invalid(
        "spec.versions",
        (spec.versions ?? []).map(({ name }) => name),
        "must have exactly one version marked as storage version",
      );
    }
    for (const [index, version] of (spec.versions ?? []).entries()) {
      if (version.schema?.openAPIV3Schema === undefined) {
        errors.required(
          `spec.versions[${index}].schema.openAPIV3Schema`,
          "schemas are required",
        );
      } else if (version.schema.openAPIV3Schema.type !== "object") {
        errors.invalid(
          `spec.versions[${index}].schema.openAPIV3Schema.type`,
          version.schema.openAPIV3Schema.type ?? "",
          "must be object at the root",
        );
      }
    }
    const before = (old as unknown as CustomResourceDefinition | undefined)?.spec;
    if (before !== undefined && before.scope !== spec.scope) {
      errors.invalid("spec.scope", spec.scope, "field is immutable");
    }
    if (before !== undefined && before.group !== spec.group) {
      errors.invalid("spec.group", spec.group, "field is immutable");
    }
  },
};
