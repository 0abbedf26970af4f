/**
 * The few instructions the launchers need, for both architectures: system calls with constant arguments, and an
 * `execve` whose first words are constants and whose others are the program's own.
 *
 * Source: Intel 64 manual volume 2; Arm A64 instruction set; linux/arch/*.../unistd tables.
 */
import type { Architecture } from "./launcher.ts";

type Call = "write" | "exit" | "execve" | "capset" | "prctl" | "pause";

export interface Assembler {
  /** A system call with constants below 2³² as arguments; what it answers is not looked at. */
  call(name: Call, constants: readonly number[]): void;
  /** A system call without arguments, again and again. */
  callForever(name: Call): void;
  /**
   * `execve(words[0], [...words, ...argv.slice(1)], environ)`. The stack holds `argc, argv[0], argv[1] … 0, environ … 0`
   * at start: the words are written over what stands before `argv[1]`.
   */
  execute(words: readonly number[]): void;
  bytes(): Uint8Array;
}

class Amd64 implements Assembler {
  static readonly #CALLS: Readonly<Record<Call, number>> = {
    write: 1,
    pause: 34,
    execve: 59,
    exit: 60,
    capset: 126,
    prctl: 157,
  };
  /** `mov r32, imm32` of rdi, rsi, rdx, r10, r8: the registers of arguments, in order. */
  static readonly #LOAD = [[0xbf], [0xbe], [0xba], [0x41, 0xba], [0x41, 0xb8]] as const;
  readonly #code: number[] = [];

  #word(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.#code.push((value >>> shift) & 255);
  }

  #enter(name: Call): void {
    this.#code.push(0xb8); // mov eax, number
    this.#word(Amd64.#CALLS[name]);
    this.#code.push(0x0f, 0x05); // syscall
  }

  call(name: Call, constants: readonly number[]): void {
    constants.forEach((value, index) => {
      this.#code.push(...Amd64.#LOAD[index]!);
      this.#word(value);
    });
    this.#enter(name);
  }

  callForever(name: Call): void {
    const start = this.#code.length;
    this.#enter(name);
    this.#code.push(0xeb, (start - this.#code.length - 2) & 255); // jmp
  }

  execute(words: readonly number[]): void {
    this.#code.push(0x48, 0x8b, 0x0c, 0x24); // mov rcx, [rsp]            argc
    this.#code.push(0x48, 0x8d, 0x54, 0xcc, 0x10); // lea rdx, [rsp+rcx*8+16]   environ
    this.#code.push(0x48, 0x83, 0xc4, 0x10); // add rsp, 16               argv[1]
    for (const word of words.toReversed()) {
      this.#code.push(0x68); // push imm32
      this.#word(word);
    }
    this.#code.push(0x48, 0x89, 0xe6); // mov rsi, rsp
    this.#code.push(...Amd64.#LOAD[0]);
    this.#word(words[0]!);
    this.#enter("execve");
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#code);
  }
}

class Arm64 implements Assembler {
  static readonly #CALLS: Readonly<Record<Call, number>> = {
    write: 64,
    pause: 73, // ppoll without descriptors: there is no pause
    capset: 91,
    exit: 93,
    prctl: 167,
    execve: 221,
  };
  readonly #code: number[] = [];

  /** `movz`, `movk`: a constant below 2³² into a register. */
  #load(register: number, value: number): void {
    this.#code.push(0xd2800000 + (value & 0xffff) * 32 + register);
    if (value > 0xffff) this.#code.push(0xf2a00000 + (value >>> 16) * 32 + register);
  }

  #enter(name: Call): void {
    this.#load(8, Arm64.#CALLS[name]);
    this.#code.push(0xd4000001); // svc #0
  }

  call(name: Call, constants: readonly number[]): void {
    constants.forEach((value, index) => this.#load(index, value));
    this.#enter(name);
  }

  callForever(name: Call): void {
    const start = this.#code.length;
    for (let register = 0; register < 5; register++) this.#load(register, 0);
    this.#enter(name);
    this.#code.push(0x14000000 + ((start - this.#code.length) & 0x3ffffff)); // b
  }

  execute(words: readonly number[]): void {
    this.#code.push(0xf94003e1); // ldr x1, [sp]             argc
    this.#code.push(0x910003e4); // mov x4, sp
    this.#code.push(0x8b010c82); // add x2, x4, x1, lsl #3
    this.#code.push(0x91004042); // add x2, x2, #16          environ
    this.#code.push(0x91004083); // add x3, x4, #16          argv[1]
    for (const word of words.toReversed()) {
      this.#load(5, word);
      this.#code.push(0xf81f8c65); // str x5, [x3, #-8]!
    }
    this.#code.push(0xaa0303e1); // mov x1, x3
    this.#load(0, words[0]!);
    this.#enter("execve");
  }

  bytes(): Uint8Array {
    return new Uint8Array(Uint32Array.from(this.#code).buffer);
  }
}

export function assemblerFor(architecture: Architecture): Assembler {
  return architecture === "amd64" ? new Amd64() : new Arm64();
}
