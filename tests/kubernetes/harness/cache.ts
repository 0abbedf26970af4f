/** Where the harness keeps what took long to get. */
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");
export const CACHE = `${ROOT}/.cache/kubernetes`;
