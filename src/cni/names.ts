/** Names of the CNI plugin's files and of what it writes. Linkerd's, as far as it has them. */

/** The executable the container runtime starts, and the plugin's `type` in a network configuration. */
export const PLUGIN = "linkerd-cni";
/** Beside the network configurations; the name sorts last, and no runtime reads it as a configuration. */
export const KUBECONFIG_FILE = "ZZZ-linkerd-cni-kubeconfig";
/** Beside the executable: runtime, libraries and script, in a directory by their digest. */
export const PROGRAM_DIRECTORY = ".linkerd-cni";
/** What a `.conf` is renamed to while a `.conflist` made from it stands in its place. */
export const ORIGINAL_SUFFIX = ".before-linkerd-cni";
