/** Splits a stream of bytes into lines: what a watch sends. A last line without its line feed is dropped as cut off. */
export async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const text = decoder.decode(chunk, { stream: true });
    let from = 0;
    let end = text.indexOf("\n");
    while (end !== -1) {
      yield rest + text.slice(from, end);
      rest = "";
      from = end + 1;
      end = text.indexOf("\n", from);
    }
    rest += text.slice(from);
  }
}
