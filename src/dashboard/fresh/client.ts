/**
 * In the browser: brings the islands of a page to life where the server marked them (islands.ts).
 *
 * The script of each island calls `hydrateIsland`; scripts are modules, so the page has been read by then.
 */
import { type ComponentType, h, hydrate } from "preact";
import { parse } from "devalue";
import { PROPS_ELEMENT } from "./props_element.ts";

let revived: readonly object[] | undefined;

/** The props of all islands of the page, revived once, so that what two islands share stays shared. */
function propsOf(index: number): object {
  revived ??= parse(document.getElementById(PROPS_ELEMENT)?.textContent ?? "[]") as object[];
  return revived[index] ?? {};
}

/** @param name as in the marks: the file's */
export function hydrateIsland(name: string, component: ComponentType<never>): void {
  const prefix = `island:${name}:`;
  const marks: Comment[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_COMMENT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    if (node instanceof Comment && node.data.startsWith(prefix)) marks.push(node);
  }
  for (const mark of marks) {
    const props = propsOf(Number(mark.data.slice(prefix.length)));
    hydrate(h(component as ComponentType<object>, props), rootBetween(mark));
  }
}

/** What Preact needs of a parent, limited to the nodes between a mark and its end. */
function rootBetween(start: Comment): Element {
  const parent = start.parentNode as Element;
  const children: ChildNode[] = [];
  let end: ChildNode | null = start.nextSibling;
  while (end !== null && !(end instanceof Comment && end.data === "/island")) {
    children.push(end);
    end = end.nextSibling;
  }
  const insertBefore = (node: Node, before: Node | null) => parent.insertBefore(node, before ?? end);
  return {
    nodeType: Node.ELEMENT_NODE,
    namespaceURI: parent.namespaceURI,
    ownerDocument: parent.ownerDocument,
    parentNode: parent,
    firstChild: children[0] ?? null,
    childNodes: children,
    insertBefore,
    appendChild: (node: Node) => insertBefore(node, null),
    removeChild: (node: Node) => parent.removeChild(node),
    contains: (node: Node) => parent.contains(node),
  } as unknown as Element;
}
