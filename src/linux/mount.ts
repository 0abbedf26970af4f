/** Mounts in the mount namespace the calling thread is in. Source: mount(2), umount2(2), pivot_root(2). */
import { cString } from "./cstring.ts";
import { errno, SystemError } from "./errno.ts";

const symbols = Deno.dlopen("libc.so.6", {
  mount: { parameters: ["pointer", "pointer", "pointer", "u64", "pointer"], result: "i32" },
  umount2: { parameters: ["pointer", "i32"], result: "i32" },
  syscall: { parameters: ["i64", "pointer", "pointer"], result: "i64" },
  chdir: { parameters: ["pointer"], result: "i32" },
}).symbols;

const MS_RDONLY = 1, MS_NOSUID = 2, MS_NODEV = 4, MS_REMOUNT = 32, MS_BIND = 4096, MS_REC = 16384;
const MS_PRIVATE = 1 << 18, MS_SLAVE = 1 << 19, MNT_DETACH = 2;
const SYS_PIVOT_ROOT = Deno.build.arch === "aarch64" ? 41n : 155n;

function mount(source: string, target: string, type: string, flags: number, data = ""): void {
  const options = data === "" ? null : cString(data, 3);
  if (symbols.mount(cString(source, 0), cString(target, 1), cString(type, 2), BigInt(flags), options) < 0) {
    throw new SystemError("mount", errno(), `${type === "none" ? source : type} on ${target}`);
  }
}

/** Keeps mounts made here from showing elsewhere. @param isReceiving mounts made by the parent still show here */
export function isolateMounts(isReceiving = false): void {
  mount("none", "/", "none", MS_REC | (isReceiving ? MS_SLAVE : MS_PRIVATE));
}

/** Shows `source` (a file or a tree with all that is mounted below it) at `target`, which must exist. */
export function bindMount(source: string, target: string, isReadOnly = false): void {
  mount(source, target, "none", MS_BIND | MS_REC);
  if (!isReadOnly) return;
  try {
    mount("none", target, "none", MS_REMOUNT | MS_BIND | MS_RDONLY);
  } catch {
    // A mount inherited by a user namespace keeps its locked flags, which a remount must name again.
    mount("none", target, "none", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV);
  }
}

/** An empty file system in memory at `target`. @param sizeBytes bound of its content; default half of the memory */
export function mountTmpfs(target: string, mode = 0o755, sizeBytes?: number): void {
  const size = sizeBytes === undefined ? "" : `,size=${sizeBytes}`;
  mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, `mode=${mode.toString(8)}${size}`);
}

/** Shows the processes of the thread's own process-id namespace at `target`. */
export function mountProc(target: string): void {
  mount("proc", target, "proc", MS_NOSUID | MS_NODEV);
}

/** Takes away what is mounted at `target`, at once for the name and later for whoever still uses it. */
export function unmount(target: string): void {
  if (symbols.umount2(cString(target), MNT_DETACH) < 0) throw new SystemError("umount2", errno(), target);
}

/**
 * Makes `root` (a mount point) the root of the namespace.
 * @param old where the old root is seen afterwards, an existing directory below the new one; left out: it is taken away
 */
export function pivotRoot(root: string, old?: string): void {
  if (symbols.chdir(cString(root)) < 0) throw new SystemError("chdir", errno(), root);
  // At "." the old root lands on top of the new one and is taken away from there: no directory for it is needed.
  const place = old === undefined ? "." : `.${old}`;
  if (symbols.syscall(SYS_PIVOT_ROOT, cString(".", 0), cString(place, 1)) < 0n) {
    throw new SystemError("pivot_root", errno(), root);
  }
  if (old === undefined) unmount(".");
  if (symbols.chdir(cString("/")) < 0) throw new SystemError("chdir", errno(), "/");
}
