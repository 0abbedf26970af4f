/**
 * Linux namespaces, entered by one thread: the calling one.
 *
 * A process started while the thread is inside another namespace is born there, so a container needs no `nsenter` or
 * `unshare` wrapper: its network, mounts, process ids and host name are switched, the process is spawned, and the
 * thread switches back, all within one synchronous call (about 1 ms, the spawn included). Nothing else of the
 * process notices: threads have namespaces of their own, and asynchronous work runs on other threads.
 *
 * Rules the kernel sets: a user namespace cannot be made by a process with several threads; entering a mount
 * namespace needs a working directory that is not shared with other threads, hence unshare(CLONE_FS) first.
 *
 * Source: namespaces(7), setns(2), unshare(2).
 */
import { cString } from "./cstring.ts";
import { errno, SystemError } from "./errno.ts";

const symbols = Deno.dlopen("libc.so.6", {
  unshare: { parameters: ["i32"], result: "i32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
  open: { parameters: ["pointer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  fchdir: { parameters: ["i32"], result: "i32" },
  sethostname: { parameters: ["pointer", "usize"], result: "i32" },
}).symbols;

const CLONE_FS = 0x200, O_CLOEXEC = 0o2000000;

/** Kinds of namespaces, by the name of their file in /proc, with the flag that makes one. */
const FLAGS = { net: 0x40000000, mnt: 0x20000, pid: 0x20000000, uts: 0x4000000, ipc: 0x8000000 } as const;
export type NamespaceKind = keyof typeof FLAGS;
const KINDS = Object.keys(FLAGS) as NamespaceKind[];

/** An open namespace: it lives at least as long as this is not closed. */
export class Namespace {
  #isClosed = false;

  constructor(readonly kind: NamespaceKind, readonly fd: number) {}

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    symbols.close(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function openPath(path: string): number {
  const fd = symbols.open(cString(path), O_CLOEXEC);
  if (fd < 0) throw new SystemError("open", errno(), path);
  return fd;
}

/** Opens a namespace of a running process. @throws SystemError, e.g. ENOENT when the process is gone */
export function openNamespaceOf(pid: number, kind: NamespaceKind): Namespace {
  return new Namespace(kind, openPath(`/proc/${pid}/ns/${kind}`));
}

/** Opens a namespace by the path of its file, as `ip netns` and container runtimes keep them. @throws SystemError */
export function openNamespaceFile(path: string, kind: NamespaceKind): Namespace {
  return new Namespace(kind, openPath(path));
}

/**
 * Opens the namespace the calling thread is in. For `pid`: the one its next child is born in, which can be opened
 * only once that child exists.
 */
export function openOwnNamespace(kind: NamespaceKind): Namespace {
  return new Namespace(kind, openPath(`/proc/thread-self/ns/${kind === "pid" ? "pid_for_children" : kind}`));
}

function enter(namespace: Namespace): void {
  if (symbols.setns(namespace.fd, FLAGS[namespace.kind]) < 0) {
    throw new SystemError("setns", errno(), namespace.kind);
  }
}

function unshare(flags: number, context: string): void {
  if (symbols.unshare(flags) < 0) throw new SystemError("unshare", errno(), context);
}

/** Namespaces to enter, and kinds to make anew. Entered first, made anew after, so that a copy of `mnt` is a copy of the entered one. */
export interface Excursion {
  readonly enter?: readonly Namespace[];
  readonly unshare?: readonly NamespaceKind[];
}

/** Where the thread is at home, opened once per kind. */
const home = new Map<NamespaceKind, Namespace>();

function homeOf(kind: NamespaceKind): Namespace {
  let namespace = home.get(kind);
  if (namespace === undefined) {
    // In a user namespace there is no way back to a host name or IPC namespace that belongs to the outside: the
    // thread moves into a copy of its own first, which looks the same.
    if (kind === "uts" || kind === "ipc") unshare(FLAGS[kind], kind);
    home.set(kind, namespace = openOwnNamespace(kind));
  }
  return namespace;
}

/**
 * Runs `work` with the calling thread in other namespaces, and brings the thread back whatever happens.
 *
 * @param work must be synchronous: the thread is shared by everything else in this isolate
 * @throws SystemError when a namespace cannot be entered or made, and what `work` throws. If the thread cannot be
 * brought back the process exits: it would go on in a place it does not know.
 */
export function inNamespaces<T>(excursion: Excursion, work: () => T): T {
  const wanted = new Set([...(excursion.enter ?? []).map(({ kind }) => kind), ...excursion.unshare ?? []]);
  const kinds = KINDS.filter((kind) => wanted.has(kind));
  for (const kind of kinds) homeOf(kind);
  const isMoving = wanted.has("mnt");
  const directory = isMoving ? openPath(".") : -1;
  try {
    if (isMoving) unshare(CLONE_FS, "CLONE_FS");
    for (const namespace of excursion.enter ?? []) enter(namespace);
    const fresh = excursion.unshare ?? [];
    if (fresh.length > 0) unshare(fresh.reduce((flags, kind) => flags | FLAGS[kind], 0), fresh.join(", "));
    return work();
  } finally {
    comeBack(kinds, directory);
  }
}

function comeBack(kinds: readonly NamespaceKind[], directory: number): void {
  try {
    for (const kind of kinds) enter(homeOf(kind));
    if (directory < 0) return;
    if (symbols.fchdir(directory) < 0) throw new SystemError("fchdir", errno());
    symbols.close(directory);
  } catch (error) {
    console.error("cannot return to the process's own namespaces:", error);
    Deno.exit(70);
  }
}

/** Makes a namespace that lives as long as the returned handle (or a process in it) does. Not for `pid`. */
export function createNamespace(kind: Exclude<NamespaceKind, "pid">): Namespace {
  return inNamespaces({ unshare: [kind] }, () => openOwnNamespace(kind));
}

/** Sets the host name of the UTS namespace the thread is in. */
export function setHostname(name: string): void {
  if (symbols.sethostname(cString(name), BigInt(new TextEncoder().encode(name).length)) < 0) {
    throw new SystemError("sethostname", errno(), name);
  }
}

/**
 * What keeps this process from making namespaces, in one sentence; undefined when it may.
 * Tests and `linkerd local` ask first and tell the user.
 */
export function namespaceObstacle(): string | undefined {
  if (Deno.build.os !== "linux") return `namespaces exist on Linux only, this is ${Deno.build.os}`;
  try {
    createNamespace("net").close();
    return undefined;
  } catch (error) {
    return `this process may not make network namespaces (${(error as Error).message}): run it as root, ` +
      "or in a user namespace with `unshare --user --map-root-user`";
  }
}
