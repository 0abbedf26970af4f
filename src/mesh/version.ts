/** The version of this build, as images are tagged and `linkerd version` prints it. */
import configuration from "../../deno.json" with { type: "json" };

export const VERSION: string = configuration.version;
