/** Entry of mesh.wasm: what the module exports. Contracts: src/wasm/module.ts. */
export { heapBase } from "./memory";
export { parseRequestHead } from "./http1/request";
export { parseResponseHead } from "./http1/response";
export { rewriteHead } from "./transcode/rewrite";
