/** The two path functions the build needs; node:path's are used so that no registry package is loaded to start it. */
export { dirname } from "node:path";
export { fileURLToPath as fromFileUrl } from "node:url";
