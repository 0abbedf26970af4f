/** How manifests are written: kubectl and Helm read YAML 1.1, to which `off` is a boolean and `1:30` a number. */
export const YAML_OPTIONS = { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false } as const;
