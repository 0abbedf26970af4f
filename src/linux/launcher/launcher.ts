/**
 * The smallest programs of the image: static executables of a few hundred bytes that start another one.
 *
 * A manifest names programs by path (`/usr/lib/linkerd/linkerd2-proxy-init`), the image has no shell that could stand
 * between such a path and `deno run SCRIPT`, and a script's first line passes one argument only. So the executables are
 * written here, instruction by instruction: replace `argv[0]` by the words of a command, and `execve`.
 *
 * proxy-init needs more: as an ordinary user it may change rules only where its executable carries CAP_NET_ADMIN, and
 * such an executable cannot be started at all where a container may not have that capability. So the capability is on
 * proxy-init's launcher and not on the runtime that every other container starts; the launcher hands it on as an ambient
 * one. Source: capabilities(7), "Transformation of capabilities during execve()"; elf(5).
 */
import { type Assembler, assemblerFor } from "./assembler.ts";

export type Architecture = "amd64" | "arm64";

/** Bits of capabilities that a launcher may hand on. */
export const CAPABILITY = { NET_ADMIN: 12 } as const;

export interface Launcher {
  readonly architecture: Architecture;
  /** What takes the place of the program's own name; the first word is the path to execute. */
  readonly command: readonly [string, ...string[]];
  /** Handed on to the command, where the launcher itself has it. */
  readonly capability?: keyof typeof CAPABILITY;
}

const BASE = 0x400000, ELF_HEADER_BYTES = 64, PROGRAM_HEADER_BYTES = 56;
const CODE_OFFSET = ELF_HEADER_BYTES + PROGRAM_HEADER_BYTES;
/** `_LINUX_CAPABILITY_VERSION_3` */
const CAPABILITY_VERSION = 0x20080522;
const MACHINE: Readonly<Record<Architecture, number>> = { amd64: 62, arm64: 183 };

function words32(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

/** Constants behind the code, each at an address known before the code is written. */
class Constants {
  readonly #parts: Uint8Array[] = [];
  #next: number;

  constructor(start: number) {
    this.#next = start;
  }

  add(bytes: Uint8Array): number {
    const at = this.#next;
    this.#parts.push(bytes);
    this.#next += bytes.length;
    return at;
  }

  text(value: string): number {
    return this.add(new TextEncoder().encode(`${value}\0`));
  }

  bytes(): Uint8Array {
    return concatenate(this.#parts);
  }
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A static executable of one read-only segment. */
function executable(architecture: Architecture, code: Uint8Array, constants: Uint8Array): Uint8Array {
  const size = CODE_OFFSET + code.length + constants.length;
  const head = new DataView(new ArrayBuffer(CODE_OFFSET));
  const put16 = (at: number, value: number) => head.setUint16(at, value, true);
  const put32 = (at: number, value: number) => head.setUint32(at, value, true);
  const put64 = (at: number, value: number) => head.setBigUint64(at, BigInt(value), true);
  // \x7fELF, 64 bits, little endian, version 1
  new Uint8Array(head.buffer).set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  put16(16, 2); // ET_EXEC
  put16(18, MACHINE[architecture]);
  put32(20, 1);
  put64(24, BASE + CODE_OFFSET); // entry
  put64(32, ELF_HEADER_BYTES); // program headers
  put16(52, ELF_HEADER_BYTES);
  put16(54, PROGRAM_HEADER_BYTES);
  put16(56, 1);
  put32(64, 1); // PT_LOAD
  put32(68, 5); // read and execute
  put64(80, BASE);
  put64(88, BASE);
  put64(96, size);
  put64(104, size);
  put64(112, 0x10000);
  return concatenate([new Uint8Array(head.buffer), code, constants]);
}

/** Assembles twice: the first pass tells how long the code is, and so where its constants are. */
function assemble(
  architecture: Architecture,
  write: (code: Assembler, constants: Constants) => void,
): Uint8Array {
  const pass = (start: number) => {
    const code = assemblerFor(architecture), constants = new Constants(start);
    write(code, constants);
    return { code: code.bytes(), constants: constants.bytes() };
  };
  const { length } = pass(BASE + CODE_OFFSET).code;
  const { code, constants } = pass(BASE + CODE_OFFSET + length);
  return executable(architecture, code, constants);
}

/** The bytes of a launcher. */
export function launcher({ architecture, command, capability }: Launcher): Uint8Array {
  return assemble(architecture, (code, constants) => {
    if (capability !== undefined) {
      const bit = CAPABILITY[capability], mask = 2 ** bit;
      const header = constants.add(words32(CAPABILITY_VERSION, 0));
      // effective, permitted, inheritable; then the upper 32 bits of each
      const sets = constants.add(words32(mask, mask, mask, 0, 0, 0));
      code.call("capset", [header, sets]);
      const raiseAmbient = 2, ambient = 47;
      code.call("prctl", [ambient, raiseAmbient, bit, 0, 0]);
    }
    const words = command.map((word) => constants.text(word));
    code.execute(words);
    const complaint = new TextEncoder().encode(`${command[0]} could not be started\n`);
    code.call("write", [2, constants.add(complaint), complaint.length]);
    code.call("exit", [127]);
  });
}

/** A program that does nothing until it is killed: what keeps a pod's namespaces while its containers come and go. */
export function pauseProgram(architecture: Architecture): Uint8Array {
  return assemble(architecture, (code) => code.callForever("pause"));
}

/** The value of a file's `security.capability` attribute: permitted and effective. Source: linux/capability.h. */
export function fileCapability(capability: keyof typeof CAPABILITY): Uint8Array {
  const VFS_CAP_REVISION_2 = 0x02000000, VFS_CAP_FLAGS_EFFECTIVE = 1;
  return words32(VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, 2 ** CAPABILITY[capability], 0, 0, 0);
}
