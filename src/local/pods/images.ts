/**
 * Images as processes of this machine.
 *
 * The laptop cluster unpacks no image. A container's command runs from the machine's own file system; an image may be
 * mapped to a command, and so may the path of a program inside an image.
 */
import type { Container } from "../../kube/kinds.ts";
import { expand } from "./environment.ts";

/**
 * A command that runs inside the runner's own process, in the pod's network namespace: for what is done in
 * milliseconds, where starting a runtime would take longer than the work.
 * @param write takes a line of log
 * @returns the exit status
 */
export type Builtin = (args: readonly string[], write: (line: string) => void) => number;

export interface ImageMap {
  /** Image name without tag → the command its containers run when they name none. A registry in front is ignored. */
  readonly images?: Readonly<Record<string, readonly string[]>>;
  /** First word of a command (a path inside an image) → what stands for it here. */
  readonly commands?: Readonly<Record<string, readonly string[] | Builtin>>;
}

/** What a container runs. */
export interface ResolvedCommand {
  readonly argv: readonly string[];
  readonly builtin?: Builtin;
}

/** A container that cannot be started from what it says: the reason and message of its waiting state. */
export class ImageError extends Error {
  override readonly name = "ImageError";
  constructor(readonly reason: string, message: string) {
    super(message);
  }
}

/** `registry:5000/team/app:1.2@sha256:…` → `registry:5000/team/app`. */
export function imageName(image: string): string {
  return image.replace(/@.*$/, "").replace(/:[^/:]*$/, "");
}

function commandOfImage(image: string, images: ImageMap["images"] = {}): readonly string[] | undefined {
  const name = imageName(image);
  const key = Object.keys(images).find((each) => name === each || name.endsWith(`/${each}`));
  return key === undefined ? undefined : images[key];
}

/**
 * Decides what a container runs.
 * @throws ImageError when it names no command and its image is not mapped
 */
export function resolveCommand(
  container: Container,
  map: ImageMap,
  environment: ReadonlyMap<string, string>,
): ResolvedCommand {
  const args = (container.args ?? []).map((text) => expand(text, environment));
  const command = (container.command ?? []).map((text) => expand(text, environment));
  const [program, ...rest] = command;
  if (program !== undefined) return resolveProgram(program, [...rest, ...args], map);
  const entry = commandOfImage(container.image ?? "", map.images);
  if (entry !== undefined) return { argv: [...entry, ...args] };
  throw new ImageError(
    "ErrImagePull",
    `image ${
      JSON.stringify(container.image ?? "")
    } is not known here and container "${container.name}" names no ` +
      "command: the laptop cluster runs programs of this machine and pulls no images, so set `command`",
  );
}

/** What stands for a program that is started with arguments. */
export function resolveProgram(program: string, args: readonly string[], map: ImageMap): ResolvedCommand {
  const mapped = Object.hasOwn(map.commands ?? {}, program) ? map.commands![program] : undefined;
  if (mapped === undefined) return { argv: [program, ...args] };
  if (typeof mapped === "function") return { argv: [program, ...args], builtin: mapped };
  return { argv: [...mapped, ...args] };
}
