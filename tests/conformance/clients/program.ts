/** A client program of others, if it is installed. */
export interface Program {
  readonly name: string;
  /** The Debian package that has it. */
  readonly package: string;
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly errors: string;
}

function isInstalled({ name }: Program): boolean {
  try {
    return new Deno.Command(name, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** @param input what it reads from its standard input */
export async function run({ name }: Program, args: readonly string[], input?: Uint8Array): Promise<Ran> {
  const child = new Deno.Command(name, {
    args: [...args],
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const feeding = input === undefined ? undefined : (async () => {
    const writer = child.stdin.getWriter();
    await writer.write(input);
    await writer.close();
  })();
  const { code, stdout, stderr } = await child.output();
  await feeding;
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), errors: text.decode(stderr) };
}

/** A test that needs `program`; without it the test is ignored, and its name says how to get it. */
export function testWith(program: Program, what: string, test: () => Promise<void>): void {
  const ignore = !isInstalled(program);
  const hint = ignore ? ` (not run: no ${program.name}; apt-get install ${program.package})` : "";
  Deno.test({ name: what + hint, ignore, fn: test });
}
