/** Entry of mesh.wasm: what the module exports. Contracts: src/wasm/module.ts. */
export { copyBytes, heapBase } from "./memory";
export { parseRequestHead } from "./http1/request";
export { parseResponseHead } from "./http1/response";
export { rewriteHead } from "./transcode/rewrite";
export { parseTrailers } from "./http1/trailers";
export { encodeHead } from "./transcode/encode_head";
export { writeHttp1Head } from "./transcode/write_http1";
export { chunkedDecode, chunkedForward, chunkedStart, chunkedStep } from "./http1/chunked";
export { detect } from "./detect";
export { histogramCountAtMost, histogramMerge, histogramQuantile, histogramRecord } from "./histogram";
export { readFrameHead, writeFrameHead } from "./http2/frame";
export { hpackDecode, hpackDecoderStart } from "./http2/hpack_decoder";
export { hpackBlockStart, hpackEncodeField, hpackEncoderResize, hpackEncoderStart } from "./http2/hpack_encoder";
