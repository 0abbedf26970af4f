/**
 * Requests against routes: whatever head our parser accepts is looked at by every kind of match without a fault, and
 * after the edits that a policy may ask for, what goes to the next hop is read there as one head, without the fields that
 * were taken away, with the lines that were added, with the framing that it had.
 */
import { viewHead } from "../../src/wasm/head.ts";
import { Body, Head, HeadFlag, Method, TargetForm } from "../../src/wasm/http1.ts";
import { BlockKind } from "../../src/wasm/http2.ts";
import { EditLines } from "../../src/proxy/route/edit_lines.ts";
import { headerEditOf } from "../../src/proxy/route/header_edit.ts";
import type { RequestMatch } from "../../src/proxy/route/matches.ts";
import { RouteTable } from "../../src/proxy/route/route_table.ts";
import { redirect } from "../../src/proxy/route/redirect.ts";
import { errorHead } from "../../src/proxy/error.ts";
import { Arena } from "../../src/proxy/worker/arena.ts";
import { requests } from "./http1_messages.ts";
import type { Target } from "./target.ts";

const MAX_HEAD = 32768, MAX_TARGET = 16384, MAX_HEADERS = 128;
const regex = (pattern: string) => ({ kind: "regex" as const, pattern });
const MATCHES: readonly RequestMatch[] = [
  { kind: "http", path: regex("/(a+)+b?"), headers: [], queryParams: [] },
  { kind: "http", path: { kind: "prefix", value: "/a/" }, headers: [], queryParams: [], method: "GET" },
  { kind: "http", path: { kind: "exact", value: "/" }, headers: [], queryParams: [] },
  { kind: "http", headers: [{ name: "accept", value: regex(".*") }], queryParams: [] },
  { kind: "http", headers: [], queryParams: [{ name: "q", value: regex(".+") }] },
  { kind: "grpc", service: "a", method: "", headers: [] },
  { kind: "profile", condition: { kind: "not", of: { kind: "path", pattern: "/.*" } } },
];
const HOSTS = [
  { kind: "suffix" as const, reverseLabels: ["com", "example"] },
  { kind: "exact" as const, name: "example.com." },
];

export function routesTarget(): Target {
  const arena = Arena.create(), { wasm, memory, recordAt, receiveAt: at, scratchAt: out } = arena;
  const lines = new EditLines(arena);
  const tables = MATCHES.flatMap((match) =>
    [[], HOSTS].map((hosts) => new RouteTable([{ hosts, rules: [{ matches: [match], target: true }] }]))
  );
  const edit = headerEditOf([{
    add: [["x-added", "1"]],
    set: [["accept", "a/b"]],
    remove: ["user-agent", "x"],
  }]);
  if (typeof edit !== "object") throw new Error("the fuzzer's own edit is invalid");
  const parse = (from: number, length: number) =>
    wasm.parseRequestHead(from, from + length, recordAt, 0, MAX_HEAD, MAX_TARGET, MAX_HEADERS);
  const framing = (from: number) => {
    const { body, contentLength, method, path, authority } = viewHead(memory, from, recordAt);
    return JSON.stringify([body, body === Body.Length ? contentLength : 0, method, path, authority]);
  };

  function checkEdited(from: number, length: number, before: string): void {
    if (parse(from, length) !== length) throw new Error("an edited head is not read as one head");
    if (framing(from) !== before) throw new Error(`${before} has become ${framing(from)}`);
    const { headers } = viewHead(memory, from, recordAt);
    const of = (name: string) => headers.filter((header) => header.name.toLowerCase() === name);
    if (of("user-agent").length + of("x").length > 0) throw new Error("a removed field is there");
    if (of("x-added").length < 1) throw new Error("an added field is not there");
    if (of("accept").map(({ value }) => value).join() !== "a/b") throw new Error("a field was not set");
  }

  return {
    name: "routes",
    generate: (random) => requests(random),
    check(input) {
      if (input.length > MAX_HEAD) return;
      memory.bytes.set(input, at);
      const length = parse(at, input.length);
      if (length <= 0) return;
      for (const table of tables) table.find(arena, at, [0, 0, 0]);
      const answer = redirect({ kind: "redirect", status: 302, scheme: "https" }, arena, at, -1);
      if (answer !== undefined) {
        const size = arena.writeAscii(out, errorHead(answer, true, {}));
        const read = wasm.parseResponseHead(
          out,
          out + size,
          recordAt,
          0,
          2 * MAX_HEAD,
          MAX_HEADERS,
          Method.Get,
        );
        if (read !== size) throw new Error("a redirect is not read as one head");
        parse(at, input.length);
      }
      // What is an Upgrade, or names another host than its target, is written anew with lines of its own.
      const view = viewHead(memory, at, recordAt), before = framing(at);
      const isAnew = (view.flags & (HeadFlag.Upgrade | HeadFlag.HostDiffers)) !== 0;
      if (view.body === Body.Tunnel || isAnew || view.headers.length > MAX_HEADERS - 8) return;
      const extra = lines.compose(at, 0, 0, edit, undefined),
        skip = memory.words[(recordAt >> 2) + Head.MethodOffset]!;
      const kept = wasm.rewriteHead(recordAt, at, out, skip, 0, 0, 0, lines.at, extra);
      checkEdited(out, kept, before);
      parse(at, input.length);
      lines.compose(at, 0, 0, edit, undefined);
      const chunked = view.body === Body.Chunked ? 1 : 0;
      const anew = wasm.writeHttp1Head(
        recordAt,
        at,
        out,
        out + 2 * MAX_HEAD,
        BlockKind.Request,
        chunked,
        0,
        0,
        0,
        lines.at,
        extra,
      );
      if (view.version === 11 && view.form === TargetForm.Origin) checkEdited(out, anew, before);
    },
  };
}
